//! What is fuzzed: a name, seeds, and a function that may not panic.

use std::io::{Cursor, Read as _};
use std::sync::{Arc, OnceLock};

use bytes::BytesMut;
use serde_json::{Map, Value};

use ruhepol::audio::{Decoder, Encoding, wav};
use ruhepol::call::conversation::Rules;
use ruhepol::call::voice::silero::SileroWeights;
use ruhepol::coach::playbook::{self, Playbook};
use ruhepol::config::Config;
use ruhepol::language::facts::facts;
use ruhepol::language::redact::{Redactor, redact};
use ruhepol::language::{self, Language, Names};
use ruhepol::score::{ScoreLine, Scorer};
use ruhepol::server::auth::Tokens;
use ruhepol::setup;
use ruhepol::stt::frames::{Answer, Utterance};
use ruhepol::stt::inspect;
use ruhepol::terms::{Channel, Lang};
use ruhepol::wire::feed::{AgentCommand, SupervisorCommand};
use ruhepol::wire::fields::{FieldMap, Told};
use ruhepol::wire::httpsig::Signature;
use ruhepol::wire::listen::{self, Listen, Query};
use ruhepol::wire::native::Native;
use ruhepol::wire::plain::{self, Flavour, Plain};
use ruhepol::wire::transcripts::Transcripts;
use ruhepol::wire::{asterisk, audiohook, audiosocket, results, sign, twilio};

use super::call;
use super::talk::{Line, talk};

pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    pub seeds: &'static [&'static str],
    /// Seeds that are no text, or come from files.
    pub more: fn() -> Vec<Vec<u8>>,
    /// Words of its language, to be put in anywhere.
    pub words: &'static [&'static str],
    /// Longest input.
    pub longest: usize,
    /// How much longer than the quickest it takes, about.
    pub cost: u64,
}

const PLAIN: Target = Target { name: "", run: |_| {}, seeds: &[], more: Vec::new, words: &[], longest: 4_096, cost: 1 };

