//! What Whisper writes when nobody speaks: credits of the subtitles it learned from, polite closings,
//! descriptions of sounds.

/// Below this share of voiced frames a polite closing is not believed.
const VOICED_MIN: f32 = 0.3;

/// Below this mean token probability a polite closing is not believed.
const CONFIDENCE_MIN: f32 = 0.4;

/// Takes out of `text` what nobody said; `None` if no word is left.
///
/// `voiced` is the share of voiced frames in the audio, `confidence` the mean token probability, both 0 to 1:
/// callers do say "Vielen Dank.", so such a line goes only if one of the two is low.
pub fn without_phantoms(text: &str, voiced: f32, confidence: f32) -> Option<String> {
    let spoken = without_sounds(text);
    let kept: Vec<&str> = sentences(&spoken).filter(|sentence| !is_credit(&plain(sentence))).collect();
    let kept = kept.join(" ");
    let doubtful = voiced < VOICED_MIN || confidence < CONFIDENCE_MIN;
    let invented = doubtful && sentences(&kept).all(|sentence| is_polite(&plain(sentence)));
    (kept.chars().any(char::is_alphabetic) && !invented).then_some(kept)
}

/// Beginnings of lines that only subtitles have.
const CREDIT_STARTS: &[&str] = &[
    "vielen dank fürs zuschauen",
    "vielen dank für s zuschauen",
    "vielen dank für ihre aufmerksamkeit bis zum nächsten video",
    "danke fürs zuschauen",
    "thanks for watching",
    "thank you for watching",
    "thank you so much for watching",
    "subtitles by",
    "subtitled by",
    "captions by",
    "captioned by",
    "transcribed by",
    "transcription by",
    "please subscribe",
    "subscribe to my channel",
    "subscribe to our channel",
];

/// Words one of which follows "Untertitel" in a credit; without them callers may be talking about subtitles.
const BROADCASTERS: &[&str] =
    &["amara", "auftrag", "geiges", "funk", "zdf", "ard", "wdr", "swr", "ndr", "mdr", "br", "rbb", "orf", "srf"];

/// Lines that are invented as often as said.
const POLITE: &[&str] = &[
    "vielen dank",
    "danke",
    "danke schön",
    "dankeschön",
    "tschüss",
    "tschüß",
    "bis bald",
    "bis zum nächsten mal",
    "auf wiedersehen",
    "ja",
    "so",
    "thank you",
    "thank you very much",
    "thanks",
    "bye",
    "bye bye",
    "goodbye",
    "you",
    "okay",
    "see you next time",
];

fn is_credit(line: &str) -> bool {
    let has = |word: &str| line.split(' ').any(|w| w == word);
    let of_broadcaster = || BROADCASTERS.iter().any(|word| has(word)) || line.split(' ').any(is_year);
    CREDIT_STARTS.iter().any(|start| line.starts_with(start))
        || line.contains("like and subscribe")
        || has("amara") && has("community")
        || line.starts_with("untertitel") && of_broadcaster()
        || line.starts_with("copyright") && of_broadcaster()
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && (word.starts_with("19") || word.starts_with("20")) && word.bytes().all(|b| b.is_ascii_digit())
}

fn is_polite(line: &str) -> bool {
    POLITE.contains(&line)
}

/// `text` without what stands in brackets, between stars or with notes: sounds, never words.
fn without_sounds(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, open)) = rest.char_indices().find(|(_, c)| matches!(c, '[' | '(' | '*' | '♪' | '♫')) {
        let after = &rest[at + open.len_utf8()..];
        let close = match open {
            '[' => ']',
            '(' => ')',
            other => other,
        };
        out.push_str(&rest[..at]);
        rest = match after.find(close) {
            Some(end) => &after[end + close.len_utf8()..],
            None => after,
        };
    }
    out.push_str(rest);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Sentences with their marks; a mark inside a word ("Amara.org") ends none.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text.trim();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest
            .char_indices()
            .find(|&(at, c)| matches!(c, '.' | '?' | '!') && rest[at + 1..].starts_with(' '))
            .map_or(rest.len(), |(at, _)| at + 1);
        let sentence = &rest[..end];
        rest = rest[end..].trim_start();
        Some(sentence)
    })
}

/// Lower case words with single blanks.
fn plain(sentence: &str) -> String {
    let lower = sentence.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(without_phantoms(text, 0.8, 0.9).as_deref(), expected, "{text}");
    }

    #[test]
    fn credits_always_go() {
        for text in [
            "Untertitel der Amara.org-Community",
            "Untertitelung im Auftrag des ZDF für funk, 2017",
            "Untertitelung des ZDF, 2020",
            "Untertitel im Auftrag des ZDF, 2021",
            "Copyright WDR 2021",
            "Untertitel von Stephanie Geiges",
            "Vielen Dank fürs Zuschauen!",
            "Thanks for watching!",
            "Subtitles by the Amara.org community",
            "Transcribed by https://otter.ai",
            "Please like and subscribe.",
        ] {
            check(text, None);
        }
        check("Ja, das stimmt. Untertitel der Amara.org-Community", Some("Ja, das stimmt."));
    }

    #[test]
    fn callers_may_talk_about_subtitles() {
        check("Die Untertitel gehen nicht.", Some("Die Untertitel gehen nicht."));
        check("Untertitel habe ich bestellt und bezahlt.", Some("Untertitel habe ich bestellt und bezahlt."));
    }

    #[test]
    fn polite_lines_need_a_doubt() {
        check("Vielen Dank.", Some("Vielen Dank."));
        assert_eq!(without_phantoms("Vielen Dank.", 0.1, 0.9), None);
        assert_eq!(without_phantoms("Thank you. Bye.", 0.8, 0.2), None);
        let apology = "Vielen Dank für Ihre Entschuldigung.";
        assert_eq!(without_phantoms(apology, 0.1, 0.2).as_deref(), Some(apology));
    }

    #[test]
    fn sounds_and_dots_are_no_words() {
        check("[Musik]", None);
        check("*Applaus*", None);
        check("♪♪", None);
        check("...", None);
        check("", None);
        check("[Musik] Guten Tag (lacht) Herr Meier", Some("Guten Tag Herr Meier"));
        check("Filter 2.000 ist leer", Some("Filter 2.000 ist leer"));
        check("ein ( offen", Some("ein offen"));
    }
}
