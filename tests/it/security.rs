//! Who may do what, over real sockets: revoked tokens, providers, origins, limits, TLS, the audit log.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use rcgen::{KeyPair, PKCS_ED25519, PKCS_RSA_SHA256};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use ruhepol::config::{MetricsAccess, Oidc, Tls};
use ruhepol::server::auth::revoked::{Which, revoke};
use ruhepol::server::auth::{Claims, Role, Tokens};

use crate::support::{PATIENCE, TestServer, now_s, serve, serve_as, start};

const SECRET: &[u8] = b"a secret for tests, and only for tests";

fn claims(role: Role, sub: &str, jti: &str) -> Claims {
    Claims { sub: sub.to_owned(), role, teams: vec![], queues: vec![], iat: 0, exp: 0, jti: Some(jti.to_owned()) }
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !done().await {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_and_closes_what_it_opened() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve_as(Tokens::new(SECRET).with(None, dir.path()), |_| {}).await;
    let token = |role, sub: &str, jti: &str| server.token_of(claims(role, sub, jti), 600);
    let (gone, stays) = (token(Role::Supervisor, "s1", "one"), token(Role::Supervisor, "s2", "two"));
    let mut feed = server.try_connect("/v1/feed/supervisor", Some(&gone)).await.unwrap();
    assert_eq!(feed.json().await["type"], "snapshot");
    let mut other = server.try_connect("/v1/feed/supervisor", Some(&stays)).await.unwrap();
    assert_eq!(other.json().await["type"], "snapshot");
    let mut call = server.try_connect("/v1/transcripts", Some(&token(Role::Ingest, "pbx", "three"))).await.unwrap();
    call.start(start("c1")).await;
    let mut panel = server.try_connect("/v1/feed/agent/a7", Some(&token(Role::Agent, "a7", "four"))).await.unwrap();
    assert_eq!(panel.json().await["type"], "snapshot");
    assert_eq!(other.json().await["type"], "call_started");
    assert_eq!(feed.json().await["type"], "call_started");

    revoke(dir.path(), &Which::Id("one".to_owned())).unwrap();
    revoke(dir.path(), &Which::Id("three".to_owned())).unwrap();
    revoke(dir.path(), &Which::Sub("a7".to_owned(), now_s() + 1)).unwrap();
    let unauthorized = ("unauthorized".to_owned(), 1008);
    assert_eq!(feed.refused().await, unauthorized);
    assert_eq!(call.refused().await, unauthorized);
    panel.stream.is_closed_as_unauthorized().await;
    assert_eq!(server.get("/v1/calls", Some(&gone)).await.0, 401);
    assert_eq!(server.try_connect("/v1/feed/supervisor", Some(&gone)).await.err(), Some(401));
    assert_eq!(server.get("/v1/calls", Some(&stays)).await.0, 200);
    other.send(json!({"type": "open", "call": "c1", "ref": 1})).await;
    assert_eq!(other.json_of("done").await["ref"], 1, "others are not disturbed");
}

/// The agent's panel may have had messages of the call before it hears that its token is void.
trait UntilClosed {
    async fn is_closed_as_unauthorized(&mut self);
}

impl UntilClosed for tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>> {
    async fn is_closed_as_unauthorized(&mut self) {
        use futures_util::StreamExt as _;
        use tokio_tungstenite::tungstenite::Message;
        let closed = async {
            loop {
                match self.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => return u16::from(frame.code),
                    Some(Ok(_)) => {}
                    other => panic!("no close frame but {other:?}"),
                }
            }
        };
        assert_eq!(timeout(PATIENCE, closed).await.unwrap(), 1008);
    }
}

/// An identity provider: whatever it holds is its key set.
struct Provider {
    url: String,
    keys: Arc<Mutex<Value>>,
    asked: Arc<Mutex<u32>>,
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        let (keys, asked) = (Arc::new(Mutex::new(json!({"keys": []}))), Arc::new(Mutex::new(0)));
        let (answer, count) = (Arc::clone(&keys), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 4_096];
                let _ = stream.read(&mut head).await;
                *count.lock().unwrap() += 1;
                let body = answer.lock().unwrap().to_string();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                let _ = stream.write_all((head + &body).as_bytes()).await;
            }
        });
        Self { url, keys, asked }
    }

    fn publish(&self, keys: &[&Value]) {
        *self.keys.lock().unwrap() = json!({ "keys": keys });
    }
}

struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    id: &'static str,
    jwk: Value,
    public_pem: String,
}

impl Signer {
    fn rsa(id: &'static str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let key = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap();
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap()).unwrap();
        jwk["kid"] = json!(id);
        Self { key, algorithm: Algorithm::RS256, id, jwk, public_pem: pair.public_key_pem() }
    }

    fn ed(id: &'static str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let key = EncodingKey::from_ed_pem(pair.serialize_pem().as_bytes()).unwrap();
        let x = base64url(pair.public_key_raw());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": id, "x": x});
        Self { key, algorithm: Algorithm::EdDSA, id, jwk, public_pem: pair.public_key_pem() }
    }

    fn sign(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = json!({"iss": "https://login.example", "aud": "ruhepol", "sub": "berta", "iat": now_s(),
            "exp": now_s() + 600, "realm": {"roles": ["staff", "supervisor"]}});
        change(&mut claims);
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for index in 0..=chunk.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * index) & 63) as usize]));
        }
    }
    text
}

#[tokio::test]
async fn tokens_of_an_identity_provider() {
    let provider = Provider::start().await;
    let (rsa, ed) = (Signer::rsa("r1"), Signer::ed("e1"));
    provider.publish(&[&rsa.jwk]);
    let oidc = Oidc {
        issuer: "https://login.example".to_owned(),
        audience: "ruhepol".to_owned(),
        jwks_url: provider.url.clone(),
        role_claim: "realm.roles".to_owned(),
        teams_claim: "teams".to_owned(),
        queues_claim: "queues".to_owned(),
        sub_claim: "sub".to_owned(),
        client_id: None,
        scope: "openid".to_owned(),
    };
    let dir = tempfile::tempdir().unwrap();
    let server = serve_as(Tokens::new(SECRET).with(Some(&oidc), dir.path()), |_| {}).await;
    let status = async |token: &str| server.get("/v1/calls", Some(token)).await.0;
    assert_eq!(status(&rsa.sign(|_| {})).await, 200);
    assert_eq!(status(&server.token(Role::Supervisor, "s1")).await, 200, "our own still count");
    for (what, token, expected) in [
        ("another issuer", rsa.sign(|claims| claims["iss"] = json!("https://evil.example")), 401),
        ("for somebody else", rsa.sign(|claims| claims["aud"] = json!("mail")), 401),
        ("run out", rsa.sign(|claims| claims["exp"] = json!(now_s() - 100)), 401),
        ("without an end", rsa.sign(|claims| drop(claims.as_object_mut().unwrap().remove("exp"))), 401),
        ("no role of ours", rsa.sign(|claims| claims["realm"]["roles"] = json!(["staff"])), 403),
        ("a role that may not", rsa.sign(|claims| claims["realm"]["roles"] = json!("ingest")), 403),
        ("another's key", Signer::rsa("r1").sign(|_| {}), 401),
    ] {
        assert_eq!(status(&token).await, expected, "{what}");
    }
    // A public key is no secret: whoever signs with it as if it were one gets nowhere.
    let header = Header { kid: Some("r1".to_owned()), ..Header::new(Algorithm::HS256) };
    let own = json!({"sub": "x", "role": "admin", "exp": now_s() + 600});
    for secret in [rsa.public_pem.as_bytes(), rsa.jwk["n"].as_str().unwrap().as_bytes()] {
        let forged = jsonwebtoken::encode(&header, &own, &EncodingKey::from_secret(secret)).unwrap();
        assert_eq!(status(&forged).await, 401);
    }
    // The provider changes its key: the new one counts at once, the old one no more, and strangers' do not make us ask
    // again and again.
    provider.publish(&[&ed.jwk]);
    assert_eq!(status(&ed.sign(|_| {})).await, 200);
    assert_eq!(status(&rsa.sign(|_| {})).await, 401);
    let asked = *provider.asked.lock().unwrap();
    for _ in 0..20 {
        assert_eq!(status(&rsa.sign(|_| {})).await, 401);
    }
    assert!(*provider.asked.lock().unwrap() <= asked + 5, "one more every few seconds, on a slow machine");

    let scoped = ed.sign(|claims| claims["teams"] = json!(["süd"]));
    let _call = server.words_call("c1").await;
    assert_eq!(server.get("/v1/calls/c1", Some(&scoped)).await.0, 404, "scopes count, too");
    let revoked = ed.sign(|claims| claims["jti"] = json!("lost-phone"));
    assert_eq!(status(&revoked).await, 200);
    revoke(dir.path(), &Which::Id("lost-phone".to_owned())).unwrap();
    until("revoked", async || status(&revoked).await == 401).await;
}