/// Frames of a dialect's seeds are lines; a first byte below 9 says what else a line is (see [`talk`]).
pub const TARGETS: &[Target] = &[
    Target {
        name: "native",
        run: |input| talk(&mut Native::default(), input),
        seeds: &[
            "{\"type\":\"start\",\"call\":\"c1\",\"agent\":\"a7\",\"language\":\"de\",\"encoding\":\"pcm_s16le\",\"sample_rate\":8000,\"channels\":[\"customer\",\"agent\"],\"consent\":true,\"customer\":{\"name\":\"Frau Keller\"},\"queue\":\"q\",\"team\":\"t\",\"wait_s\":240,\"shift_started\":\"2026-03-02T07:00:00Z\",\"metadata\":{\"a\":1}}\n\u{1}abcdefgh\n{\"type\":\"hold\"}\n{\"type\":\"resume\"}\n{\"type\":\"metadata\",\"wait_s\":5}\n{\"type\":\"consent\",\"given\":false}\n{\"type\":\"stop\"}\n\u{3}",
        ],
        words: &[
            "\"type\":\"start\"",
            "\"mulaw\"",
            "\"alaw\"",
            "48000",
            "\"mixed\"",
            "\"resume\"",
            "\"consent\"",
            "\"given\":true",
        ],
        ..PLAIN
    },
    Target {
        name: "transcripts",
        run: |input| talk(&mut Transcripts::default(), input),
        seeds: &[
            "{\"type\":\"start\",\"call\":\"c1\",\"channels\":[\"customer\",\"agent\"],\"consent\":true}\n{\"type\":\"utterance\",\"channel\":\"customer\",\"start_ms\":0,\"end_ms\":2100,\"text\":\"Wo bleibt mein Paket?\"}\n{\"type\":\"stop\"}\n\u{3}",
            "{\"type\":\"start\",\"call\":\"c1\",\"channels\":[\"customer\",\"agent\"]}\n{\"Transcript\":{\"Results\":[{\"ResultId\":\"r\",\"StartTime\":0.1,\"EndTime\":1.5,\"IsPartial\":false,\"ChannelId\":\"ch_0\",\"Alternatives\":[{\"Transcript\":\"hello\"}]}]}}\n{\"type\":\"Results\",\"is_final\":true,\"start\":1.0,\"duration\":2.5,\"channel_index\":[0,2],\"channel\":{\"alternatives\":[{\"transcript\":\"hi\"}]}}",
        ],
        words: &[
            "\"utterance\"",
            "\"start_ms\":18446744073709551615",
            "\"end_ms\":0",
            "\"IsPartial\":true",
            "\"channel\":\"mixed\"",
        ],
        ..PLAIN
    },
    Target {
        name: "twilio",
        run: |input| {
            let settings = twilio::Settings {
                fields: FieldMap::default(),
                query: Map::new(),
                inbound: Channel::Customer,
                fallback_id: id(),
            };
            talk(&mut twilio::Twilio::new(settings), input);
        },
        seeds: &[
            "{\"event\":\"connected\",\"protocol\":\"Call\",\"version\":\"1.0.0\"}\n{\"event\":\"start\",\"sequenceNumber\":\"1\",\"start\":{\"streamSid\":\"MZ1\",\"accountSid\":\"AC1\",\"callSid\":\"CA1\",\"tracks\":[\"inbound\",\"outbound\"],\"mediaFormat\":{\"encoding\":\"audio/x-mulaw\",\"sampleRate\":8000,\"channels\":1},\"customParameters\":{\"consent\":\"true\",\"agent\":\"a7\"}},\"streamSid\":\"MZ1\"}\n{\"event\":\"media\",\"sequenceNumber\":\"2\",\"media\":{\"track\":\"inbound\",\"chunk\":\"1\",\"timestamp\":\"20\",\"payload\":\"f39/f39/\"},\"streamSid\":\"MZ1\"}\n{\"event\":\"dtmf\",\"dtmf\":{\"digit\":\"1\"}}\n{\"event\":\"mark\",\"mark\":{\"name\":\"m\"}}\n{\"event\":\"stop\",\"stop\":{\"callSid\":\"CA1\"}}\n\u{3}",
        ],
        words: &[
            "\"timestamp\":\"",
            "\"track\":\"outbound\"",
            "\"payload\":\"",
            "\"chunk\":\"",
            "\"sampleRate\":16000",
        ],
        ..PLAIN
    },
    Target {
        name: "audiohook",
        run: |input| {
            let settings = audiohook::Settings {
                fields: FieldMap::default(),
                organization: None,
                session: None,
                agent: true,
                transcripts: true,
                suggestions: true,
            };
            talk(&mut audiohook::AudioHook::new(settings), input);
        },
        seeds: &[
            "{\"version\":\"2\",\"id\":\"e160e428-53e2-487c-977d-96989bf5c99d\",\"type\":\"open\",\"seq\":1,\"serverseq\":0,\"position\":\"PT0S\",\"parameters\":{\"organizationId\":\"d7934305-0972-4844-938e-9060eef73d05\",\"conversationId\":\"090eaa2f-72fa-480a-83e0-8667ff89c0ec\",\"participant\":{\"id\":\"883efee8-3d6c-4537-b500-6d7ca4b92fa0\",\"ani\":\"+1\",\"aniName\":\"X\",\"dnis\":\"+2\"},\"media\":[{\"type\":\"audio\",\"format\":\"PCMU\",\"channels\":[\"external\",\"internal\"],\"rate\":8000}],\"language\":\"de-DE\",\"customConfig\":{\"consent\":true}}}\n\u{1}abcdefgh\n{\"version\":\"2\",\"id\":\"e160e428-53e2-487c-977d-96989bf5c99d\",\"type\":\"ping\",\"seq\":2,\"serverseq\":1,\"position\":\"PT1.5S\",\"parameters\":{\"rtt\":\"PT0.1S\"}}\n{\"version\":\"2\",\"id\":\"e160e428-53e2-487c-977d-96989bf5c99d\",\"type\":\"discarded\",\"seq\":3,\"serverseq\":1,\"position\":\"PT2S\",\"parameters\":{\"start\":\"PT1S\",\"discarded\":\"PT1.0S\"}}\n{\"version\":\"2\",\"id\":\"e160e428-53e2-487c-977d-96989bf5c99d\",\"type\":\"paused\",\"seq\":4,\"serverseq\":1,\"position\":\"PT2S\",\"parameters\":{}}\n{\"version\":\"2\",\"id\":\"e160e428-53e2-487c-977d-96989bf5c99d\",\"type\":\"resumed\",\"seq\":5,\"serverseq\":1,\"position\":\"PT3S\",\"parameters\":{\"start\":\"PT2S\",\"discarded\":\"PT1S\"}}\n{\"version\":\"2\",\"id\":\"e160e428-53e2-487c-977d-96989bf5c99d\",\"type\":\"close\",\"seq\":6,\"serverseq\":1,\"position\":\"PT3S\",\"parameters\":{\"reason\":\"end\"}}\n\u{3}",
        ],
        words: &[
            "PT9999999999999S",
            "PT-1S",
            "PT1H2M3.4S",
            "\"update\"",
            "\"error\"",
            "\"seq\":",
            "\"dtmf\"",
            "\"rtt\"",
        ],
        longest: 8_192,
        ..PLAIN
    },
    Target {
        name: "vonage",
        run: |input| talk(&mut plain_of(Flavour::Vonage), input),
        seeds: &[
            "{\"event\":\"websocket:connected\",\"content-type\":\"audio/l16;rate=16000\",\"call\":\"c1\",\"consent\":\"true\"}\n\u{1}abcdefgh\n{\"event\":\"websocket:dtmf\",\"digit\":\"5\"}",
        ],
        words: &["rate=8000", "rate=0", "audio/l16", "\"event\""],
        ..PLAIN
    },
    Target {
        name: "jambonz",
        run: |input| talk(&mut plain_of(Flavour::Jambonz), input),
        seeds: &[
            "{\"callSid\":\"c\",\"direction\":\"inbound\",\"from\":\"+1\",\"to\":\"+2\",\"callId\":\"x\",\"sampleRate\":8000,\"mixType\":\"stereo\",\"consent\":true}\n\u{1}abcdefgh",
        ],
        words: &["\"mixType\":\"mono\"", "\"sampleRate\":", "\"metadata\":{}"],
        ..PLAIN
    },
    Target {
        name: "freeswitch",
        run: |input| talk(&mut plain_of(Flavour::FreeSwitch), input),
        seeds: &["{\"call\":\"c1\",\"consent\":true,\"sampleRate\":8000}\n\u{1}abcdefgh\n{\"agent\":\"a7\"}\n\u{6}"],
        words: &["\"sampleRate\":", "\"mixType\":\"stereo\""],
        ..PLAIN
    },
    Target {
        name: "asterisk",
        run: |input| {
            let settings = asterisk::Settings {
                fields: FieldMap::default(),
                query: Map::new(),
                channel: Channel::Customer,
                fallback_id: id(),
            };
            talk(&mut asterisk::Asterisk::new(settings), input);
        },
        seeds: &[
            "MEDIA_START connection_id:m1 channel:WebSocket/INCOMING/1 channel_id:1.2 format:ulaw optimal_frame_size:160 ptime:20 channel_variables:{\"call\":\"c1\",\"consent\":\"true\"}\n\u{1}abcdefgh\nDTMF_END digit:1 duration_ms:100\nMEDIA_XOFF",
            "{\"event\":\"MEDIA_START\",\"connection_id\":\"m1\",\"channel\":\"c\",\"format\":\"slin16\",\"optimal_frame_size\":640,\"ptime\":20,\"channel_variables\":{\"call\":\"c1\"}}\n\u{1}abcdefgh",
        ],
        words: &["format:slin48", "format:alaw", "channel_variables:", "MEDIA_START"],
        ..PLAIN
    },
    Target {
        name: "listen",
        run: |input| {
            let (query, rest) = split(input);
            let pairs: Vec<(String, String)> = serde_urlencoded(query);
            let query = Query::read(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let Ok(query) = query else { return };
            let settings =
                listen::Settings { fields: FieldMap::default(), request_id: id(), opened_unix_ms: 1_700_000_000_000 };
            talk(&mut Listen::new(query, settings), rest);
        },
        seeds: &[
            "encoding=linear16&sample_rate=8000&channels=2&multichannel=true&model=nova-3&language=de&extra=consent:true&extra=call:c1&utterance_end_ms=1000&vad_events=true\n\u{1}abcdefgh\n{\"type\":\"KeepAlive\"}\n{\"type\":\"Finalize\"}\n\u{6}\n{\"type\":\"CloseStream\"}\n\u{3}",
        ],
        words: &["&encoding=mulaw", "&sample_rate=48000", "&channels=", "&extra=", "&language=", "&utterance_end_ms="],
        ..PLAIN
    },
    Target {
        name: "audiosocket",
        run: |input| {
            let mut buffer = BytesMut::from(input);
            let mut dialect =
                audiosocket::AudioSocket::new(Box::new(|uuid| uuid.starts_with("00").then(Told::default)));
            let mut line = Line::new(&mut dialect);
            while let Some(frame) = audiosocket::frame(&mut buffer) {
                assert!(!frame.is_empty(), "its kind comes first");
                line.say(|dialect, now_ms, out| dialect.binary(now_ms, frame, out));
            }
            line.say(|dialect, _, out| dialect.closed(out));
        },
        more: || {
            let call = [
                audiosocket::encode(0x01, &(0..16).collect::<Vec<u8>>()),
                audiosocket::encode(0x10, &[0; 320]),
                audiosocket::encode(0x03, b"1"),
                audiosocket::encode(0x12, &[7; 640]),
                audiosocket::encode(0xff, &[1]),
                audiosocket::encode(0x00, &[]),
            ];
            vec![call.concat()]
        },
        ..PLAIN
    },
    Target {
        name: "commands",
        run: |input| {
            let text = String::from_utf8_lossy(input);
            let _ = SupervisorCommand::parse(&text);
            let _ = AgentCommand::parse(&text);
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                let _ = results::read(&value, &[Channel::Customer, Channel::Agent]);
                if let Value::Object(object) = &value {
                    let _ = FieldMap::default().read(object);
                }
            }
        },
        seeds: &[
            "{\"type\":\"ack\",\"alert\":\"c1:a1\",\"ref\":7}",
            "{\"type\":\"snooze\",\"alert\":\"c1:a1\",\"minutes\":5}",
            "{\"type\":\"whisper\",\"call\":\"c1\",\"text\":\"Ruhig bleiben\",\"ref\":{\"a\":[1]}}",
            "{\"type\":\"mute\",\"prompt\":\"c1:p1\",\"minutes\":4,\"for_good\":true}",
            "{\"type\":\"share\",\"call\":\"c1\",\"seq\":4}",
            "{\"UtteranceEvent\":{\"UtteranceId\":\"u\",\"ParticipantRole\":\"CUSTOMER\",\"BeginOffsetMillis\":1,\"EndOffsetMillis\":20,\"Transcript\":\"hi\"}}",
            "{\"call\":\"c\",\"wait_ms\":1.5,\"consent\":\"yes\",\"direction\":\"outbound\",\"shift_started\":\"2026-03-02T07:00:00Z\"}",
        ],
        words: &["\"type\":\"dismiss\"", "\"minutes\":", "\"ref\":", "\"wait_s\":"],
        ..PLAIN
    },
    Target {
        name: "signatures",
        run: |input| {
            let text = String::from_utf8_lossy(input);
            let (one, two) = text.split_once('\n').unwrap_or((&text, ""));
            if let Ok(signature) = Signature::read(one, two) {
                let _ = signature.check(b"secret", 1_700_000_000, |name| Some(name.to_owned()));
            }
            let _ = sign::from_base64(one);
            assert!(!sign::twilio_holds("token", one, two), "nobody guesses a signature");
            let tokens = Tokens::new(b"a secret for the fuzzer, and only for it");
            assert!(tokens.check(one).is_err(), "nobody guesses a token");
        },
        seeds: &[
            "sig1=(\"@request-target\" \"audiohook-session-id\" \"@authority\");keyid=\"k\";nonce=\"n\";alg=\"hmac-sha256\";created=1700000000;expires=1700000010\nsig1=:dGVzdA==:",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4Iiwicm9sZSI6ImFkbWluIiwiZXhwIjo5OTk5OTk5OTk5fQ.AAAA",
        ],
        words: &["created=", "expires=", "keyid=", ";alg=", "sig1=", ":"],
        ..PLAIN
    },
    Target {
        name: "wav",
        run: |input| {
            let Ok(recording) = wav::read(input) else { return };
            assert!((1..=2).contains(&recording.channels));
            let frames = recording.data.len() / recording.frame_bytes();
            assert_eq!(recording.data.len(), frames * recording.frame_bytes(), "whole frames");
            let again = wav::read(&recording.to_wav()).expect("what we write we read");
            assert_eq!(again.data, recording.data);
        },
        more: || {
            let samples: Vec<i16> = (0..400).map(|n| (n * 37 % 2_000 - 1_000) as i16).collect();
            let pcm = wav::Recording::from_pcm16(8_000, 2, &samples).to_wav();
            let law =
                |encoding| wav::Recording { encoding, sample_rate: 8_000, channels: 1, data: vec![0x55; 200] }.to_wav();
            vec![pcm, law(Encoding::Mulaw), law(Encoding::Alaw)]
        },
        words: &["RIFF", "WAVE", "fmt ", "data", "LIST", "fact"],
        cost: 2,
        ..PLAIN
    },
    Target {
        name: "audio",
        run: |input| {
            let Some(([how, cut], bytes)) = input.split_first_chunk::<2>() else { return };
            let encoding = [Encoding::PcmS16le, Encoding::Mulaw, Encoding::Alaw][usize::from(how % 3)];
            let rate = [8_000, 16_000, 48_000, 44_100][usize::from(how / 3 % 4)];
            let channels = usize::from(how / 12 % 4);
            let Ok(mut decoder) = Decoder::new(encoding, rate, channels) else { return };
            let mut pieces = vec![Vec::new(); channels];
            for piece in bytes.chunks(usize::from(*cut).max(1)) {
                decoder.push(piece, &mut pieces);
            }
            decoder.finish(&mut pieces);
            let mut whole = vec![Vec::new(); channels];
            let mut decoder = Decoder::new(encoding, rate, channels).unwrap();
            decoder.push(bytes, &mut whole);
            decoder.finish(&mut whole);
            assert_eq!(pieces, whole, "however it is cut");
            assert!(whole.iter().flatten().all(|sample| sample.is_finite() && sample.abs() <= 2.0));
        },
        more: || vec![(0..1_200).map(|n| (n * 31 % 251) as u8).collect(), vec![0xff; 300]],
        longest: 8_192,
        cost: 4,
        ..PLAIN
    },
    Target {
        name: "config",
        run: |input| {
            let text = String::from_utf8_lossy(input);
            if let Ok(config) = Config::parse(&text)
                && config.validate().is_ok()
            {
                // A path or a number that nobody wrote down may be refused later, in words.
                let _ = config.journal_settings();
            }
        },
        more: || vec![toml::to_string(&Config::default()).unwrap().into_bytes()],
        seeds: &[
            "[server]\nlisten = \"127.0.0.1:0\"\nproxies = [\"10.0.0.1\"]\n[auth.oidc]\nissuer = \"x\"\naudience = \"y\"\njwks_url = \"https://x\"\n[alerts]\npreset = \"calm\"\n[alerts.queues]\na = \"vigilant\"\n",
        ],
        words: &[
            "[speech]\n",
            "isolation = \"thread\"\n",
            "= -1\n",
            "= 18446744073709551615\n",
            "[phones.audiosocket]\n",
        ],
        longest: 8_192,
        cost: 10,
    },
    Target {
        name: "cues",
        run: |input| {
            let text = String::from_utf8_lossy(input);
            if let Err(errors) = Language::from_files(&[("fuzz.toml", &text)]) {
                assert!(!errors.is_empty() && errors.iter().all(|error| !error.to_string().is_empty()));
            }
        },
        more: || language::FILES.iter().map(|(_, text)| text.bytes().take(3_000).collect()).collect(),
        words: &["[[cue]]\n", "patterns = [", "not = [", "weight = ", "lang = \"de\"", "~", "*", "|", "(", ")", "?"],
        longest: 3_000,
        cost: 60,
        ..PLAIN
    },
    Target {
        name: "playbook",
        run: |input| {
            let text = String::from_utf8_lossy(input);
            if let Err(errors) = Playbook::load(&[("fuzz.toml", &text)]) {
                assert!(!errors.is_empty() && errors.iter().all(|error| !error.to_string().is_empty()));
            }
        },
        more: || playbook::EMBEDDED.iter().map(|(_, text)| text.bytes().take(6_000).collect()).collect(),
        words: &["[[practice]]\n", "on = ", "{customer}", "{", "}", "words = ", "show = "],
        longest: 6_000,
        cost: 20,
        ..PLAIN
    },
    Target {
        name: "words",
        run: |input| {
            let text = String::from_utf8_lossy(input);
            let rules = rules();
            for lang in [Lang::De, Lang::En] {
                let normal = rules.language.normalize(lang, &text);
                assert!(normal.text().len() <= 16 * text.len() + 64, "no text grows without bound");
                let length = text.chars().count();
                let reading = rules.language.read(lang, Channel::Customer, &text, &Names { customer: Some("Keller") });
                assert!(reading.severity.is_none_or(|severity| severity <= 3));
                for cue in &reading.cues {
                    assert!(cue.start <= cue.end && cue.end <= length, "{cue:?} in {length} characters");
                }
                let _ = rules.language.read(lang, Channel::Agent, &text, &Names { customer: None });
                let _ = facts(lang, &text);
                let once = redact(lang, &text);
                assert!(!has_card(&once), "a card number is left in {once:?} of {text:?}");
                for names in [true, false] {
                    let mut redactor = Redactor::new(lang, names);
                    redactor.know_name("Frau Keller");
                    let half = text.len() / 2;
                    let half = (half..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
                    redactor.utterance(Channel::Customer, &text[..half]);
                    redactor.utterance(Channel::Agent, &text[half..]);
                    redactor.aside(&text);
                }
            }
        },
        seeds: &[
            "Das ist eine Unverschämtheit, ich warte seit drei Wochen auf mein Paket!",
            "Meine Kartennummer ist 4111 1111 1111 1111 und die IBAN DE89 3704 0044 0532 0130 00.",
            "vier eins eins eins, dann viermal die eins und so weiter, null eins sieben zwo drei vier fünf sechs",
            "My number is oh one seven nine, double five, triple three, and my mail is john dot doe at example dot com",
            "Ich heiße Keller, geboren am 3. März 1980, wohnhaft in der Hauptstraße 12, 10115 Berlin.",
            "I want to speak to your supervisor right now, this is the third time I am calling, you idiots",
            "İßﬁ 👩‍👩‍👧 e\u{301} \u{202e}abc\u{0}",
        ],
        words: &[
            "zwanzig",
            "hundert",
            "4111111111111111",
            "double ",
            "Punkt ",
            "@",
            " at ",
            "Straße",
            "nicht ",
            "sorry ",
            "Anwalt ",
        ],
        longest: 600,
        cost: 60,
        ..PLAIN
    },
    Target {
        name: "score",
        run: |input| {
            let rules = Arc::clone(rules());
            let settings = setup::call_settings(&Config::default()).unwrap().escalation;
            let mut scorer = Scorer::new(rules, settings, Lang::De);
            for line in input.split(|byte| *byte == b'\n').take(12) {
                if let Ok(line) = serde_json::from_slice::<ScoreLine>(line) {
                    let text = line.text.clone();
                    let (scored, _) = scorer.score(line);
                    let scored = serde_json::to_value(&scored).unwrap();
                    assert_eq!(scored["text"], text, "comes back unchanged");
                    assert!(scored["level"].as_u64().unwrap() <= 100);
                }
            }
        },
        seeds: &[
            "{\"call\":\"c1\",\"speaker\":\"customer\",\"text\":\"Frechheit!\",\"t_ms\":12000,\"lang\":\"de\"}\n{\"call\":\"c1\",\"speaker\":\"agent\",\"text\":\"Das tut mir leid\",\"t_ms\":15000}\n{\"speaker\":\"customer\",\"text\":\"I will sue you\",\"lang\":\"en\"}",
        ],
        words: &["\"t_ms\":", "\"speaker\":\"mixed\"", "\"lang\":\"xx\"", "Arschloch", "kündige"],
        longest: 2_000,
        cost: 100,
        ..PLAIN
    },
    Target { name: "call", run: call::run, more: call::seeds, longest: 600, cost: 100, ..PLAIN },
    Target {
        name: "models",
        run: |input| {
            let _ = inspect(&mut Cursor::new(input), input.len() as u64);
            let _ = SileroWeights::from_ggml(input);
        },
        more: || {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/callcentre-de-synth-q5_1.bin");
            let mut begin = vec![0; 3_000];
            std::fs::File::open(path).unwrap().read_exact(&mut begin).unwrap();
            vec![begin, b"lmgg\x0a\0\0\0silero-16k\x06\0\0\0\0\0\0\0".to_vec()]
        },
        words: &["lmgg", "GGUF"],
        ..PLAIN
    },
    Target {
        name: "frames",
        run: |input| {
            let mut stream = input;
            while let Ok(Some(utterance)) = Utterance::read(&mut stream) {
                let frame = Utterance::frame(utterance.lang, utterance.voiced, &utterance.samples);
                assert!(Utterance::read(&mut frame.as_slice()).is_ok_and(|read| read.is_some()));
            }
            let mut stream = input;
            while let Ok(Some(answer)) = Answer::read(&mut stream) {
                answer.write(&mut Vec::new()).expect("what was read can be written");
            }
        },
        more: || {
            let mut answers = Vec::new();
            let text = Answer::Text { text: "Guten Tag".into(), confidence: 0.5 };
            for answer in [Answer::Ready, text, Answer::Nothing, Answer::Failed, Answer::Unusable("x".into())] {
                answer.write(&mut answers).unwrap();
            }
            vec![answers, Utterance::frame(Lang::De, 0.5, &[0.1; 40])]
        },
        ..PLAIN
    },
];

/// Cues and playbook as shipped.
pub fn rules() -> &'static Arc<Rules> {
    static RULES: OnceLock<Arc<Rules>> = OnceLock::new();
    RULES.get_or_init(|| setup::rules(&Config::default()).unwrap())
}

