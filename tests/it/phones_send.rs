//! `ruhepol send` as every phone system, against our own server: both keep to the protocol, or one of them says so.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ruhepol::client::{Playing, Proof, Protocol, Trust, play_as};
use ruhepol::fixture::Fixture;
use ruhepol::server::auth::Role;
use serde_json::json;

use crate::phones::phones;
use crate::phones_plain::free_port;
use crate::support::{TestServer, serve};

/// The first seconds of a recorded call.
fn short() -> Fixture {
    let mut fixture = Fixture::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/late-delivery")).unwrap();
    fixture.recording.data.truncate(4 * 8_000 * 4);
    fixture
}

fn playing(server: &TestServer, protocol: Protocol, call: &str, token: bool) -> Playing {
    Playing {
        url: server.url(protocol.path()),
        token: token.then(|| server.token(Role::Ingest, "pbx")),
        call: call.to_owned(),
        ..Playing::default()
    }
}

#[tokio::test]
async fn every_protocol_is_spoken_and_understood() {
    let audiosocket = free_port().await;
    let server = serve(|config| config.phones.audiosocket.listen = Some(audiosocket)).await;
    let mut feed = server.feed().await;
    for name in Protocol::NAMES {
        let protocol = Protocol::from_name(name).unwrap();
        let mut playing = playing(&server, protocol, &format!("call-{name}"), true);
        playing.audiosocket = Some(audiosocket.to_string());
        play_as(protocol, &short(), &playing, &Proof::default(), |_| {})
            .await
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let started = feed.json_of("call_started").await;
        assert_eq!((&started["agent"], &started["queue"]), (&json!("a7"), &json!("versand")), "{name}");
        let ended = feed.json_of("call_ended").await;
        assert_eq!(ended["call"], started["call"], "{name}: one call for all its sockets");
        assert_eq!(ended["reason"], "stop", "{name}");
        let duration_ms = ended["summary"]["duration_ms"].as_u64().unwrap();
        assert!((4_000..=4_200).contains(&duration_ms), "{name}: {duration_ms} ms");
    }
}

#[tokio::test]
async fn signed_by_the_platform_no_token_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    let private = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let twilio = private("twilio", "12345");
    let keys = private("keys", "\"key-1\" = \"c2VjcmV0\"\n");
    let server = phones(|config| {
        config.phones.twilio.auth_token_file = Some(twilio);
        config.phones.audiohook.keys_file = Some(keys);
    })
    .await;
    let proof =
        |key: Option<&str>, secret: &str| Proof { api_key: key.map(str::to_owned), secret: Some(secret.to_owned()) };
    let good = [(Protocol::Twilio, proof(None, "12345")), (Protocol::AudioHook, proof(Some("key-1"), "c2VjcmV0"))];
    for (protocol, proof) in good {
        let playing = playing(&server, protocol, "signed", false);
        play_as(protocol, &short(), &playing, &proof, |_| {}).await.unwrap_or_else(|e| panic!("{protocol:?}: {e}"));
    }
    let wrong = [(Protocol::Twilio, proof(None, "1234")), (Protocol::AudioHook, proof(Some("key-1"), "b3RoZXI="))];
    for (protocol, proof) in wrong {
        let playing = playing(&server, protocol, "refused", false);
        let error = play_as(protocol, &short(), &playing, &proof, |_| {}).await.unwrap_err().to_string();
        assert!(error.contains("401"), "{protocol:?}: {error}");
    }
}

#[tokio::test]
async fn over_tls_the_certificate_counts_and_the_error_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = file("cert.pem", &own.cert.pem());
    let key = file("key.pem", &own.signing_key.serialize_pem());
    let tls = ruhepol::config::Tls { cert_file: certificate.clone(), key_file: key };
    let server = phones(|config| config.tls = Some(tls)).await;
    let play = async |trust: Trust, scheme: &str, call: &str| {
        let url = format!("{scheme}://localhost:{}/v1/media/audiohook", server.address.port());
        let playing = Playing { url, trust, ..playing(&server, Protocol::AudioHook, call, true) };
        play_as(Protocol::AudioHook, &short(), &playing, &Proof::default(), |_| {}).await.map_err(|e| e.to_string())
    };
    play(Trust::Authority(certificate), "wss", "by-authority").await.unwrap();
    play(Trust::Anyone, "wss", "by-nobody").await.unwrap();
    let strange = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let refused = play(Trust::Authority(file("other.pem", &strange.cert.pem())), "wss", "x").await.unwrap_err();
    assert!(refused.contains("certificate") && refused.contains("--ca"), "{refused}");
    let refused = play(Trust::Authority(file("empty.pem", "")), "wss", "x").await.unwrap_err();
    assert!(refused.contains("empty.pem"), "{refused}");
    assert!(play(Trust::Anyone, "ws", "x").await.is_err());
    let plain = phones(|_| {}).await;
    let url = format!("wss://{}/v1/media", plain.address);
    let playing = Playing { url, trust: Trust::Anyone, ..playing(&plain, Protocol::Native, "x", true) };
    let refused = play_as(Protocol::Native, &short(), &playing, &Proof::default(), |_| {}).await.unwrap_err();
    assert!(refused.to_string().contains("does not speak TLS"), "{refused}");
}
