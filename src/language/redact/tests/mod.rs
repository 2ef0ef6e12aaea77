//! What is redacted and what is not.

mod kinds;
mod properties;
mod talks;

use super::*;

fn de(text: &str, expected: &str) {
    assert_eq!(redact(Lang::De, text), expected);
    assert_eq!(redact(Lang::De, expected), expected, "redacting twice");
}

fn en(text: &str, expected: &str) {
    assert_eq!(redact(Lang::En, text), expected);
    assert_eq!(redact(Lang::En, expected), expected, "redacting twice");
}

/// A conversation, lines of the agent marked "A: ", and what becomes of it.
fn talk(redactor: &mut Redactor, lines: &[(&str, &str)]) {
    for (said, expected) in lines {
        let (channel, said) =
            said.strip_prefix("A: ").map_or((Channel::Customer, *said), |said| (Channel::Agent, said));
        let expected = expected.strip_prefix("A: ").unwrap_or(expected);
        assert_eq!(redactor.utterance(channel, said).text, expected, "{said}");
    }
}
