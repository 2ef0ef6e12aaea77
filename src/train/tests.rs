use std::fs;

use tempfile::TempDir;

use super::{TrainError, train_with};

/// Every so manieth phrase of the cue files.
const EVERY: usize = 300;

/// Folders with a few made-up rows for each set and line file.
fn folders() -> (TempDir, TempDir) {
    let (data, lines) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (file, yes, no) in [
        ("germeval2018_train.jsonl", r#""offense""#, r#""other""#),
        ("dialog_insults_praise_de.jsonl", r#""negative""#, r#""positive""#),
        ("potts_de_train.jsonl", r#""negative""#, r#""positive""#),
        ("xed_de_train.jsonl", r#"["anger"]"#, r#"["joy"]"#),
        ("woz_de_calm_train.jsonl", r#""calm_request""#, r#""calm_request""#),
        ("goemotions_train_1.jsonl", r#"["anger"]"#, r#"["joy"]"#),
        ("goemotions_train_2.jsonl", r#"["disgust"]"#, r#"["neutral"]"#),
        ("goemotions_train_3.jsonl", r#"["sadness"]"#, r#"["relief"]"#),
        ("banking77_requests_train.jsonl", r#""card_arrival""#, r#""pin_blocked""#),
    ] {
        let rows: String = (0..30)
            .map(|n| {
                let (word, label) = if n % 2 == 0 { ("blöd", yes) } else { ("fein", no) };
                format!("{{\"text\":\"{word} Satz {n}\",\"label\":{label},\"dialogue\":{n}}}\n")
            })
            .collect();
        fs::write(data.path().join(file), rows).unwrap();
    }
    for (lang, bad, good) in [("de", "Frechheit", "danke"), ("en", "outrageous", "thanks")] {
        let rows: String = (0..60)
            .map(|n| {
                let split = ["train", "train", "train", "dev", "held"][n / 2 % 5];
                let (word, severity, cue) = if n % 2 == 0 { (bad, 2, "anger") } else { (good, 0, "gratitude") };
                format!(
                    "{{\"text\":\"{word} Nummer {n}\",\"lang\":\"{lang}\",\"speaker\":\"customer\",\
                     \"severity\":{severity},\"cues\":[\"{cue}\"],\"split\":\"{split}\"}}\n"
                )
            })
            .collect();
        fs::write(lines.path().join(format!("{lang}.jsonl")), rows).unwrap();
    }
    (data, lines)
}

#[test]
fn the_same_rows_give_the_same_bytes_and_held_lines_are_told_apart() {
    let (data, lines) = folders();
    let out = data.path().join("heads.bin");
    let report = train_with(data.path(), lines.path(), &out, EVERY).unwrap();
    let first = fs::read(&out).unwrap();
    train_with(data.path(), lines.path(), &out, EVERY).unwrap();
    assert!(first == fs::read(&out).unwrap());
    assert_eq!(report.bytes, first.len());
    let negative = report.heads.iter().find(|head| head.head == "negative").unwrap();
    let held = negative.figures.iter().find(|(name, _)| name == "lines held: AUROC").unwrap();
    assert_eq!(held.1, 1.0);
}

#[test]
fn held_lines_do_not_change_the_weights() {
    let (data, lines) = folders();
    let out = data.path().join("heads.bin");
    train_with(data.path(), lines.path(), &out, EVERY).unwrap();
    let first = fs::read(&out).unwrap();
    let held = lines.path().join("more.jsonl");
    let line = r#"{"text":"danke Frechheit","lang":"de","speaker":"customer","severity":3,"cues":[],"split":"held"}"#;
    fs::write(&held, line).unwrap();
    train_with(data.path(), lines.path(), &out, EVERY).unwrap();
    assert!(first == fs::read(&out).unwrap());
    fs::write(&held, line.replace("held", "train")).unwrap();
    train_with(data.path(), lines.path(), &out, EVERY).unwrap();
    assert!(first != fs::read(&out).unwrap());
}

#[test]
fn what_is_missing_or_broken_is_named() {
    let (data, lines) = folders();
    let out = data.path().join("heads.bin");
    fs::write(lines.path().join("bad.jsonl"), "\n{\"text\":\"x\"}\n").unwrap();
    let error = train_with(data.path(), lines.path(), &out, EVERY).unwrap_err();
    assert!(matches!(&error, TrainError::Line { line: 2, .. }), "{error}");
    assert!(error.to_string().contains("bad.jsonl"), "{error}");
    fs::remove_file(data.path().join("potts_de_train.jsonl")).unwrap();
    let error = train_with(data.path(), lines.path(), &out, EVERY).unwrap_err();
    assert!(matches!(&error, TrainError::Read { .. }) && error.to_string().contains("potts"), "{error}");
    assert!(!out.exists(), "nothing is written after an error");
}
