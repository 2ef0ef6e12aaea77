//! What is said stays with those it is meant for.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;

use ruhepol::audio::Decoder;
use ruhepol::call::event::{EndReason, Event, EventKind};
use ruhepol::call::{AgentChannel, Call, CallInfo, Facts, Input, Output};
use ruhepol::config::Config;
use ruhepol::eval::redaction;
use ruhepol::fixture::Fixture;
use ruhepol::server::auth::Role;
use ruhepol::setup;
use ruhepol::terms::{Channel, Outcome, SAMPLES_PER_MS, Span, Transcript};

use crate::golden::fixtures;
use crate::support::{Client, PATIENCE, TestServer, serve, start};

/// Words nobody says by chance, so that they can be looked for.
const CUSTOMER_WORD: &str = "Quittenmarmelade";
const AGENT_WORD: &str = "Zwetschgenkuchen";

/// Plays a call in which both parties say their word and the customer gets upset.
async fn play(server: &TestServer, call: &str) {
    let mut socket = server.transcripts().await;
    let mut begin = start(call);
    begin["customer"] = json!({"name": "Frau Keller"});
    socket.start(begin).await;
    socket.say("agent", 0, 2_000, &format!("Guten Tag, wir haben heute {AGENT_WORD}.")).await;
    socket.say("customer", 2_500, 5_000, &format!("Ich warte seit drei Wochen auf meine {CUSTOMER_WORD}!")).await;
    socket
        .say(
            "agent",
            5_500,
            7_000,
            &format!("Das ist doch nur {AGENT_WORD}, Frau Keller, stellen Sie sich nicht so an."),
        )
        .await;
    socket.say("customer", 7_500, 9_000, &format!("Unverschämt, ich gehe zum Anwalt wegen der {CUSTOMER_WORD}!")).await;
    socket.say("agent", 9_500, 11_000, &format!("Es tut mir leid wegen der {AGENT_WORD}.")).await;
    socket.stop().await;
}

/// Everything a feed says until the end of a call.
async fn until_ended(feed: &mut Client, kind: &str) -> Vec<Value> {
    let mut heard = Vec::new();
    loop {
        let message = feed.json().await;
        let ended = message["type"] == kind;
        heard.push(message);
        if ended {
            return heard;
        }
    }
}

/// Every page that shows calls, as a supervisor, and those that are open to all.
async fn pages(server: &TestServer, call: &str) -> Vec<(String, String)> {
    let token = server.token(Role::Supervisor, "s1");
    let paths = [
        "/v1/calls".to_owned(),
        format!("/v1/calls/{call}"),
        format!("/v1/calls/{call}/events"),
        "/v1/alerts".to_owned(),
        "/v1/teams/nord/practices".to_owned(),
        "/metrics".to_owned(),
        "/healthz".to_owned(),
        "/readyz".to_owned(),
    ];
    let mut pages = Vec::new();
    for path in paths {
        let (status, body) = server.get(&path, Some(&token)).await;
        assert!(status == 200 || status == 404 && path.contains("/teams/"), "{path}: {status}");
        pages.push((path, body));
    }
    pages
}

#[tokio::test]
async fn the_agents_words_reach_the_agent_alone() {
    for (channel, agent_hears, others_hear) in
        [(AgentChannel::Off, false, false), (AgentChannel::Coach, true, false), (AgentChannel::Full, true, true)]
    {
        let server = serve(|config| config.agent.channel = channel).await;
        let mut supervisor = server.feed().await;
        let mut agent = server.connect("/v1/feed/agent/a7", Role::Agent, "a7").await;
        play(&server, "c1").await;
        let seen = until_ended(&mut supervisor, "call_ended").await;
        let all = serde_json::to_string(&seen).unwrap();
        assert!(all.contains(CUSTOMER_WORD), "{channel:?}: the customer is heard");
        assert_eq!(all.contains(AGENT_WORD), others_hear, "{channel:?}: the supervisor's feed");
        let said = seen.iter().filter(|event| event["type"] == "utterance" && event["channel"] == "agent");
        for event in said {
            assert_eq!(event.get("text").is_some(), others_hear, "{channel:?}: {event}");
        }
        for (path, body) in pages(&server, "c1").await {
            assert!(others_hear || !body.contains(AGENT_WORD), "{channel:?}: {path}");
            assert!(!path.contains("metrics") || !body.contains(CUSTOMER_WORD), "{channel:?}: {path}");
        }
        // A reader that comes late sees no more than one who was there.
        let mut late = server.connect("/v1/feed/supervisor?after=0", Role::Supervisor, "s2").await;
        assert!(others_hear || !late.json().await.to_string().contains(AGENT_WORD), "{channel:?}");
        let own = serde_json::to_string(&until_ended(&mut agent, "summary").await).unwrap();
        assert_eq!(own.contains(AGENT_WORD), agent_hears, "{channel:?}: the agent's own feed");
    }
}

