//! Vonage, jambonz, FreeSWITCH and Asterisk over real sockets.

use futures_util::StreamExt as _;
use ruhepol::server::auth::Role;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::phones::{closed_silently, connect, phone, phones};
use crate::support::{Client, PATIENCE, TestServer, serve, silence};

/// A socket that offers a sub-protocol, and the one agreed to.
async fn offering(server: &TestServer, path: &str, name: &str) -> (Client, Option<String>) {
    let bearer = format!("Bearer {}", server.token(Role::Ingest, "pbx"));
    connect(server, path, &[("authorization", &bearer), ("sec-websocket-protocol", name)]).await.unwrap()
}

async fn text(client: &mut Client, text: &str) {
    use futures_util::SinkExt as _;
    client.stream.send(Message::text(text)).await.unwrap();
}

/// Says goodbye and waits for the answer.
async fn hang_up(mut client: Client) {
    client.stream.close(None).await.unwrap();
    while let Some(Ok(message)) = timeout(PATIENCE, client.stream.next()).await.unwrap() {
        assert!(message.is_close(), "nothing is sent: {message}");
    }
}

#[tokio::test]
async fn a_vonage_call() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    let mut call = phone(&server, "/v1/media/vonage").await;
    call.send(json!({"event": "websocket:connected", "content-type": "audio/l16;rate=16000", "call": "v1",
        "consent": "true", "agent": "a7", "customer_name": "Frau Keller"}))
        .await;
    for _ in 0..50 {
        call.send_audio(silence(20)).await;
    }
    call.send_audio(vec![0; 641]).await;
    call.send(json!({"event": "websocket:dtmf", "digit": "5", "duration": 260})).await;
    hang_up(call).await;
    assert_eq!(feed.json().await["agent"], "a7");
    let ended = feed.json_of("call_ended").await;
    assert_eq!((&ended["call"], &ended["reason"]), (&json!("v1"), &json!("stop")));
    assert_eq!(ended["summary"]["duration_ms"], 1_020);
}

#[tokio::test]
async fn a_jambonz_call() {
    let server = phones(|_| {}).await;
    let mut feed = server.feed().await;
    let (mut call, agreed) = offering(&server, "/v1/media/jambonz", "audio.jambonz.org").await;
    assert_eq!(agreed.as_deref(), Some("audio.jambonz.org"));
    call.send(json!({"callSid": "j1", "direction": "inbound", "sampleRate": 8000, "mixType": "stereo",
        "metadata": {"agent": "a7", "queue": "versand"}}))
        .await;
    call.send_audio(vec![0; 32_000]).await;
    hang_up(call).await;
    assert_eq!(feed.json().await["queue"], "versand");
    assert_eq!(feed.json_of("call_ended").await["summary"]["duration_ms"], 1_000);
}

#[tokio::test]
async fn a_freeswitch_call_that_learns_its_facts_late() {
    let server = phones(|config| config.phones.freeswitch.events = true).await;
    let mut feed = server.feed().await;
    let (mut call, agreed) = offering(&server, "/v1/media/freeswitch", "audio.drachtio.org").await;
    assert_eq!(agreed.as_deref(), Some("audio.drachtio.org"));
    call.send(json!({"call": "f1", "mix": "stereo", "rate": "8k"})).await;
    call.send_audio(vec![0; 32_000]).await;
    assert_eq!(feed.json().await["agent"], Value::Null);
    call.send(json!({"agent": "a7", "queue": "versand"})).await;
    let facts = feed.json_of("call_facts").await;
    assert_eq!((&facts["agent"], &facts["queue"]), (&json!("a7"), &json!("versand")));
    call.send(json!({"event": "hold"})).await;
    feed.json_of("hold").await;
    call.send(json!({"event": "stop"})).await;
    assert_eq!(closed_silently(&mut call).await.0, 1000);
    let (_, view) = server.get("/v1/calls/f1", Some(&server.token(Role::Supervisor, "s"))).await;
    assert!(view.contains("\"agent\":\"a7\""), "{view}");
}

#[tokio::test]
async fn freeswitch_without_a_word_is_described_by_its_address() {
    let server = phones(|_| {}).await;
    let mut feed = server.feed().await;
    let mut call = phone(&server, "/v1/media/freeswitch?call=f2&rate=16000&channel=agent").await;
    call.send_audio(silence(1_000)).await;
    hang_up(call).await;
    let ended = feed.json_of("call_ended").await;
    assert_eq!((&ended["call"], &ended["summary"]["duration_ms"]), (&json!("f2"), &json!(1_000)));
}

