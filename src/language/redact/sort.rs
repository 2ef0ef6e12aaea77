//! Which stretches of an utterance are personal data, and of which kind.

mod kind;

use std::ops::Range;

use super::Kind;
use super::address::addresses;
use super::announce::{Announcement, Strength, announcements};
use super::email::emails;
use super::iban::accounts;
use super::memory::Memory;
use super::name;
use super::piece::{Piece, What, pieces};
use super::run::{Run, runs};
use super::small_words::{asks_for_a_count, is_courtesy, is_filler};
use super::token::{Form, Token, tokens};
use crate::terms::{Channel, Lang};

/// Digits from which a number is taken for somebody's, whatever it is.
pub(super) const DIGITS_MIN: usize = 5;

/// Words between an announcement and what it announces.
const REACH_WORDS: u32 = 8;

/// Other words an utterance may have that is nothing but an answer.
const ANSWER_WORDS: u32 = 2;

/// Years in which callers are born.
const BIRTH_YEARS: Range<u32> = 1915..2013;

/// Personal data in an utterance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub kind: Kind,
    /// In bytes of the utterance.
    pub from: Range<usize>,
    /// Comparable form: digits, or letters and digits in lower case.
    pub value: String,
    pub channel: Channel,
    /// Announced as what it is, and as long, but its check digits are wrong.
    pub doubtful: bool,
    /// Goes on with what the same party began to dictate.
    pub continues: bool,
}

/// What is to be replaced in an utterance, in order and apart. `known`: names in lower case, if names are to go.
pub fn findings(
    text: &str,
    lang: Lang,
    known: Option<&[String]>,
    memory: &mut Memory,
    channel: Channel,
) -> Vec<Finding> {
    let tokens = tokens(text);
    let pieces = pieces(text, &tokens, lang);
    let mut piece_of = vec![0; tokens.len()];
    for (index, piece) in pieces.iter().enumerate() {
        piece_of[piece.first..piece.end].fill(index);
    }
    let announced = announcements(&tokens);
    let mut sorter = Sorter {
        text,
        taken: vec![false; tokens.len()],
        words: Vec::new(),
        tokens: &tokens,
        announced: &announced,
        lang,
        channel,
        expected: memory.expected(),
        open: memory.open(channel),
        left: memory.left(channel),
        leaves: 0,
        found: Vec::new(),
    };
    let asked_for = |kind| sorter.expected == Some(kind);
    let (email, address) = (asked_for(Kind::Email), asked_for(Kind::Address));
    for (first, end) in emails(&tokens, &pieces, &announced, email) {
        sorter.take(Kind::Email, first, end);
    }
    for (first, end) in addresses(&tokens, &pieces, &piece_of, &announced, address, lang) {
        sorter.take(Kind::Address, first, end);
    }
    sorter.accounts(&pieces, &piece_of);
    if let Some(known) = known {
        for (first, end) in name::names(&tokens, known, sorter.expected == Some(Kind::Name)) {
            sorter.take(Kind::Name, first, end);
        }
    }
    sorter.count_words(&pieces);
    sorter.dates(&pieces);
    sorter.runs(&pieces);
    sorter.found.sort_by_key(|(first, ..)| *first);
    sorter.join_addresses();
    sorter.remember(memory, known.is_some());
    sorter.finish()
}

pub(super) struct Sorter<'a> {
    text: &'a str,
    pub(super) tokens: &'a [Token],
    pub(super) announced: &'a [Announcement],
    pub(super) lang: Lang,
    channel: Channel,
    expected: Option<Kind>,
    open: Option<Kind>,
    /// Digits this party's last utterance ended in the midst of, that were left as they were.
    left: usize,
    /// The same of this utterance.
    leaves: usize,
    /// By token: part of a finding.
    pub(super) taken: Vec<bool>,
    /// By token: words before it that belong to no number and no finding.
    words: Vec<u32>,
    /// First token, one past the last, and the finding.
    found: Vec<(usize, usize, Finding)>,
}