/// Everything in a document that is text, but for points in time.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Array(list) => list.iter().map(words).collect(),
        Value::Object(map) => {
            map.iter().filter(|(key, _)| *key != "at" && *key != "started_at").map(|(_, inner)| words(inner)).collect()
        }
        _ => String::new(),
    }
}

#[tokio::test]
async fn personal_data_reaches_nobody() {
    let server = serve(|config| {
        config.agent.channel = AgentChannel::Full;
        config.privacy.redact_names = true;
    })
    .await;
    let mut supervisor = server.feed().await;
    let mut agent = server.connect("/v1/feed/agent/a7", Role::Agent, "a7").await;
    let mut socket = server.transcripts().await;
    let mut begin = start("c1");
    begin["customer"] = json!({"name": "Frau Birgit Zschokke"});
    socket.start(begin).await;
    let lines = [
        ("customer", "Guten Tag, hier ist Frau Zschokke, Z S C H O K K E."),
        ("agent", "Guten Tag Frau Zschokke, wie ist Ihre Kundennummer?"),
        ("customer", "vier sieben eins"),
        ("customer", "eins null acht"),
        ("agent", "Also vier sieben eins eins null acht. Und die IBAN?"),
        ("customer", "DE89 3704 0044 0532 0130 00, und das Handy ist 0171 2345678."),
        ("customer", "Unverschämt! Ich gehe zum Anwalt, schreiben Sie an birgit punkt zschokke at gmx punkt de!"),
        ("customer", "Geboren bin ich am 12.03.1961, ich wohne in der Lindenallee 27, 50667 Köln."),
    ];
    for (at, (channel, text)) in lines.iter().enumerate() {
        socket.say(channel, at as u64 * 3_000, at as u64 * 3_000 + 2_500, text).await;
    }
    supervisor
        .send(json!({"type": "note", "ref": 1, "call": "c1", "text": "Rückruf unter 0171 2345678 erbeten"}))
        .await;
    supervisor.json_of("done").await;
    socket.stop().await;
    let own = until_ended(&mut agent, "summary").await;
    let mut said = own.iter().map(words).collect::<String>();
    assert!(said.contains("Zschokke"), "the agent knows whom they speak with");
    for (_, body) in pages(&server, "c1").await {
        let body = serde_json::from_str(&body).map_or(body, |page| words(&page));
        assert!(!body.contains("Zschokke") && !body.contains("zschokke"), "{body}");
        said.push_str(&body);
    }
    for secret in ["3704", "2345678", "sieben eins", "null acht", "gmx", "1961", "Lindenallee", "50667"] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
    let (_, events) = server.get("/v1/calls/c1/events", Some(&server.token(Role::Supervisor, "s1"))).await;
    for marker in ["[Nummer]", "[IBAN]", "[Telefon]", "[E-Mail]", "[Geburtsdatum]", "[Adresse]", "[Name]"] {
        assert!(events.contains(marker), "{marker} in {events}");
    }
    assert!(!events.contains("[Telefon 2]"), "the note names the same number");
}

fn call(agent_channel: AgentChannel) -> Call {
    let config = Config::default();
    let settings = ruhepol::call::CallSettings { agent_channel, ..setup::call_settings(&config).unwrap() };
    let info = CallInfo { call: "c1".to_owned(), ..CallInfo::default() };
    Call::start(info, setup::rules(&config).unwrap(), settings, 0, &mut Vec::new())
}

fn events(outputs: &[Output]) -> Vec<&Event> {
    outputs.iter().filter_map(|output| if let Output::Event(event) = output { Some(event) } else { None }).collect()
}

#[test]
fn offsets_of_cues_fit_the_redacted_text() {
    let mut call = call(AgentChannel::Coach);
    let mut out = Vec::new();
    let text = "Äh, 0171 2345678 war besetzt, und die 030 9876543 auch, ich gehe zum Anwalt!";
    call.handle(
        0,
        Input::Utterance { channel: Channel::Customer, span: Span::new(0, 4_000), text: text.to_owned() },
        &mut out,
    );
    let mut words = None;
    let mut cues = Vec::new();
    for event in events(&out) {
        match &event.kind {
            EventKind::Utterance { text, .. } => words = text.clone(),
            EventKind::Assessment { cues: found, .. } => cues.clone_from(found),
            _ => {}
        }
    }
    let words = words.unwrap();
    assert_eq!(words, "Äh, [Telefon] war besetzt, und die [Telefon 2] auch, ich gehe zum Anwalt!");
    assert!(!cues.is_empty());
    for cue in cues {
        let said: String = words.chars().skip(cue.start).take(cue.end - cue.start).collect();
        assert_eq!(said, cue.text);
    }
}