#[tokio::test]
async fn pages_of_others_may_not_ask() {
    let server = serve(|config| config.server.origins = vec!["https://board.example".to_owned()]).await;
    let token = server.token(Role::Supervisor, "s1");
    let connect = async |origin: Option<String>| {
        let mut request = server.url("/v1/feed/supervisor").into_client_request().unwrap();
        request.headers_mut().insert("Authorization", format!("Bearer {token}").parse().unwrap());
        if let Some(origin) = origin {
            request.headers_mut().insert("Origin", origin.parse().unwrap());
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok(_) => 101,
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => response.status().as_u16(),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(connect(None).await, 101);
    assert_eq!(connect(Some(format!("http://{}", server.address))).await, 101);
    assert_eq!(connect(Some("https://board.example".to_owned())).await, 101);
    for foreign in ["https://evil.example", "null", "http://127.0.0.1:1", "file://"] {
        assert_eq!(connect(Some(foreign.to_owned())).await, 403, "{foreign}");
    }
}

#[tokio::test]
async fn figures_are_for_this_machine_or_for_who_may() {
    let read = async |access: MetricsAccess, from: Option<&str>, role: Option<Role>| {
        let server = serve(|config| {
            config.server.proxies = vec!["127.0.0.1".parse().unwrap()];
            config.server.metrics = access;
        })
        .await;
        let mut request = reqwest::Client::new().get(format!("http://{}/metrics", server.address));
        if let Some(from) = from {
            request = request.header("X-Forwarded-For", from);
        }
        if let Some(role) = role {
            request = request.bearer_auth(server.token(role, "p"));
        }
        request.send().await.unwrap().status().as_u16()
    };
    use MetricsAccess::{Local, Open, Token};
    assert_eq!(read(Local, None, None).await, 200);
    assert_eq!(read(Local, Some("192.0.2.7"), None).await, 401);
    assert_eq!(read(Local, Some("127.0.0.1, 192.0.2.7"), None).await, 401, "only what the proxy itself says counts");
    assert_eq!(read(Local, Some("192.0.2.7"), Some(Role::Auditor)).await, 200);
    assert_eq!(read(Local, Some("192.0.2.7"), Some(Role::Supervisor)).await, 403);
    assert_eq!(read(Token, None, None).await, 401);
    assert_eq!(read(Open, Some("192.0.2.7"), None).await, 200);
}

#[tokio::test]
async fn every_answer_is_hardened() {
    let server = serve(|_| {}).await;
    for path in ["/", "/agent", "/healthz", "/v1/calls", "/nothing", "/metrics"] {
        let response = reqwest::get(format!("http://{}{path}", server.address)).await.unwrap();
        let header = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap());
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
    }
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_to_wait() {
    let server = serve(|config| config.limits.requests_per_s = 1).await;
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(server.get("/healthz", None).await.0);
    }
    assert!(statuses.starts_with(&[200; 10]), "{statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
    until("the bucket fills again", async || server.get("/healthz", None).await.0 == 200).await;
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let server = serve(|config| config.limits.connections_per_address = 3).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(tokio::net::TcpStream::connect(server.address).await.unwrap());
    }
    let mut answer = String::new();
    let mut fourth = tokio::net::TcpStream::connect(server.address).await.unwrap();
    timeout(PATIENCE, fourth.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("Retry-After"), "{answer}");
    drop(open);
    until("room again", async || {
        let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
        let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        let mut answer = String::new();
        let _ = timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap();
        answer.starts_with("HTTP/1.1 200")
    })
    .await;
}

#[tokio::test]
async fn defaults_leave_room_for_a_whole_phone_system() {
    let server = serve(|_| {}).await;
    let token = server.token(Role::Ingest, "pbx");
    let mut sockets = Vec::new();
    // With both ends in this process, 450 stay below the usual limit of 1024 open files.
    for _ in 0..450 {
        sockets.push(server.try_connect("/v1/media", Some(&token)).await.expect("a place"));
    }
    assert_eq!(server.get("/readyz", None).await.0, 200);
}

fn write_certificate(dir: &Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = dir.join("key.pem");
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(dir.join("cert.pem"), made.cert.pem()).unwrap();
    made.cert.pem()
}

async fn healthy(server: &TestServer, trusted: &str) -> bool {
    let certificate = reqwest::Certificate::from_pem(trusted.as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([certificate]).build().unwrap();
    let url = format!("https://127.0.0.1:{}/healthz", server.address.port());
    client.get(url).send().await.is_ok_and(|response| {
        assert!(response.headers().contains_key("strict-transport-security"));
        response.status() == 200
    })
}

#[tokio::test]
async fn tls_of_our_own_and_a_renewed_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let first = write_certificate(dir.path());
    let files = Tls { cert_file: dir.path().join("cert.pem"), key_file: dir.path().join("key.pem") };
    let server = serve(|config| {
        config.tls = Some(files);
        config.limits.header_s = 2;
    })
    .await;
    assert!(healthy(&server, &first).await);
    assert!(reqwest::get(format!("http://{}/healthz", server.address)).await.is_err(), "nothing in the clear");
    let mut mute = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let _ = timeout(PATIENCE, mute.read_to_end(&mut Vec::new())).await.expect("a handshake that never comes ends");
    std::fs::write(dir.path().join("cert.pem"), "no certificate").unwrap();
    sleep(Duration::from_secs(3)).await;
    assert!(healthy(&server, &first).await, "a broken file changes nothing");
    let second = write_certificate(dir.path());
    until("the new certificate serves", async || healthy(&server, &second).await).await;
    assert!(!healthy(&server, &first).await);
}

#[tokio::test]
async fn who_saw_and_changed_what_is_on_record() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(|config| config.server.data_dir = Some(dir.path().to_owned())).await;
    let mut feed = server.connect("/v1/feed/supervisor?text=opened", Role::Supervisor, "berta").await;
    feed.json().await;
    let mut call = server.words_call("c1").await;
    feed.json_of("call_started").await;
    feed.send(json!({"type": "open", "call": "c1"})).await;
    feed.json_of("done").await;
    call.say("customer", 0, 2_000, "Ich bringe Sie um, Zitronenfalter!").await;
    let alert = feed.json_of("alert").await;
    feed.send(json!({"type": "dismiss", "alert": alert["id"], "reason": "false_alarm"})).await;
    feed.json_of("done").await;
    call.stop().await;
    let (supervisor, admin) = (server.token(Role::Supervisor, "berta"), server.token(Role::Admin, "boss"));
    for _ in 0..3 {
        assert_eq!(server.get("/v1/calls/c1/events", Some(&supervisor)).await.0, 200);
    }
    assert_eq!(server.request(reqwest::Method::DELETE, "/v1/calls/c1", Some(&admin)).await.0, 204);
    let agent = server.token(Role::Agent, "a7");
    assert_eq!(server.request(reqwest::Method::DELETE, "/v1/agents/a7/record", Some(&agent)).await.0, 204);

    let auditor = server.token(Role::Auditor, "paula");
    let (status, body) = server.get("/v1/audit", Some(&auditor)).await;
    assert_eq!(status, 200, "{body}");
    assert!(!body.contains("Zitronenfalter") && !body.contains("false_alarm"));
    let page: Value = serde_json::from_str(&body).unwrap();
    let entries: Vec<(&str, &str, &str)> = page["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap_or_default();
            (text("who"), text("action"), text("object"))
        })
        .collect();
    let expected = [
        ("system", "server_started", ""),
        ("berta", "feed_opened", ""),
        ("berta", "call_opened", "c1"),
        ("berta", "alert_dismissed", "c1:a1"),
        ("berta", "call_read", "c1"),
        ("boss", "call_read", "c1"),
        ("boss", "call_erased", "c1"),
        ("a7", "record_erased", "a7"),
    ];
    assert_eq!(entries, expected);
    assert_eq!(page["entries"][1]["detail"]["text"], "opened");
    let (_, body) = server.get("/v1/audit?after=3&limit=2", Some(&admin)).await;
    let page: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((page["entries"][0]["seq"].as_u64(), page["next"].as_u64()), (Some(4), Some(5)));
    assert_eq!(ruhepol::audit::verify(dir.path()).unwrap().seq, 8);

    for (role, audit, calls) in [
        (Role::Auditor, 200, 403),
        (Role::Admin, 200, 200),
        (Role::Supervisor, 403, 200),
        (Role::Agent, 403, 403),
        (Role::Ingest, 403, 403),
    ] {
        let token = server.token(role, "a7");
        for path in ["/v1/audit", "/v1/config"] {
            assert_eq!(server.get(path, Some(&token)).await.0, audit, "{path} as {role:?}");
        }
        for path in ["/v1/calls", "/v1/alerts?state=all"] {
            assert_eq!(server.get(path, Some(&token)).await.0, calls, "{path} as {role:?}");
        }
    }
    assert_eq!(server.get("/v1/audit", None).await.0, 401);
}

