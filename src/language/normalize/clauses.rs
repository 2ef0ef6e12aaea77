//! Where the clauses of a text without punctuation probably begin.

use super::{Normalized, Spelling};

/// Words from which a text without punctuation may hold more than one clause.
const UNPUNCTUATED_WORDS_MIN: usize = 6;
/// Fewest words of a clause, and fewest words behind its border.
const CLAUSE_WORDS_MIN: usize = 3;

/// What a word does at the border of two clauses.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ClauseRole {
    /// Begins a clause if a finite verb follows.
    pub subject: bool,
    pub verb: bool,
    /// No clause begins right behind it.
    pub binds: bool,
}

/// Marks where clauses probably begin in a text that has no mark between its words; the border reads like a comma.
pub(super) fn open(spelling: &Spelling, text: &mut Normalized) {
    let count = text.tokens.len();
    if count < UNPUNCTUATED_WORDS_MIN {
        return;
    }
    text.unpunctuated = true;
    let mut from = 0;
    for index in 1..count {
        if index - from >= CLAUSE_WORDS_MIN && count - index >= CLAUSE_WORDS_MIN && opens(spelling, text, index) {
            let token = &mut text.tokens[index];
            token.opens_clause = true;
            token.after_comma = true;
            from = index;
        }
    }
}

fn opens(spelling: &Spelling, text: &Normalized, index: usize) -> bool {
    let role = |index: usize| spelling.words.get(text.word(index)).map_or_else(ClauseRole::default, |word| word.clause);
    if role(index - 1).binds {
        return false;
    }
    let opener = |rest: &Vec<String>| {
        rest.len() < text.tokens.len() - index
            && rest.iter().enumerate().all(|(at, word)| text.word(index + 1 + at) == word)
    };
    role(index).subject && role(index + 1).verb
        || spelling.openers.get(text.word(index)).is_some_and(|rests| rests.iter().any(opener))
}
