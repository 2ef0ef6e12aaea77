//! `ruhepol score`: JSON lines in, JSON lines out, one for one.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;

use super::place::configured;
use super::show::{Ink, Style};
use super::{Failure, Outcome};
use crate::score::{Explanation, ScoreLine, Scored, Scorer};
use crate::setup;
use crate::terms::Lang;

/// Longest line read, in bytes: beyond this it is no utterance.
const LINE_MAX_BYTES: usize = 4 << 20;

/// Score utterances: JSON lines in (file or stdin), JSON lines out, one for one
///
/// Example: echo '{"speaker":"customer","text":"Ich will Ihren Chef sprechen!"}' | ruhepol score
#[derive(clap::Args)]
pub struct Args {
    /// Language of lines that do not name theirs
    #[arg(long, default_value = "de", value_parser = ["de", "en"])]
    lang: String,
    /// For people, in colour: cues, points, the model's part, and the rule that decided
    #[arg(long)]
    explain: bool,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// JSON lines; standard input without
    file: Option<PathBuf>,
}

pub fn run(args: Args) -> Outcome {
    let config = configured(args.config.as_deref())?;
    let rules = setup::rules(&config).map_err(Failure::usage)?;
    let lang = Lang::from_tag(&args.lang).unwrap_or_default();
    let mut scorer = Scorer::new(rules, setup::call_settings(&config).map_err(Failure::usage)?.escalation, lang);
    let mut input: Box<dyn BufRead> = match &args.file {
        None => Box::new(BufReader::new(std::io::stdin())),
        Some(path) => {
            let file =
                File::open(path).map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
            Box::new(BufReader::new(file))
        }
    };
    let mut output = BufWriter::new(std::io::stdout().lock());
    let style = Style::of_stdout();
    let mut bad = 0u64;
    let mut bytes = Vec::new();
    for number in 1u64.. {
        bytes.clear();
        if read_line(&mut input, &mut bytes)? == 0 {
            break;
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        match parse(&bytes) {
            Ok(line) => {
                let (scored, explanation) = scorer.score(line);
                if args.explain {
                    write!(output, "{}", explain(style, &scored, &explanation))?;
                } else {
                    serde_json::to_writer(&mut output, &scored)?;
                    output.write_all(b"\n")?;
                }
            }
            Err(message) => {
                bad += 1;
                output.flush()?;
                eprintln!("ruhepol score: line {number}: {message}; not scored");
            }
        }
    }
    output.flush()?;
    if bad > 0 {
        return Err(anyhow::anyhow!("{bad} lines could not be scored; the others were").into());
    }
    Ok(())
}

/// Reads one line, at most [`LINE_MAX_BYTES`] of it (the rest is skipped and the line will not parse);
/// the number of bytes read, 0 at the end.
fn read_line(input: &mut dyn BufRead, line: &mut Vec<u8>) -> std::io::Result<usize> {
    let mut read = 0;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(read);
        }
        let (taken, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(index) => (index + 1, true),
            None => (buffer.len(), false),
        };
        let room = (LINE_MAX_BYTES + 1).saturating_sub(line.len());
        line.extend_from_slice(&buffer[..taken.min(room)]);
        input.consume(taken);
        read += taken;
        if ended {
            return Ok(read);
        }
    }
}

fn parse(bytes: &[u8]) -> Result<ScoreLine, String> {
    if bytes.len() > LINE_MAX_BYTES {
        return Err(format!("longer than {} MiB", LINE_MAX_BYTES >> 20));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8 at byte {}", error.valid_up_to() + 1))?;
    let line: ScoreLine = serde_json::from_str(text).map_err(|error| format!("not an utterance: {error}"))?;
    match &line.lang {
        Some(tag) if Lang::from_tag(tag).is_none() => Err(format!("lang \"{tag}\" is not known: use \"de\" or \"en\"")),
        _ => Ok(line),
    }
}

fn explain(style: Style, scored: &Scored, explanation: &Explanation) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let _ = writeln!(text, "{}: {}", scored.speaker.as_str(), style.paint(Ink::Bold, &scored.text));
    for (cue, entry) in scored.cues.iter().zip(&explanation.reading.entries) {
        let place = format!("({}–{}, {entry})", cue.start, cue.end);
        let _ = writeln!(
            text,
            "    {} {:+.0}  „{}“ {}",
            style.paint(Ink::Yellow, cue.kind.as_str()),
            cue.weight,
            cue.text,
            style.paint(Ink::Dim, &place)
        );
    }
    let model = explanation.reading.model;
    let _ = writeln!(
        text,
        "    {}",
        style.paint(
            Ink::Dim,
            &format!(
                "model: offence {:.2}, negative {:.2}, positive {:.2}",
                model.offence, model.negative, model.positive
            )
        )
    );
    let severity = scored.severity.map_or("none (agents are not scored)".to_owned(), |s| s.to_string());
    let _ = writeln!(text, "    severity {severity}, level {} {}", scored.level, style.band(scored.band));
    let course = &explanation.assessment.explanation;
    let parts: Vec<String> =
        course.parts.iter().map(|part| format!("{} {:+.1}", part.source.as_str(), points(part.points_milli))).collect();
    let line =
        format!("before {:.1}, {}; rule: {}", points(course.before_milli), parts.join(", "), course.rule.as_str());
    let _ = writeln!(text, "    {}", style.paint(Ink::Dim, &line));
    let line = format!("severity by rule: {}", explanation.reading.explanation.rule);
    let _ = writeln!(text, "    {}", style.paint(Ink::Dim, &line));
    for change in &explanation.alerts {
        let line = format!("▲ {:?} {}: {}", change.state, change.kind.as_str(), change.reason);
        let _ = writeln!(text, "    {}", style.paint(Ink::Red, &line));
    }
    for advice in &scored.suggestions {
        let _ = writeln!(text, "    {} {}", style.paint(Ink::Blue, &advice.practice), advice.text);
    }
    for advice in &scored.prompts {
        let _ = writeln!(text, "    {} {}", style.paint(Ink::Yellow, &advice.practice), advice.text);
    }
    text.push('\n');
    text
}

fn points(milli: i64) -> f64 {
    milli as f64 / 1000.0
}