#[tokio::test]
async fn two_asterisk_channels_are_one_call() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    let path = |id: &str, channel: &str| format!("/v1/media/asterisk/{id}?call=a1&channel={channel}&consent=true");
    let mut customer = phone(&server, &path("m1", "customer")).await;
    customer
        .send(json!({"event": "MEDIA_START", "connection_id": "m1", "channel": "WebSocket/x", "channel_id": "1",
            "format": "alaw", "optimal_frame_size": 160, "ptime": 20, "channel_variables": {"agent": "a7"}}))
        .await;
    assert_eq!(customer.json().await, json!({"command": "SET_MEDIA_DIRECTION", "direction": "out"}));
    let mut agent = phone(&server, &path("m2", "agent")).await;
    text(&mut agent, "MEDIA_START connection_id:m2 channel:WebSocket/y format:slin16 optimal_frame_size:640 ptime:20")
        .await;
    let Some(Ok(Message::Text(command))) = agent.stream.next().await else { panic!("no command") };
    assert_eq!(command.as_str(), "SET_MEDIA_DIRECTION out");
    for _ in 0..50 {
        customer.send_audio(vec![0xd5; 160]).await;
        agent.send_audio(silence(20)).await;
    }
    text(&mut agent, "DTMF_END digit:1").await;
    hang_up(agent).await;
    assert_eq!(server.metric("ruhepol_calls").await, 1.0, "the customer's channel goes on");
    hang_up(customer).await;
    let ended = feed.json_of("call_ended").await;
    assert_eq!((&ended["call"], &ended["reason"]), (&json!("a1"), &json!("stop")));
    assert_eq!(server.metric("ruhepol_calls_started_total").await, 1.0);
}

#[tokio::test]
async fn a_leg_that_is_lost_comes_back_and_the_other_goes_on() {
    let server = phones(|_| {}).await;
    let mut feed = server.feed().await;
    let vonage = |channel: &str| json!({"event": "websocket:connected", "content-type": "audio/l16;rate=16000", "call": "v2", "channel": channel});
    let mut customer = phone(&server, "/v1/media/vonage").await;
    customer.send(vonage("customer")).await;
    let mut agent = phone(&server, "/v1/media/vonage").await;
    agent.send(vonage("agent")).await;
    agent.send_audio(silence(500)).await;
    drop(agent);
    for _ in 0..100 {
        customer.send_audio(silence(20)).await;
    }
    let agent = loop {
        let mut again = phone(&server, "/v1/media/vonage").await;
        again.send(vonage("agent")).await;
        again.send_audio(silence(500)).await;
        match timeout(std::time::Duration::from_millis(300), again.stream.next()).await {
            Err(_) => break again,
            Ok(closed) => assert!(matches!(closed, Some(Ok(Message::Close(_)))), "until the server has noticed"),
        }
    };
    hang_up(agent).await;
    hang_up(customer).await;
    let ended = feed.json_of("call_ended").await;
    assert_eq!((&ended["reason"], server.metric("ruhepol_calls_started_total").await), (&json!("stop"), 1.0));
}