fn id() -> String {
    "fallback".to_owned()
}

fn plain_of(flavour: Flavour) -> Plain {
    Plain::new(plain::Settings {
        flavour,
        fields: FieldMap::default(),
        query: Map::new(),
        mono: Channel::Customer,
        stereo: [Channel::Customer, Channel::Agent],
        sample_rate: 8_000,
        events: true,
        fallback_id: id(),
    })
}

/// A word of sixteen digits that are a card number (Luhn).
fn has_card(text: &str) -> bool {
    let runs = text.split(|c: char| !c.is_alphanumeric());
    let runs = runs.filter(|run| run.len() == 16 && run.starts_with('4') && run.bytes().all(|b| b.is_ascii_digit()));
    let luhn = |run: &str| {
        let sum: u32 = run
            .bytes()
            .rev()
            .enumerate()
            .map(|(index, digit)| {
                let digit = u32::from(digit - b'0') * (1 + index as u32 % 2);
                if digit > 9 { digit - 9 } else { digit }
            })
            .sum();
        sum.is_multiple_of(10)
    };
    runs.into_iter().any(luhn)
}

fn split(input: &[u8]) -> (&[u8], &[u8]) {
    let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    (&input[..at], input.get(at + 1..).unwrap_or_default())
}

fn serde_urlencoded(query: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(query).into_owned().collect()
}