/// Hears a recording; consent is withdrawn in the middle of it, and given again a while later. The answers of the
/// speech engine come late, as they do.
#[test]
fn withdrawn_consent_drops_what_is_buffered_and_hears_no_more() {
    let fixture = Fixture::load(fixtures().iter().find(|path| path.ends_with("late-delivery")).unwrap()).unwrap();
    let recording = &fixture.recording;
    let mut decoder = Decoder::new(recording.encoding, recording.sample_rate, recording.channels).unwrap();
    let mut lanes = vec![Vec::new(); recording.channels];
    decoder.push(&recording.data, &mut lanes);
    let frames = lanes[0].len() / 320;
    let (withdrawn_at, given_at) = (frames / 3, frames * 2 / 3);
    let mut call = call(AgentChannel::Coach);
    let mut waiting = Vec::new();
    let mut told = Vec::new();
    for frame in 0..frames {
        let mut out = Vec::new();
        if frame == withdrawn_at {
            assert!(!waiting.is_empty(), "something is being transcribed");
            call.handle(0, Input::Consent { given: false }, &mut out);
        }
        if frame == given_at {
            call.handle(0, Input::Consent { given: true }, &mut out);
        }
        let samples = frame * 320..(frame + 1) * 320;
        let heard =
            fixture.channels.iter().copied().zip(lanes.iter().map(|lane| lane[samples.clone()].to_vec())).collect();
        call.handle(0, Input::Audio { at: samples.start as u64, lanes: heard }, &mut out);
        for output in out {
            match output {
                Output::Transcribe { segment, speech, .. } => {
                    let between = withdrawn_at as u64 * 20..given_at as u64 * 20;
                    assert!(!between.contains(&call.t_ms()), "nothing is cut out without consent");
                    let before = speech.span.start_ms < between.start;
                    assert!(before || speech.span.start_ms + 1_000 >= between.end, "{:?}", speech.span);
                    assert!(speech.samples.len() as u64 <= (call.t_ms() + 1_000) * SAMPLES_PER_MS);
                    waiting.push((segment, before));
                }
                Output::Event(event) => told.push(event),
                Output::Prompted { .. } | Output::Speech { .. } => {}
            }
        }
    }
    let mut out = Vec::new();
    for (segment, _) in &waiting {
        let outcome = Outcome::Text { text: format!("Satz {segment}x"), confidence: 1.0 };
        call.handle(0, Input::Transcript(Transcript { segment: *segment, outcome }), &mut out);
    }
    call.handle(0, Input::End { reason: EndReason::Stop }, &mut out);
    told.extend(events(&out).into_iter().cloned());
    let words: Vec<String> = told
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Utterance { text: Some(text), .. } => Some(text.clone()),
            _ => None,
        })
        .collect();
    assert!(waiting.iter().any(|(_, before)| *before) && waiting.iter().any(|(_, before)| !before));
    for (segment, before) in waiting {
        let was_told = words.contains(&format!("Satz {segment}x"));
        assert_eq!(was_told, !before, "segment {segment}: {words:?}");
    }
    let withdrawn = told.iter().filter(|event| matches!(event.kind, EventKind::ConsentWithdrawn)).count();
    assert_eq!(withdrawn, 1);
}

#[tokio::test]
async fn after_withdrawal_no_word_goes_out_until_consent_is_given_again() {
    let server = serve(|_| {}).await;
    let mut feed = server.feed().await;
    let mut socket = server.words_call("c1").await;
    socket.say("customer", 0, 1_000, "Davor.").await;
    socket.send(json!({"type": "consent", "given": false})).await;
    socket.say("customer", 2_000, 3_000, &format!("Heimlich {CUSTOMER_WORD}.")).await;
    socket.say("agent", 3_000, 4_000, &format!("Heimlich {AGENT_WORD}.")).await;
    socket.send(json!({"type": "consent", "given": true})).await;
    socket.say("customer", 5_000, 6_000, "Danach.").await;
    socket.stop().await;
    let seen = serde_json::to_string(&until_ended(&mut feed, "call_ended").await).unwrap();
    assert!(seen.contains("Davor.") && seen.contains("consent_withdrawn") && seen.contains("Danach."), "{seen}");
    assert!(!seen.contains("Heimlich"), "{seen}");
}