#[tokio::test]
async fn what_these_platforms_must_not_do() {
    let server = phones(|_| {}).await;
    let cases: [(&str, &str, u16); 9] = [
        ("vonage", "hello", 1008),
        ("vonage", r#"{"event":"websocket:connected","content-type":"audio/opus"}"#, 1008),
        ("vonage", r#"{"event":"websocket:connected","content-type":"audio/l16;rate=11025"}"#, 1008),
        ("jambonz", "[]", 1008),
        ("jambonz", r#"{"mixType":"mixed","callSid":"x"}"#, 1008),
        ("freeswitch", r#"{"rate":"fast"}"#, 1008),
        ("asterisk", "STATUS", 1008),
        ("asterisk", r#"{"event":"MEDIA_START","format":"opus"}"#, 1008),
        ("asterisk", "MEDIA_START format:g722", 1008),
    ];
    for (platform, message, code) in cases {
        let mut call = phone(&server, &format!("/v1/media/{platform}")).await;
        text(&mut call, message).await;
        if platform == "freeswitch" {
            let error = call.json().await;
            assert_eq!((&error["type"], &error["data"]["code"]), (&json!("error"), &json!("bad_message")));
        }
        let (closed, reason) = closed_silently(&mut call).await;
        assert_eq!(closed, code, "{platform} {message}: {reason}");
        assert!(!reason.is_empty());
    }
    for platform in ["vonage", "jambonz", "asterisk"] {
        let mut call = phone(&server, &format!("/v1/media/{platform}")).await;
        call.send_audio(silence(20)).await;
        assert_eq!(closed_silently(&mut call).await.0, 1003, "{platform}: audio first");
        let mut call = phone(&server, &format!("/v1/media/{platform}")).await;
        text(&mut call, &"x".repeat(70_000)).await;
        assert_eq!(closed_silently(&mut call).await.0, 1009, "{platform}: too long");
        assert_eq!(server.try_connect(&format!("/v1/media/{platform}"), None).await.err(), Some(401));
    }
}

/// A port nobody listens on now.
pub async fn free_port() -> std::net::SocketAddr {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn audiosocket_brings_announced_calls_only() {
    use ruhepol::wire::audiosocket::encode;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = free_port().await;
    let server = phones(|config| config.phones.audiosocket.listen = Some(address)).await;
    let mut feed = server.feed().await;
    let post = |body: Value, token: Option<String>| {
        let url = format!("http://{}/v1/media/audiosocket", server.address);
        async move {
            let mut request = reqwest::Client::new().post(url).body(body.to_string());
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            request.send().await.unwrap().status().as_u16()
        }
    };
    let token = || Some(server.token(Role::Ingest, "pbx"));
    let uuid = "00010203-0405-0607-0809-0a0b0c0d0e0f";
    let announcement = json!({"uuid": uuid, "call": "s1", "channel": "customer", "agent": "a7"});
    assert_eq!(post(announcement.clone(), None).await, 401);
    assert_eq!(post(json!({"uuid": "x"}), token()).await, 400);
    assert_eq!(post(json!([]), token()).await, 400);
    assert_eq!(post(announcement, token()).await, 204);

    let bytes: Vec<u8> = (0..16).collect();
    let mut call = tokio::net::TcpStream::connect(address).await.unwrap();
    call.write_all(&encode(0x01, &bytes)).await.unwrap();
    for _ in 0..50 {
        call.write_all(&encode(0x10, &[0; 320])).await.unwrap();
    }
    call.write_all(&encode(0x00, &[])).await.unwrap();
    let mut rest = Vec::new();
    timeout(PATIENCE, call.read_to_end(&mut rest)).await.expect("the server closes").unwrap();
    assert!(rest.is_empty(), "nothing is sent");
    let started = feed.json().await;
    assert_eq!((&started["call"], &started["agent"]), (&json!("s1"), &json!("a7")));
    let ended = feed.json_of("call_ended").await;
    assert_eq!((&ended["reason"], &ended["summary"]["duration_ms"]), (&json!("stop"), &json!(1_000)));

    for first in [encode(0x01, &bytes), encode(0x10, &[0; 320]), encode(0x77, &[]), vec![0xff; 70_000]] {
        let mut stranger = tokio::net::TcpStream::connect(address).await.unwrap();
        // The server may close before all is written.
        let _ = stranger.write_all(&first).await;
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, stranger.read_to_end(&mut rest)).await.expect("the server closes");
    }
    assert_eq!(server.metric("ruhepol_calls_started_total").await, 1.0);
}

#[tokio::test]
async fn platforms_that_know_no_token_send_it_as_a_password() {
    let server = phones(|_| {}).await;
    let pair = ruhepol::wire::sign::to_base64(format!("pbx:{}", server.token(Role::Ingest, "pbx")).as_bytes());
    assert!(connect(&server, "/v1/media/asterisk", &[("authorization", &format!("Basic {pair}"))]).await.is_ok());
}

#[tokio::test]
async fn results_of_other_recognisers_are_understood() {
    let server = phones(|config| config.agent.channel = ruhepol::call::AgentChannel::Full).await;
    let mut feed = server.feed().await;
    let mut call = server.transcripts().await;
    call.start(json!({"type": "start", "call": "r1", "channels": ["customer", "agent"]})).await;
    call.send(
        json!({"Transcript": {"Results": [{"ResultId": "1", "StartTime": 0.5, "EndTime": 2.0, "IsPartial": false,
        "ChannelId": "ch_0", "Alternatives": [{"Transcript": "Das ist eine Frechheit!"}]}]}}),
    )
    .await;
    call.send(json!({"type": "Results", "channel_index": [1, 2], "start": 2.5, "duration": 1.0, "is_final": true,
        "channel": {"alternatives": [{"transcript": "Das tut mir leid."}]}}))
        .await;
    call.send(json!({"RecognitionStatus": "Success", "Offset": 10_000_000, "Duration": 5_000_000, "Channel": 0,
        "DisplayText": "Ja."}))
        .await;
    call.send(json!({"type": "Results", "is_final": false})).await;
    assert_eq!(call.stop().await["utterances"], 3, "late ones, too");
    let first = feed.json_of("utterance").await;
    assert_eq!(
        (&first["channel"], &first["start_ms"], &first["end_ms"]),
        (&json!("customer"), &json!(500), &json!(2_000))
    );
    let second = feed.json_of("utterance").await;
    assert_eq!((&second["channel"], &second["text"]), (&json!("agent"), &json!("Das tut mir leid.")));
}

#[tokio::test]
async fn consent_is_asked_for_on_every_path() {
    let server = serve(|_| {}).await;
    let first = [
        ("vonage", json!({"event": "websocket:connected", "content-type": "audio/l16;rate=16000"})),
        ("jambonz", json!({"callSid": "x", "sampleRate": 8000})),
        ("asterisk", json!({"event": "MEDIA_START", "format": "ulaw"})),
    ];
    for (platform, message) in first {
        let mut call = phone(&server, &format!("/v1/media/{platform}")).await;
        call.send(message).await;
        let (code, reason) = closed_silently(&mut call).await;
        assert!(code == 1008 && reason.starts_with("consent_required"), "{platform}: {code} {reason}");
    }
}
