//! Notices when the decoder went round in circles.

/// Longest repeated phrase looked for, in tokens.
const UNIT_MAX: usize = 24;

/// Number of tokens worth keeping (the part before the circle and its first round), or `None` if the decoder
/// did not go round.
///
/// People repeat themselves too ("nein, nein, nein"), but they stop. When the decoder used up its tokens
/// (`exhausted`) two rounds at the very end are enough, otherwise it takes five; a single token has to come
/// four or eight times.
pub fn loop_prefix<T: PartialEq>(tokens: &[T], exhausted: bool) -> Option<usize> {
    let rounds_max = |unit: usize| match (unit, exhausted) {
        (1, true) => 4,
        (1, false) => 8,
        (_, true) => 2,
        (_, false) => 5,
    };
    let mut kept: Option<usize> = None;
    for unit in 1..=UNIT_MAX.min(tokens.len() / 2) {
        // same[i]: token i equals the one a unit earlier; a run of them is a circle.
        let mut run = 0;
        for end in unit..tokens.len() {
            run = if tokens[end] == tokens[end - unit] { run + 1 } else { 0 };
            let round = run / unit + 1;
            let counts = !exhausted || end + 1 == tokens.len();
            if counts && round >= rounds_max(unit) {
                let first_round_end = end + 1 - run;
                kept = Some(kept.map_or(first_round_end, |k| k.min(first_round_end)));
                break;
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, exhausted: bool) -> Option<String> {
        let words: Vec<_> = text.split(' ').collect();
        loop_prefix(&words, exhausted).map(|kept| words[..kept].join(" "))
    }

    #[test]
    fn circles_keep_their_first_round() {
        assert_eq!(
            check("ich will das nicht das nicht das nicht das nicht das nicht", false).unwrap(),
            "ich will das nicht"
        );
        assert_eq!(check("so ja ja ja ja ja ja ja ja", false).unwrap(), "so ja");
        assert_eq!(check("a b c d a b c d", true).unwrap(), "a b c d");
        assert_eq!(check("das ist der das ist der das ist der das", true).unwrap(), "das ist der");
    }

    #[test]
    fn emphasis_is_no_circle() {
        assert_eq!(check("nein nein nein das geht so nicht", false), None);
        assert_eq!(check("das geht nicht das geht nicht das geht nicht", false), None);
        assert_eq!(check("null null null null drei", false), None);
        assert_eq!(check("warten warten warten und dann ist Schluss", true), None);
        assert_eq!(check("", false), None);
        assert_eq!(check("ja", true), None);
    }
}
