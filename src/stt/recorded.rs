//! Answers segments from a script instead of a model: the same words on every machine.

use crate::terms::{Channel, Outcome, Span};

/// One line of a script: what was said, and from the first to the last voiced sample of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptLine {
    pub channel: Channel,
    pub span: Span,
    pub text: String,
}

/// How far after a segment's end the middle of a word may lie and still belong to it: voice activity ends a
/// little early on soft endings, and the times of words within a line are estimated.
const TAIL_MS: u64 = 150;

/// A script whose words are handed out to segments, each word once.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Words not handed out yet, by time.
    words: Vec<Word>,
}

#[derive(Debug, Clone)]
struct Word {
    channel: Channel,
    middle_ms: u64,
    text: String,
}

impl Recorded {
    pub fn new(lines: Vec<ScriptLine>) -> Self {
        let mut words: Vec<Word> = lines.iter().flat_map(words_of).collect();
        words.sort_by_key(|word| (word.middle_ms, word.channel));
        Self { words }
    }

    /// The words of the script that fall into a segment, from its first to its last voiced sample. Segments of a
    /// channel are asked for in order of time; different channels may come in any order.
    ///
    /// A word belongs to the first segment that ends after its middle (with some tolerance), so words of a line
    /// cut in two are shared, words that voice activity missed go to the next segment, and none comes twice.
    /// On [`Channel::Mixed`] both parties are heard. Confidence is 1.
    pub fn answer(&mut self, channel: Channel, span: Span) -> Outcome {
        let heard = |word: &Word| channel == Channel::Mixed || word.channel == channel;
        let until_ms = span.end_ms.saturating_add(TAIL_MS);
        let taken = self.words.extract_if(.., |word| heard(word) && word.middle_ms < until_ms);
        let text = taken.map(|word| word.text).collect::<Vec<_>>().join(" ");
        if text.chars().any(char::is_alphanumeric) { Outcome::Text { text, confidence: 1.0 } } else { Outcome::Nothing }
    }

    /// Words no segment has asked for, in order of time: after the last segment of a call, what was missed.
    pub fn unheard(&self, channel: Channel) -> Vec<&str> {
        self.words.iter().filter(|word| word.channel == channel).map(|word| word.text.as_str()).collect()
    }
}

/// The words of a line, spread over its time by their length; a mark takes the time of a breath.
fn words_of(line: &ScriptLine) -> Vec<Word> {
    let words: Vec<&str> = line.text.split_whitespace().collect();
    let lengths: Vec<u64> = words.iter().map(|word| word.chars().count() as u64 + 1).collect();
    let breath = |word: &str| match word.chars().last() {
        Some('.' | '?' | '!' | ':' | ';') => 4,
        Some(',') => 2,
        _ => 0,
    };
    let breaths: Vec<u64> = words.iter().map(|word| breath(word)).collect();
    let spoken = lengths.iter().sum::<u64>() + breaths.iter().rev().skip(1).sum::<u64>();
    let mut before = 0;
    let mut out = Vec::with_capacity(words.len());
    for ((word, length), breath) in words.iter().zip(lengths).zip(breaths) {
        let middle_ms = line.span.start_ms + line.span.duration_ms() * (2 * before + length) / (2 * spoken.max(1));
        out.push(Word { channel: line.channel, middle_ms, text: (*word).to_owned() });
        before += length + breath;
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(channel: Channel, start_ms: u64, end_ms: u64, text: &str) -> ScriptLine {
        ScriptLine { channel, span: Span::new(start_ms, end_ms), text: text.into() }
    }

    fn words(outcome: &Outcome) -> Vec<String> {
        match outcome {
            Outcome::Text { text, .. } => text.split(' ').map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    fn two_parties() -> Recorded {
        Recorded::new(vec![
            line(Channel::Customer, 1000, 3000, "Ich warte seit drei Wochen."),
            line(Channel::Agent, 3200, 4200, "Das tut mir leid."),
            line(Channel::Customer, 5000, 7000, "Das ist jetzt das dritte Mal."),
        ])
    }

    #[test]
    fn a_segment_gets_its_line() {
        let mut recorded = two_parties();
        let text = |text: &str| Outcome::Text { text: text.into(), confidence: 1.0 };
        assert_eq!(recorded.answer(Channel::Agent, Span::new(3100, 4150)), text("Das tut mir leid."));
        let customer = recorded.answer(Channel::Customer, Span::new(1040, 2900));
        assert_eq!(customer, text("Ich warte seit drei Wochen."));
        assert_eq!(recorded.answer(Channel::Customer, Span::new(1040, 2900)), Outcome::Nothing);
        assert_eq!(recorded.unheard(Channel::Customer).len(), 6);
    }

    #[test]
    fn a_line_cut_in_two_is_shared() {
        let mut recorded = two_parties();
        let first = words(&recorded.answer(Channel::Customer, Span::new(1000, 1900)));
        let second = words(&recorded.answer(Channel::Customer, Span::new(1900, 3000)));
        assert!(!first.is_empty() && !second.is_empty());
        assert_eq!([first, second].concat().join(" "), "Ich warte seit drei Wochen.");
    }

    #[test]
    fn a_missed_line_goes_to_the_next_segment() {
        let mut recorded = two_parties();
        let heard = words(&recorded.answer(Channel::Customer, Span::new(5000, 7000)));
        assert_eq!(heard.join(" "), "Ich warte seit drei Wochen. Das ist jetzt das dritte Mal.");
    }

    #[test]
    fn one_channel_for_both_hears_both() {
        let mut recorded = two_parties();
        let heard = words(&recorded.answer(Channel::Mixed, Span::new(1000, 4200)));
        assert_eq!(heard.join(" "), "Ich warte seit drei Wochen. Das tut mir leid.");
    }

    proptest! {
        #[test]
        fn no_word_is_lost_or_said_twice(
            lines in prop::collection::vec((0_u64..60_000, 0_u64..8_000, "[a-z,.]{0,6}( [a-z,.!]{1,9}){0,12}"), 0..12),
            cuts in prop::collection::btree_set(0_u64..70_000, 0..20),
        ) {
            let script: Vec<_> =
                lines.iter().map(|(at, len, text)| line(Channel::Customer, *at, at + len, text)).collect();
            let mut recorded = Recorded::new(script);
            let mut expected: Vec<_> = recorded.unheard(Channel::Customer).iter().map(|w| w.to_string()).collect();
            let cuts: Vec<_> = cuts.into_iter().chain([100_000]).collect();
            let mut heard = Vec::new();
            for pair in cuts.windows(2) {
                heard.extend(words(&recorded.answer(Channel::Customer, Span::new(pair[0], pair[1]))));
            }
            heard.extend(recorded.unheard(Channel::Customer).iter().map(|w| w.to_string()));
            let spoken = |words: &mut Vec<String>| words.retain(|w| w.chars().any(char::is_alphanumeric));
            spoken(&mut heard);
            spoken(&mut expected);
            prop_assert_eq!(heard, expected);
        }
    }
}