#[tokio::test]
async fn a_call_that_is_transferred_changes_its_readers() {
    let server = serve(|_| {}).await;
    let reader = |team: &str| {
        let claims = Claims { teams: vec![team.to_owned()], ..claims(Role::Supervisor, team, team) };
        server.token_of(claims, 600)
    };
    let mut nord = server.try_connect("/v1/feed/supervisor", Some(&reader("nord"))).await.unwrap();
    let mut sued = server.try_connect("/v1/feed/supervisor", Some(&reader("süd"))).await.unwrap();
    for feed in [&mut nord, &mut sued] {
        assert_eq!(feed.json().await["calls"], json!([]));
    }
    let mut call = server.words_call("c1").await;
    call.say("customer", 0, 2_000, "Das Wort vor der Übergabe.").await;
    assert_eq!(nord.json().await["type"], "call_started");
    nord.json_of("assessment").await;
    call.send(json!({"type": "metadata", "team": "süd"})).await;
    assert_eq!(nord.json().await, json!({"type": "erased", "call": "c1"}));
    let snapshot = sued.json().await;
    assert_eq!((&snapshot["type"], &snapshot["calls"][0]["call"]), (&json!("snapshot"), &json!("c1")));
    call.say("customer", 3_000, 4_000, "Das Wort nach der Übergabe.").await;
    let utterance = sued.json_of("utterance").await;
    assert_eq!(utterance["seq"].as_u64(), snapshot["calls"][0]["seq"].as_u64().map(|seq| seq + 1));
    call.send(json!({"type": "metadata", "team": "nord"})).await;
    let back = nord.json().await;
    assert_eq!((&back["type"], &back["calls"][0]["team"]), (&json!("snapshot"), &json!("nord")), "nothing in between");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_nobody_takes_hold_no_connection() {
    let server = serve(|config| config.limits.take_s = 1).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut greedy = socket.connect(server.address).await.unwrap();
    // Far more than the system's buffers hold.
    let requests = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(400);
    let _ = timeout(Duration::from_millis(500), greedy.write_all(requests.as_bytes())).await;
    until("the connection is given up", async || server.metric("ruhepol_connections").await <= 1.0).await;
    let (status, page) = server.get("/openapi.json", None).await;
    assert!(status == 200 && page.len() > 10_000, "whoever reads gets it");
}