/// Names under which somebody might rate a person.
const SCORES: [&str; 14] = [
    "score",
    "rating",
    "rank",
    "sentiment",
    "emotion",
    "mood",
    "performance",
    "quality",
    "grade",
    "stress",
    "politeness",
    "friendliness",
    "percentile",
    "benchmark",
];

/// All keys and all names in `enum` and `const` of a JSON document.
fn names(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                found.push(key.to_lowercase());
                if matches!(key.as_str(), "enum" | "const" | "required") {
                    found.extend(
                        inner.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_lowercase),
                    );
                }
                names(inner, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| names(inner, found)),
        _ => {}
    }
}

#[tokio::test]
async fn there_is_no_score_of_an_agent_anywhere() {
    let server = serve(|config| config.agent.channel = AgentChannel::Full).await;
    let mut feed = server.feed().await;
    let mut agent = server.connect("/v1/feed/agent/a7", Role::Agent, "a7").await;
    play(&server, "c1").await;
    let mut documents = vec![serde_json::to_value(schemars::schema_for!(Event)).unwrap()];
    let seen = until_ended(&mut feed, "call_ended").await;
    for event in &seen {
        let of_agent = seen
            .iter()
            .filter(|said| said["type"] == "utterance" && said["channel"] == "agent")
            .any(|said| event["type"] == "assessment" && event["utterance_seq"] == said["seq"]);
        assert!(!of_agent, "an agent's utterance is never assessed: {event}");
    }
    documents.extend(seen);
    documents.extend(until_ended(&mut agent, "summary").await);
    for path in ["/schema/event.json", "/schema/feed.json", "/openapi.json", "/asyncapi.json"] {
        let (status, body) = server.get(path, None).await;
        if status == 200 {
            documents.push(serde_json::from_str(&body).unwrap());
        }
    }
    documents.extend(pages(&server, "c1").await.iter().filter_map(|(_, body)| serde_json::from_str(body).ok()));
    let own = server.get("/v1/agents/a7/record", Some(&server.token(Role::Agent, "a7"))).await;
    documents.push(serde_json::from_str(&own.1).unwrap());
    let mut found = Vec::new();
    documents.iter().for_each(|document| names(document, &mut found));
    assert!(found.len() > 300, "{} names", found.len());
    for name in found {
        // `severity` and `level` are the customer's; an agent has none.
        let scores = SCORES.iter().any(|score| name.split(|c: char| !c.is_alphabetic()).any(|word| word == *score));
        assert!(!scores && !name.contains("agent_level") && !name.contains("agent_severity"), "{name}");
    }
    let metrics = server.get("/metrics", None).await.1;
    assert!(!metrics.contains("a7"), "no figure of one agent");
}

#[test]
fn agents_are_never_scored_whatever_they_say() {
    let mut call = call(AgentChannel::Full);
    let mut out = Vec::new();
    for (at, text) in ["Sie Idiot!", "Das ist Ihr Problem, nicht meins.", "Ich bring dich um.", "Es tut mir sehr leid."]
        .iter()
        .enumerate()
    {
        let span = Span::new(at as u64 * 3_000, at as u64 * 3_000 + 2_000);
        call.handle(0, Input::Utterance { channel: Channel::Agent, span, text: (*text).to_owned() }, &mut out);
    }
    call.handle(0, Input::End { reason: EndReason::Stop }, &mut out);
    for event in events(&out) {
        match &event.kind {
            EventKind::Assessment { .. } => panic!("an agent was assessed: {event:?}"),
            EventKind::Alert { quote, .. } => panic!("an agent raised an alert: {quote:?}"),
            EventKind::CallEnded { summary, .. } => assert_eq!((summary.peak_level, summary.alerts), (0, 0)),
            _ => {}
        }
    }
}

