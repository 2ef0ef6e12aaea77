//! What an agent's record holds, whom it serves and who may see it: over real sockets.

use std::os::unix::fs::PermissionsExt as _;

use reqwest::Method;
use serde_json::{Value, json};

use ruhepol::server::auth::Role;

use crate::support::{Client, TestServer, serve};

/// A call of the agent a7 in which the customer waited four minutes, and the prompt that follows from it.
async fn call_with_a_wait(server: &TestServer, panel: &mut Client, name: &str) -> (Client, Value) {
    let mut call = server.transcripts().await;
    call.start(json!({"type": "start", "call": name, "agent": "a7", "language": "de", "wait_s": 240})).await;
    call.say("agent", 0, 2_000, "Guten Tag, was kann ich für Sie tun?").await;
    let prompt = panel.json_of("prompt").await;
    (call, prompt)
}

async fn end(mut call: Client, panel: &mut Client) {
    call.say("customer", 3_000, 4_000, "Vielen Dank, das war sehr nett von Ihnen.").await;
    call.stop().await;
    panel.json_of("summary").await;
}

/// The record once it holds this many calls: it is written just after the last event is out.
async fn record_of(server: &TestServer, calls: u64) -> Value {
    let token = server.token(Role::Agent, "a7");
    for _ in 0..300 {
        let (status, body) = server.get("/v1/agents/a7/record", Some(&token)).await;
        assert_eq!(status, 200, "{body}");
        let record: Value = serde_json::from_str(&body).unwrap();
        if record["shift"]["calls"] == calls {
            return record;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the record never held {calls} calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_the_agents_own_and_can_be_erased() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_owned();
    let server = serve(|config| config.server.data_dir = Some(data_dir)).await;
    let mut panel = server.connect("/v1/feed/agent/a7", Role::Agent, "a7").await;
    let (call, prompt) = call_with_a_wait(&server, &mut panel, "c1").await;
    assert_eq!(prompt["practice"], "002-4");
    panel.send(json!({"type": "used", "prompt": prompt["id"], "ref": 1})).await;
    assert_eq!(panel.json_of("done").await["ref"], 1);
    end(call, &mut panel).await;

    let record = record_of(&server, 1).await;
    assert_eq!(record["habits"]["002-4"]["used"], 1, "{record}");
    assert_eq!(record["habits"]["002-4"]["shown"], 1, "{record}");

    for (role, sub) in [(Role::Agent, "a8"), (Role::Supervisor, "s1"), (Role::Admin, "root"), (Role::Ingest, "pbx")] {
        let token = server.token(role, sub);
        for method in [Method::GET, Method::DELETE] {
            let (status, body) = server.request(method.clone(), "/v1/agents/a7/record", Some(&token)).await;
            assert_eq!(status, 403, "{method} by {role:?}: {body}");
        }
    }
    assert_eq!(server.get("/v1/agents/a7/record", None).await.0, 401);

    let files: Vec<_> = std::fs::read_dir(dir.path().join("agents")).unwrap().map(|entry| entry.unwrap()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(files[0].path()).unwrap();
    for private in ["a7", "Dank", "Guten Tag"] {
        assert!(!text.contains(private), "{private} in {text}");
    }

    let token = server.token(Role::Agent, "a7");
    let (status, _) = server.request(Method::DELETE, "/v1/agents/a7/record", Some(&token)).await;
    assert_eq!(status, 204);
    assert_eq!(record_of(&server, 0).await["habits"], json!({}));
    assert_eq!(std::fs::read_dir(dir.path().join("agents")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_forgotten_by_the_running_call_too() {
    let server = serve(|_| {}).await;
    let mut panel = server.connect("/v1/feed/agent/a7", Role::Agent, "a7").await;
    let (mut call, prompt) = call_with_a_wait(&server, &mut panel, "c1").await;
    panel.send(json!({"type": "used", "prompt": prompt["id"], "ref": 1})).await;
    panel.json_of("done").await;
    call.say("customer", 3_000, 4_000, "Vielen Dank, das ist sehr nett von Ihnen.").await;
    panel.json_of("moment").await;
    let token = server.token(Role::Agent, "a7");
    assert_eq!(server.request(Method::DELETE, "/v1/agents/a7/record", Some(&token)).await.0, 204);
    call.stop().await;
    panel.json_of("summary").await;
    let record = record_of(&server, 1).await;
    assert_eq!(record["shift"]["good"], json!([]), "the moment was before: {record}");
    assert_eq!(record["habits"]["002-4"], Value::Null, "{record}");
}

#[tokio::test(flavor = "multi_thread")]
async fn team_figures_need_five_agents_and_a_supervisor_of_the_team() {
    let server = serve(|_| {}).await;
    let token = server.token(Role::Supervisor, "s1");
    let figures = async || {
        let (status, body) = server.get("/v1/teams/nord/practices", Some(&token)).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()["practices"].clone()
    };
    for agent in 1..=5 {
        assert_eq!(figures().await, json!({}), "before agent {agent}");
        let name = format!("a{agent}");
        let mut panel = server.connect(&format!("/v1/feed/agent/{name}"), Role::Agent, &name).await;
        let mut call = server.transcripts().await;
        let start =
            json!({"type": "start", "call": name, "agent": name, "team": "nord", "language": "de", "wait_s": 240});
        call.start(start).await;
        call.say("agent", 0, 2_000, "Guten Tag, was kann ich für Sie tun?").await;
        panel.json_of("prompt").await;
        if agent < 5 {
            call.say("customer", 3_000, 5_000, "Ich komme vorbei und schlage alles kurz und klein!").await;
            while panel.json_of("prompt").await["practice"] != "safety" {}
        }
        call.stop().await;
        panel.json_of("summary").await;
    }
    let told = figures().await;
    assert_eq!(told["002-4"]["shown"], 5, "{told}");
    assert_eq!(told.as_object().map(serde_json::Map::len), Some(1), "four were shown the other: {told}");
    assert!(!told.to_string().contains("\"a1\""), "{told}");
    let token = server.token(Role::Agent, "a3");
    assert_eq!(server.request(Method::DELETE, "/v1/agents/a3/record", Some(&token)).await.0, 204);
    assert_eq!(figures().await, json!({}), "without a3 there are four");
    for (role, sub) in [(Role::Agent, "a1"), (Role::Auditor, "x"), (Role::Ingest, "pbx")] {
        let token = server.token(role, sub);
        assert_eq!(server.get("/v1/teams/nord/practices", Some(&token)).await.0, 403, "{role:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_prompt_is_told_to_that_agent_alone() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    let mut panel = server.connect("/v1/feed/agent/a7", Role::Agent, "a7").await;
    let mut other = server.connect("/v1/feed/agent/a8", Role::Agent, "a8").await;
    assert_eq!(other.json().await["type"], "snapshot");
    let (call, prompt) = call_with_a_wait(&server, &mut panel, "c1").await;
    feed.send(json!({"type": "open", "call": "c1", "ref": "o"})).await;
    assert_eq!(feed.json_of("done").await["ref"], "o");
    panel.send(json!({"type": "not_now", "prompt": prompt["id"], "ref": 1})).await;
    let answered = panel.json_of("prompt").await;
    assert_eq!((&answered["id"], &answered["state"]), (&prompt["id"], &json!("not_now")));
    end(call, &mut panel).await;

    let id = prompt["id"].as_str().unwrap();
    let of_the_agent = |text: &str| {
        [id, "\"002-4\"", "not_now", "practices_done", "\"prompt\"", "\"moment\""]
            .into_iter()
            .find(|word| text.contains(word))
            .map(str::to_owned)
    };
    assert!(of_the_agent(&prompt.to_string()).is_some(), "it can be seen: {prompt}");
    loop {
        let message = feed.json().await;
        assert_eq!(of_the_agent(&message.to_string()), None, "a supervisor who has opened the call: {message}");
        if message["type"] == "call_ended" {
            break;
        }
    }
    for (role, sub) in [(Role::Supervisor, "s1"), (Role::Auditor, "x"), (Role::Admin, "root"), (Role::Agent, "a8")] {
        let token = server.token(role, sub);
        for path in ["/v1/calls", "/v1/calls/c1", "/v1/calls/c1/events", "/v1/alerts", "/v1/teams/nord/practices"] {
            let (_, body) = server.get(path, Some(&token)).await;
            assert_eq!(of_the_agent(&body), None, "{path} for {role:?}: {body}");
        }
        let refused = server.try_connect("/v1/feed/agent/a7", Some(&token)).await.err();
        assert_eq!(refused, Some(403), "the agent's feed for {role:?}");
    }
    other.send(json!({"type": "card"})).await;
    let first = other.json().await;
    assert_eq!((&first["type"], &first["lines"]), (&json!("card"), &json!([])), "nothing of c1 before it: {first}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_muted_for_good_stays_mute_in_later_calls_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_owned();
    let server = serve(|config| config.server.data_dir = Some(data_dir.clone())).await;
    let mut panel = server.connect("/v1/feed/agent/a7", Role::Agent, "a7").await;
    let (call, prompt) = call_with_a_wait(&server, &mut panel, "c1").await;
    panel.send(json!({"type": "mute", "prompt": "c1:p99", "for_good": true, "ref": 1})).await;
    assert_eq!(panel.json_of("error").await["code"], "unknown_prompt");
    panel.send(json!({"type": "mute", "prompt": prompt["id"], "for_good": true, "ref": 2})).await;
    assert_eq!(panel.json_of("done").await["ref"], 2);
    end(call, &mut panel).await;
    record_of(&server, 1).await;
    server.end().await;

    let server = serve(|config| config.server.data_dir = Some(data_dir)).await;
    let mut panel = server.connect("/v1/feed/agent/a7", Role::Agent, "a7").await;
    let mut call = server.transcripts().await;
    call.start(json!({"type": "start", "call": "c2", "agent": "a7", "language": "de", "wait_s": 240})).await;
    call.say("agent", 0, 2_000, "Guten Tag, was kann ich für Sie tun?").await;
    call.stop().await;
    loop {
        let message = panel.json().await;
        assert_ne!(message["practice"], "002-4", "{message}");
        if message["type"] == "summary" {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shift_card_comes_when_asked_and_only_to_the_agent() {
    let server = serve(|_| {}).await;
    let mut panel = server.connect("/v1/feed/agent/a7", Role::Agent, "a7").await;
    panel.send(json!({"type": "card"})).await;
    assert_eq!(panel.json_of("card").await["lines"], json!([]), "no call yet");
    let (call, _) = call_with_a_wait(&server, &mut panel, "c1").await;
    end(call, &mut panel).await;
    record_of(&server, 1).await;
    panel.send(json!({"type": "card", "lang": "de", "ref": "x"})).await;
    let card = panel.json_of("card").await;
    assert!(card.get("seq").is_none(), "part of no log: {card}");
    let lines: Vec<&str> = card["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert!(lines.iter().any(|line| line.contains("Dank")), "{lines:?}");
    assert_eq!(panel.json_of("done").await["ref"], "x");

    let (_, page) = server.get("/metrics", None).await;
    assert!(page.contains("ruhepol_prompt_wait_seconds_count 1"), "{page}");
    assert!(page.contains("ruhepol_prompt_processing_seconds_count 1"), "{page}");
    assert!(!page.contains("a7"), "metrics name no agent");
}
