//! What an OpenTelemetry collector gets, over real sockets.

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{PATIENCE, serve};
use crate::webhooks::Receiver;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_gets_figures_and_a_trace_per_call_without_words() {
    let mut collector = Receiver::new(&[]).await;
    let server = serve(|config| {
        config.telemetry.endpoint = Some(format!("http://{}", collector.address));
        config.telemetry.interval_s = 1;
    })
    .await;
    let mut line = server.words_call("traced").await;
    line.say("customer", 0, 2_000, "Frechheit mit dem Zwetschgenkuchen, ich gehe zum Anwalt!").await;
    line.stop().await;
    let (mut figures, mut spans) = (None, Vec::new());
    while figures.is_none() || spans.len() < 2 {
        let heard = timeout(PATIENCE, collector.heard.recv()).await.unwrap().unwrap();
        assert!(!heard.body.contains("Zwetschgen") && !heard.body.contains("\"a7\""), "{}", heard.body);
        let body: Value = serde_json::from_str(&heard.body).unwrap();
        if heard.headers.starts_with("post /v1/metrics") {
            figures = Some(body);
        } else {
            assert!(heard.headers.starts_with("post /v1/traces"), "{}", heard.headers);
            spans.extend(body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().iter().cloned());
        }
    }
    let call = spans.iter().find(|span| span["name"] == "call").unwrap();
    let words = spans.iter().find(|span| span["name"] == "speech_to_assessment").unwrap();
    assert_eq!((&words["parentSpanId"], &words["traceId"]), (&call["spanId"], &call["traceId"]));
    assert_eq!((call["traceId"].as_str().unwrap().len(), call["spanId"].as_str().unwrap().len()), (32, 16));
    assert_eq!(call["events"][0]["name"], "alert");
    assert!(
        call["attributes"]
            .as_array()
            .unwrap()
            .contains(&json!({"key": "ruhepol.queue", "value": {"stringValue": "versand"}}))
    );
    let metrics = &figures.unwrap()["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
    assert!(metrics.as_array().unwrap().iter().any(|metric| metric["name"] == "ruhepol_events"), "{metrics}");
    server.end().await;
}
