//! The command line, as scripts use it.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

fn ruhepol() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ruhepol"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("RUHEPOL_TOKEN_SECRET").env_remove("RUST_LOG");
    command
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn score(input: impl Into<Vec<u8>>) -> (i32, Vec<Value>, String) {
    let output = ruhepol().arg("score").write_stdin(input).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let values = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap(), values, String::from_utf8(output.stderr).unwrap())
}

fn utterance(text: &str) -> String {
    serde_json::json!({ "speaker": "customer", "text": text }).to_string() + "\n"
}

#[test]
fn score_answers_line_for_line_with_the_fields_of_the_contract() {
    let (code, lines, _) = score(
        utterance("Ich verlange, sofort Ihren Vorgesetzten zu sprechen!")
            + r#"{"call":"c1","speaker":"agent","text":"Guten Tag, was kann ich für Sie tun?","t_ms":4000}"#
            + "\n\n"
            + r#"{"call":"c1","speaker":"customer","text":"Guten Tag, ich habe eine Frage.","t_ms":8000,"lang":"de"}"#,
    );
    assert_eq!((code, lines.len()), (0, 3));
    let fields: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    let wanted = ["call", "speaker", "text", "cues", "severity", "level", "band", "alert", "suggestions", "prompts"];
    assert!(wanted.iter().all(|name| fields.iter().any(|field| field == name)), "{fields:?}");
    assert_eq!(lines[0]["alert"]["kind"], "supervisor_request");
    assert_eq!(lines[0]["severity"], 3);
    assert_eq!(lines[1]["severity"], Value::Null, "agents are never scored");
    assert_eq!(lines[2]["call"], "c1");
}

#[test]
fn cue_offsets_count_characters_of_the_unchanged_text() {
    let text = "Äh, 😀 ja – Sie sind doch alle Betrüger!";
    let (_, lines, _) = score(utterance(text));
    assert_eq!(lines[0]["text"], text);
    let cues = lines[0]["cues"].as_array().unwrap();
    assert!(!cues.is_empty());
    for cue in cues {
        let (start, end) = (cue["start"].as_u64().unwrap() as usize, cue["end"].as_u64().unwrap() as usize);
        let words: String = text.chars().skip(start).take(end - start).collect();
        assert_eq!(cue["text"], words);
    }
}

#[test]
fn bad_lines_are_named_and_the_rest_is_scored() {
    let mut input = b"{\"speaker\":\"customer\"}\nno json\n\xff\xfe\n".to_vec();
    input.extend(utterance("Guten Tag.").bytes());
    input.extend(b"{\"speaker\":\"parrot\",\"text\":\"x\"}\n");
    let (code, lines, errors) = score(input);
    assert_eq!((code, lines.len()), (1, 1));
    for number in [1, 2, 3, 5] {
        assert!(errors.contains(&format!("line {number}:")), "{errors}");
    }
}

#[test]
fn strange_texts_are_scored_too() {
    let long = "sehr ".repeat(20_000);
    let input: String =
        ["", "😀😀😀", "שלום עולם", "İstanbul ǅ ß", "\u{0}\u{202e}", &long].into_iter().map(utterance).collect();
    let (code, lines, _) = score(input);
    assert_eq!((code, lines.len()), (0, 6));
}

#[test]
fn replay_gives_the_same_bytes_twice() {
    let replay = || {
        let output = ruhepol().args(["replay", "--recorded", "--json"]).arg(fixture("insults")).output().unwrap();
        assert!(output.status.success());
        output.stdout
    };
    let first = replay();
    assert!(first.len() > 1_000);
    assert_eq!(first, replay());
}

#[test]
fn recordings_that_are_none_are_refused_with_a_reason() {
    for (file, word) in [
        ("truncated.wav", "truncated.wav"),
        ("not-a-wav.wav", "not-a-wav.wav"),
        ("wrong-rate.wav", "11025"),
        ("no-such-file.wav", "no-such-file.wav"),
    ] {
        let output = ruhepol().args(["replay", "--recorded"]).arg(fixture("bad").join(file)).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{file}: {error}");
        assert!(error.contains(word) && error.lines().count() <= 2, "{file}: {error}");
    }
}

#[test]
fn a_token_and_nothing_else_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let output = ruhepol()
        .args(["token", "issue", "--role", "supervisor", "--sub", "berta", "--team", "nord", "--ttl", "1h"])
        .arg("--data-dir")
        .arg(dir.path())
        .output()
        .unwrap();
    assert!(output.status.success());
    let token = String::from_utf8(output.stdout).unwrap();
    assert_eq!(token.trim().split('.').count(), 3);
    assert_eq!(token.lines().count(), 1);
}

#[test]
fn wrong_usage_and_configuration_exit_with_64() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("ruhepol.toml");
    std::fs::write(&config, "[server]\nlissen = \"127.0.0.1:1\"\n").unwrap();
    let cases: [Vec<&str>; 5] = [
        vec!["replay"],
        vec!["fly"],
        vec!["token", "issue", "--role", "king", "--sub", "x"],
        vec!["serve", "--listen", "0.0.0.0:8080"],
        vec!["check", "--config", config.to_str().unwrap()],
    ];
    for case in cases {
        let output = ruhepol().args(&case).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{case:?}");
        assert!(!output.stderr.is_empty(), "{case:?}");
        assert!(output.stdout.is_empty(), "{case:?}");
    }
}

#[test]
fn a_model_that_is_none_is_refused_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("ruhepol.toml");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/callcentre-de-synth-q5_1.bin");
    let truncated = dir.path().join("truncated.bin");
    std::fs::write(&truncated, &std::fs::read(shipped).unwrap()[..1_000_000]).unwrap();
    let text = dir.path().join("text.bin");
    std::fs::write(&text, "not a model").unwrap();
    for model in [truncated, text, dir.path().join("missing.bin")] {
        std::fs::write(&config, format!("[speech]\nmodel = {model:?}\n[server]\nlisten = \"127.0.0.1:0\"\n")).unwrap();
        let output = ruhepol()
            .args(["serve", "--config"])
            .arg(&config)
            .arg("--data-dir")
            .arg(dir.path())
            .timeout(std::time::Duration::from_secs(20))
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(model.file_name().unwrap().to_str().unwrap()), "{error}");
    }
}
