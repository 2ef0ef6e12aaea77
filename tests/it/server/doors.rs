//! Who comes in, when the server is full or stopping, and the pages.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use ruhepol::server::auth::{Claims, Role, Tokens};

use crate::support::{PATIENCE, now_s, serve, silence, start};

#[tokio::test]
async fn tokens_are_checked_before_the_upgrade() {
    let server = serve(|_| {}).await;
    let claims = |role, sub: &str| Claims {
        sub: sub.to_owned(),
        role,
        teams: vec![],
        queues: vec![],
        iat: 0,
        exp: 0,
        jti: None,
    };
    let forged = Tokens::new(b"another secret").issue(now_s(), 60, claims(Role::Admin, "x"));
    let expired = server.tokens.issue(now_s() - 100, 99, claims(Role::Admin, "x"));
    for path in ["/v1/media", "/v1/transcripts", "/v1/feed/supervisor", "/v1/feed/agent/a7"] {
        assert_eq!(server.try_connect(path, None).await.err(), Some(401), "{path} without a token");
        assert_eq!(server.try_connect(path, Some("nonsense")).await.err(), Some(401), "{path}");
        assert_eq!(server.try_connect(path, Some(&forged)).await.err(), Some(401), "{path}, forged");
        assert_eq!(server.try_connect(path, Some(&expired)).await.err(), Some(401), "{path}, expired");
    }
    for (path, role, allowed) in [
        ("/v1/media", Role::Ingest, true),
        ("/v1/media", Role::Admin, true),
        ("/v1/media", Role::Supervisor, false),
        ("/v1/transcripts", Role::Agent, false),
        ("/v1/feed/supervisor", Role::Supervisor, true),
        ("/v1/feed/supervisor", Role::Ingest, false),
        ("/v1/feed/supervisor", Role::Auditor, false),
        ("/v1/feed/agent/a7", Role::Agent, true),
        ("/v1/feed/agent/a8", Role::Agent, false),
        ("/v1/feed/agent/a7", Role::Admin, false),
        ("/v1/feed/agent/a7", Role::Supervisor, false),
    ] {
        let token = server.token(role, "a7");
        let result = server.try_connect(path, Some(&token)).await.err();
        assert_eq!(result, (!allowed).then_some(403), "{path} as {role:?}");
    }
    let (status, _) = server.get("/v1/calls", Some(&server.token(Role::Agent, "a7"))).await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn a_browser_sends_its_token_as_a_subprotocol() {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    let server = serve(|_| {}).await;
    let mut request = server.url("/v1/feed/supervisor").into_client_request().unwrap();
    let offered = format!("bearer, {}", server.token(Role::Supervisor, "s1"));
    request.headers_mut().insert("Sec-WebSocket-Protocol", offered.parse().unwrap());
    let (mut stream, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "bearer");
    assert!(matches!(stream.next().await, Some(Ok(Message::Text(text))) if text.contains("snapshot")));
}

#[tokio::test]
async fn a_token_that_runs_out_closes_the_socket() {
    let server = serve(|_| {}).await;
    let claims = Claims {
        sub: "s1".to_owned(),
        role: Role::Supervisor,
        teams: vec![],
        queues: vec![],
        iat: 0,
        exp: 0,
        jti: None,
    };
    let token = server.token_of(claims, 2);
    let mut feed = server.try_connect("/v1/feed/supervisor", Some(&token)).await.unwrap();
    assert_eq!(feed.json().await["type"], "snapshot");
    assert_eq!(feed.refused().await, ("unauthorized".to_owned(), 1008));
}

#[tokio::test]
async fn a_full_server_says_when_to_come_back() {
    let server = serve(|config| config.limits.calls = 1).await;
    let mut first = server.media_call("c1").await;
    assert_eq!(server.get("/readyz", None).await.0, 503);
    let mut second = server.media().await;
    second.send(start("c2")).await;
    let error = second.json().await;
    assert_eq!((&error["code"], &error["retry_after_s"]), (&json!("busy"), &json!(5)));
    assert_eq!(second.close_code().await, 1013);
    first.stop().await;
    let _third = server.media_call("c2").await;
}

#[tokio::test]
async fn shutdown_drains() {
    let server = serve(|config| config.server.drain_s = 20).await;
    let mut feed = server.feed().await;
    let mut call = server.media_call("c1").await;
    let mut waiting = server.media().await;
    server.stop.drain();
    let ready = timeout(PATIENCE, async {
        while server.get("/readyz", None).await.0 != 503 {
            sleep(Duration::from_millis(10)).await;
        }
    });
    ready.await.unwrap();
    waiting.send(start("c2")).await;
    assert_eq!(waiting.refused().await, ("shutting_down".to_owned(), 1001));
    call.send_audio(silence(500)).await;
    call.stop().await;
    assert_eq!(feed.json_of("call_ended").await["reason"], "stop");
    assert_eq!(feed.refused().await, ("shutting_down".to_owned(), 1001));
    timeout(PATIENCE, server.task).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_second_wish_ends_running_calls() {
    let server = serve(|config| config.server.drain_s = 3_600).await;
    let mut feed = server.feed().await;
    let mut call = server.media_call("c1").await;
    server.stop.drain();
    server.stop.end();
    assert_eq!(call.refused().await, ("shutting_down".to_owned(), 1001));
    assert_eq!(feed.json_of("call_ended").await["reason"], "shutdown");
    timeout(PATIENCE, server.task).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn http_pages() {
    let server = serve(|_| {}).await;
    for (path, part) in
        [("/healthz", "ok"), ("/readyz", "ready"), ("/metrics", "ruhepol_calls 0"), ("/", "ruhepol watch")]
    {
        let (status, body) = server.get(path, None).await;
        assert!(status == 200 && body.contains(part), "{path}: {status} {body}");
    }
    assert_eq!(server.get("/agent", None).await.0, 200);
    let (_, schema) = server.get("/schema/event.json", None).await;
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert!(schema.to_string().contains("call_started"), "{schema}");
    assert_eq!(server.get("/nothing", None).await.0, 404);
    let ingest = server.token(Role::Ingest, "pbx");
    assert_eq!(server.get("/v1/media", None).await.0, 401);
    assert_eq!(server.get("/v1/media", Some(&ingest)).await.0, 426);
}

#[tokio::test]
async fn calls_over_http() {
    let server = serve(|_| {}).await;
    let token = server.token(Role::Supervisor, "s1");
    let mut call = server.words_call("c/1").await;
    call.say("customer", 0, 2_000, "Ich bringe Sie um!").await;
    let alerts = loop {
        let (_, body) = server.get("/v1/alerts", Some(&token)).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        if body["alerts"][0]["call"] == "c/1" {
            break body;
        }
        sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(alerts["alerts"][0]["alert"]["kind"], "violence_threat");
    assert_eq!(server.request(reqwest::Method::DELETE, "/v1/calls/c%2F1", Some(&token)).await.0, 409);
    call.stop().await;
    let (_, body) = server.get("/v1/calls/c%2F1/events?after=1", Some(&token)).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["events"][0]["seq"], 2);
    assert_eq!(server.request(reqwest::Method::DELETE, "/v1/calls/c%2F1", Some(&token)).await.0, 204);
    assert_eq!(server.get("/v1/calls/c%2F1", Some(&token)).await.0, 404);
}