#[test]
fn names_stay_in_the_agents_log_only() {
    let config = Config::parse("[privacy]\nredact_names = true").unwrap();
    let facts = Facts { customer_name: Some("Frau Zschokke".to_owned()), ..Facts::default() };
    let info = CallInfo { call: "c1".to_owned(), facts, ..CallInfo::default() };
    let mut out = Vec::new();
    let rules: Arc<_> = setup::rules(&config).unwrap();
    let mut call = Call::start(info, rules, setup::call_settings(&config).unwrap(), 0, &mut out);
    for (at, (channel, text)) in [
        (Channel::Agent, "Guten Tag Frau Zschokke."),
        (Channel::Customer, "Ich warte seit drei Wochen auf meine Waschmaschine, das ist eine Frechheit!"),
        (Channel::Customer, "Zum dritten Mal rufe ich an, ich kündige, und zwar sofort!"),
        (Channel::Agent, "Das verstehe ich, Frau Zschokke."),
    ]
    .into_iter()
    .enumerate()
    {
        let span = Span::new(at as u64 * 5_000, at as u64 * 5_000 + 4_000);
        call.handle(0, Input::Utterance { channel, span, text: text.to_owned() }, &mut out);
    }
    call.handle(0, Input::Tick { t_ms: 60_000 }, &mut out);
    let (mut public, mut own) = (String::new(), String::new());
    for event in events(&out) {
        let line = serde_json::to_string(event).unwrap();
        if event.log == ruhepol::call::event::Log::Call { public.push_str(&line) } else { own.push_str(&line) }
    }
    assert!(!public.contains("Zschokke"), "{public}");
    assert!(own.contains("Frau Zschokke"), "{own}");
}

/// The program itself with all its logs on, as an operator would run it to find a fault.
#[test]
fn logs_hold_no_word_of_any_caller() {
    let data = tempfile::tempdir().unwrap();
    let config = data.path().join("ruhepol.toml");
    std::fs::write(&config, "[speech]\nengine = \"none\"\n[server]\ndrain_s = 1\n").unwrap();
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ruhepol"));
        command.env_remove("RUHEPOL_TOKEN_SECRET").env("RUST_LOG", "trace");
        command
    };
    let mut child = program()
        .args(["serve", "--listen", "127.0.0.1:0", "--consent-elsewhere", "--config"])
        .arg(&config)
        .arg("--data-dir")
        .arg(data.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let address = first.trim().rsplit("http://").next().unwrap().to_owned();
    let mut stderr = child.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).map(|_| log)
    });
    let token = |role: &str, sub: &str| {
        let issued = program()
            .args(["token", "issue", "--role", role, "--sub", sub, "--data-dir"])
            .arg(data.path())
            .output()
            .unwrap();
        String::from_utf8(issued.stdout).unwrap().trim().to_owned()
    };
    let (ingest, supervisor) = (token("ingest", "pbx"), token("supervisor", "s1"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let connect = async |path: &str, token: &str| {
            let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
            request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
            let (stream, _) = timeout(PATIENCE, connect_async(request)).await.unwrap().unwrap();
            Client { stream }
        };
        let mut feed = connect("/v1/feed/supervisor", &supervisor).await;
        feed.json_of("snapshot").await;
        let mut socket = connect("/v1/transcripts", &ingest).await;
        let mut begin = start("c1");
        begin["customer"] = json!({"name": "Frau Zschokke"});
        socket.start(begin).await;
        socket
            .say("customer", 0, 2_000, &format!("Frechheit, {CUSTOMER_WORD}, ich gehe zum Anwalt! 0171 2345678"))
            .await;
        socket.say("agent", 2_000, 4_000, &format!("Aber {AGENT_WORD}.")).await;
        feed.send(json!({"type": "note", "ref": 1, "call": "c1", "text": "Notizwort Stachelbeere"})).await;
        socket.send(json!({"type": "nonsense", "text": CUSTOMER_WORD})).await;
        let heard = until_ended(&mut feed, "call_ended");
        // A wrong message ends the socket; the call then waits for it to come back.
        let _ = timeout(Duration::from_secs(2), heard).await;
        sleep(Duration::from_millis(200)).await;
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let log = log.join().unwrap().unwrap();
    assert!(log.contains("stream started"), "the log is there: {log}");
    for secret in [CUSTOMER_WORD, AGENT_WORD, "Zschokke", "Stachelbeere", "2345678", "Anwalt", &ingest, &supervisor] {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} in a log line: {line:?}");
    }
}

#[test]
fn redaction_is_as_good_as_documented() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/redaction.jsonl");
    let talks = redaction::parse(&std::fs::read_to_string(file).unwrap()).unwrap();
    let report = redaction::measure(&talks, None);
    print!("{}", redaction::table("all", &report, true));
    assert!(report.turns >= 400, "{} utterances", report.turns);
    for (kind, figures) in &report.kinds {
        assert!(figures.labelled >= 15, "{kind:?}: {} to find", figures.labelled);
        assert!(figures.hidden * 100 >= figures.labelled * 95, "{kind:?}: {figures:?}");
        assert!(figures.right * 100 >= figures.replaced * 95, "{kind:?}: {figures:?}");
    }
    assert!(report.clean_changed * 50 <= report.clean, "{} of {} changed", report.clean_changed, report.clean);
}