impl Sorter<'_> {
    fn take(&mut self, kind: Kind, first: usize, end: usize) {
        let value = self.text[self.tokens[first].start..self.tokens[end - 1].end]
            .chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect();
        self.take_value(kind, first, end, value, false);
    }

    fn take_value(&mut self, kind: Kind, first: usize, end: usize, value: String, doubtful: bool) {
        if first >= end || self.taken[first..end].contains(&true) {
            return;
        }
        if self.tokens[first..end].iter().any(|token| matches!(token.form, Form::Marker(_))) {
            return;
        }
        self.taken[first..end].fill(true);
        let from = self.tokens[first].start..self.tokens[end - 1].end;
        let finding = Finding { kind, from, value, channel: self.channel, doubtful, continues: false };
        self.found.push((first, end, finding));
    }

    /// Words before each token, and after the last.
    fn count_words(&mut self, pieces: &[Piece]) {
        let mut counted = vec![true; self.tokens.len()];
        for piece in pieces.iter().filter(|piece| matches!(piece.what, What::Number { .. } | What::Date { .. })) {
            counted[piece.first..piece.end].fill(false);
        }
        let mut words = 0;
        self.words.clear();
        for (at, token) in self.tokens.iter().enumerate() {
            self.words.push(words);
            if token.is_word() && counted[at] && !self.taken[at] && !is_filler(&token.word) {
                words += 1;
            }
        }
        self.words.push(words);
    }

    /// Words from one token to another.
    fn between(&self, first: usize, end: usize) -> u32 {
        self.words[end].saturating_sub(self.words[first])
    }

    pub(super) fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.word.as_str())
    }

    pub(super) fn before(&self, at: usize) -> &str {
        at.checked_sub(1).map_or("", |at| self.word(at))
    }

    /// Accounts whose check digits are right, and those that are announced or as long as they should be.
    fn accounts(&mut self, pieces: &[Piece], piece_of: &[usize]) {
        for account in accounts(self.text, self.tokens, pieces, piece_of) {
            let announced = self.expected == Some(Kind::Iban)
                || self.announced.iter().any(|one| {
                    one.kind == Kind::Iban
                        && one.end <= account.first
                        && account.first - one.end <= REACH_WORDS as usize
                });
            let upper = self.tokens[account.first].is_upper() || self.tokens[account.first].word.len() == 1;
            if account.valid || account.complete && upper || announced && account.number.len() >= 12 {
                let doubtful = !account.valid && (account.complete || account.number.len() > 20);
                let digits = account.number[2..].to_lowercase();
                self.take_value(Kind::Iban, account.first, account.end, digits, doubtful);
            }
        }
    }

    /// Whether the utterance is an answer and nothing else.
    fn is_answer(&self) -> bool {
        let other = |(at, token): &(usize, &Token)| {
            !self.taken[*at]
                && self.words[at + 1] > self.words[*at]
                && token.letter().is_none()
                && !is_courtesy(&token.word)
        };
        self.tokens.iter().enumerate().filter(other).take(ANSWER_WORDS as usize + 1).count() <= ANSWER_WORDS as usize
    }

    fn dates(&mut self, pieces: &[Piece]) {
        let answer = self.is_answer();
        for piece in pieces {
            let What::Date { year } = piece.what else { continue };
            let plausible = year.is_some_and(|year| BIRTH_YEARS.contains(&year));
            let named = self.named_before(piece.first).is_some_and(|(kind, ..)| kind == Kind::BirthDate)
                || self.named_after(piece.end, true) == Some(Kind::BirthDate);
            let expected = self.expected == Some(Kind::BirthDate) && (answer || plausible);
            if named || expected || answer && plausible {
                self.take(Kind::BirthDate, piece.first, piece.end);
            }
        }
    }

    fn runs(&mut self, pieces: &[Piece]) {
        let runs = runs(self.tokens, pieces, &self.taken);
        let answer = self.is_answer();
        // The last finding before the run, or marker: its end and kind.
        let mut last: Option<(usize, Kind)> = None;
        let mut seen = 0;
        for (index, run) in runs.iter().enumerate() {
            while seen < run.first {
                if let Form::Marker(kind) = self.tokens[seen].form {
                    last = Some((seen + 1, kind));
                }
                seen += 1;
            }
            if self.taken[run.first..run.end].contains(&true) {
                // A code that was taken as a whole.
                continue;
            }
            let Some((kind, doubtful)) = self.kind(run, last, answer, index == 0) else {
                let ends = self.tokens[run.end..].iter().all(|token| !token.is_word() || is_filler(&token.word));
                if index + 1 == runs.len() && ends && run.dictated && run.parts >= 2 {
                    self.leaves = run.digits.len();
                }
                continue;
            };
            let (first, end) = match kind {
                Kind::Address if run.digits.len() >= 4 => self.with_town(run),
                Kind::Address | Kind::Number if self.is_code(run) => self.code(run),
                _ => self.with_letters(run, kind),
            };
            self.take_value(kind, first, end, run.digits.clone(), doubtful);
            last = Some((end, kind));
        }
    }

    /// Whether nothing but courtesies stands before a place.
    fn words_are_courtesy(&self, at: usize) -> bool {
        at <= 8
            && self.tokens[..at]
                .iter()
                .all(|token| !token.is_word() || is_courtesy(&token.word) || is_filler(&token.word))
    }

    /// A capitalised word right after the number.
    pub(super) fn has_town(&self, run: &Run) -> bool {
        let Some(town) = self.tokens.get(run.end) else { return false };
        town.is_capital() && town.word.chars().count() >= 3 && !is_courtesy(&town.word)
    }

    /// "Gartenstraße 12, 50667 Köln" is one address.
    fn join_addresses(&mut self) {
        let mut joined: Vec<(usize, usize, Finding)> = Vec::with_capacity(self.found.len());
        for (first, end, finding) in std::mem::take(&mut self.found) {
            if let Some((_, last_end, last)) = joined.last_mut() {
                let between = &self.tokens[*last_end..first];
                // "12 Baker Street, London, SW1A 1AA": the town goes with them.
                let joint = between.len() <= 4
                    && between.iter().all(|token| {
                        token.is_mark(',') || token.is_capital() || matches!(token.word.as_str(), "in" | "und" | "and")
                    });
                if last.kind == Kind::Address && finding.kind == Kind::Address && joint {
                    last.from.end = finding.from.end;
                    last.value.push_str(&finding.value);
                    *last_end = end;
                    continue;
                }
            }
            joined.push((first, end, finding));
        }
        self.found = joined;
    }

    /// What the next utterances are to know of this one.
    fn remember(&mut self, memory: &mut Memory, names: bool) {
        let begins = |first: usize| self.words_are_courtesy(first);
        if let Some(kind) = self.open
            && self.found.first().is_some_and(|(first, _, finding)| finding.kind == kind && begins(*first))
        {
            self.found[0].2.continues = true;
        }
        let found_kind = |kind: Kind| self.found.iter().any(|(.., finding)| finding.kind == kind);
        let told = self.expected.is_some_and(found_kind);
        let asked = self
            .announced
            .iter()
            .rev()
            .find(|one| one.strength == Strength::Name || one.kind == Kind::Address)
            .filter(|one| one.strength == Strength::Name || self.tokens.iter().any(|token| token.is_mark('?')))
            .map(|one| one.kind);
        // "Wie viele Geräte sind es?" is another question: its answer is none to the one before.
        let counts = self.channel == Channel::Agent && asks_for_a_count(self.tokens);
        let asked = asked.or_else(|| (names && name::is_asked_for(self.tokens)).then_some(Kind::Name));
        let open = self
            .found
            .last()
            .filter(|(_, end, finding)| {
                matches!(finding.kind, Kind::Number | Kind::Phone | Kind::Card | Kind::Iban | Kind::Email)
                    && self.tokens[*end..].iter().all(|token| !token.is_word() || is_filler(&token.word))
            })
            .map(|(.., finding)| finding.kind);
        let silent = self.found.is_empty() && self.words.last().is_none_or(|words| *words <= 4) && self.is_answer();
        if counts && asked.is_none() {
            memory.no_longer_expected();
        }
        memory.utterance_over(self.channel, asked, told, open, silent);
        memory.leave(self.channel, self.leaves);
    }

    fn finish(self) -> Vec<Finding> {
        self.found.into_iter().map(|(.., finding)| finding).collect()
    }
}
