//! What a call remembers of the personal data said in it: which thing has which number, and what was asked for.

use super::Kind;
use super::sort::Finding;
use crate::terms::{Channel, Lang};

/// Different things of all kinds that are told apart in one call; later ones go without a number of their own.
const THINGS_MAX: usize = 256;

/// Digits of a thing that are kept.
const VALUE_MAX: usize = 64;

/// Utterances for which a question stays open.
const PATIENCE: u8 = 6;

/// Digits that two readings of one number must share to be taken for the same.
const SHARED_MIN: usize = 4;

/// See the module's first line.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    things: Vec<Thing>,
    expected: Option<Expected>,
    /// Per party: the thing it was dictating when its last utterance ended.
    open: [Option<Kind>; 3],
    /// Per party: digits at the end of its last utterance that were dictated and left standing.
    left: [usize; 3],
    /// Per party: the thing being dictated, by its place in `things`.
    last: [Option<usize>; 3],
}

#[derive(Debug, Clone)]
struct Thing {
    kind: Kind,
    /// Comparable: digits, or small letters.
    value: String,
    /// From 1, within its kind.
    number: u32,
}

#[derive(Debug, Clone, Copy)]
struct Expected {
    kind: Kind,
    left: u8,
}

impl Memory {
    /// The same things, nothing asked for.
    pub fn without_dialogue(&self) -> Self {
        Self { things: self.things.clone(), ..Self::default() }
    }

    /// What was asked for lately.
    pub fn expected(&self) -> Option<Kind> {
        self.expected.map(|expected| expected.kind)
    }

    /// What this party was in the midst of dictating.
    pub fn open(&self, channel: Channel) -> Option<Kind> {
        self.open[channel as usize]
    }

    /// Digits this party's last utterance ended in the midst of, that were left standing.
    pub fn left(&self, channel: Channel) -> usize {
        self.left[channel as usize]
    }

    pub fn leave(&mut self, channel: Channel, digits: usize) {
        self.left[channel as usize] = digits;
    }

    /// Something else was asked.
    pub fn no_longer_expected(&mut self) {
        self.expected = None;
        self.open = [None; 3];
    }

    /// An utterance is over. `asked`: what it asked for; `told`: it told some of what was asked for; `open`: what it
    /// ends in the midst of; `silent`: it said nothing of weight, so that a dictation may go on after it.
    pub fn utterance_over(
        &mut self,
        channel: Channel,
        asked: Option<Kind>,
        told: bool,
        open: Option<Kind>,
        silent: bool,
    ) {
        self.expected = match (asked, self.expected) {
            (Some(kind), _) => Some(Expected { kind, left: PATIENCE }),
            (None, Some(expected)) if told => Some(Expected { left: PATIENCE, ..expected }),
            (None, Some(expected)) if expected.left > 1 => Some(Expected { left: expected.left - 1, ..expected }),
            _ => None,
        };
        if !silent || open.is_some() {
            self.open[channel as usize] = open;
        }
    }

    /// What stands in place of a finding.
    pub fn marker(&mut self, lang: Lang, finding: &Finding) -> String {
        let label = finding.kind.label(lang);
        let doubt = if finding.doubtful { "?" } else { "" };
        match self.number(finding) {
            0 | 1 => format!("[{label}{doubt}]"),
            number => format!("[{label}{doubt} {number}]"),
        }
    }

    fn number(&mut self, finding: &Finding) -> u32 {
        let channel = finding.channel as usize;
        if finding.continues
            && let Some(at) = self.last[channel].filter(|at| self.things[*at].kind == finding.kind)
        {
            let thing = &mut self.things[at];
            if thing.value.len() + finding.value.len() <= VALUE_MAX {
                thing.value.push_str(&finding.value);
            }
            return thing.number;
        }
        let known =
            self.things.iter().position(|thing| thing.kind == finding.kind && is_same(&thing.value, &finding.value));
        let at = match known {
            Some(at) => {
                if self.things[at].value.len() < finding.value.len() {
                    self.things[at].value.clone_from(&finding.value);
                }
                at
            }
            None if self.things.len() < THINGS_MAX => {
                let before = self.things.iter().filter(|thing| thing.kind == finding.kind).count();
                let number = u32::try_from(before + 1).unwrap_or(u32::MAX);
                let value = finding.value.chars().take(VALUE_MAX).collect();
                self.things.push(Thing { kind: finding.kind, value, number });
                self.things.len() - 1
            }
            None => return 0,
        };
        self.last[channel] = Some(at);
        self.things[at].number
    }
}

/// Equal, or one a part of the other, as when it is read back in pieces.
fn is_same(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    one == other || short.len() >= SHARED_MIN && long.contains(short)
}
