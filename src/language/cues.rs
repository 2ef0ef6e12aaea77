//! Cues in one utterance: patterns found, then judged by what stands around them: denial, reported speech, guards.

use super::matcher::{Found, Matcher, Reading};
use super::normalize::{Normalized, Spelling};
use crate::terms::{CueKind, Lang};

/// Words before a match in which a negator denies it.
const DENIED_BEFORE: usize = 3;
/// Words behind a match in which a negator that closes its clause denies it ("kündigen will ich nicht").
const DENIED_BEHIND: usize = 3;

/// In a text without punctuation, words between a cue and a guard that speaks of it.
const GUARD_REACH: usize = 8;
/// In a text without punctuation, words that a frame of reported speech covers.
const REPORT_REACH: usize = 12;

/// One entry of a cue file.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub id: String,
    pub kind: CueKind,
    /// Severity of an utterance with this cue and no other, 0..=3.
    pub severity: u8,
    /// Points to the level.
    pub weight: f32,
    pub negation_blocks: bool,
    pub reported_blocks: bool,
    /// Guards that must not match in the sentence.
    pub unless: Vec<u32>,
    /// Guards one of which must match in the sentence, unless there are none.
    pub needs: Vec<u32>,
}

/// What a pattern is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Cue(u32),
    Guard(u32),
    ReportFollows,
    ReportWithin,
}

/// What patterns are looked for together: those of the other party never, and what only matters to cues that were found, when
/// some were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Customer,
    Agent,
    NamedGuard,
    /// Guards without a name.
    Guard,
    Report,
}

/// The compiled cues of one language.
#[derive(Debug)]
pub struct Engine {
    pub(super) lang: Lang,
    pub(super) spelling: Spelling,
    pub(super) matcher: Matcher,
    /// By the number of the matcher's pattern.
    pub(super) targets: Vec<Target>,
    pub(super) entries: Vec<Entry>,
    /// Guards below this number have a name: a profession, a fact of the past, a denial. They explain calmly.
    pub(super) named_guards: u32,
}

/// A cue in the words of an utterance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit<'a> {
    pub entry: &'a Entry,
    pub found: Found,
}

/// What the cues say of an utterance.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings<'a> {
    pub hits: Vec<Hit<'a>>,
    /// Words of a cue were denied or quoted, or a named guard explains the utterance: a calm look-alike.
    pub withheld: bool,
}

impl Engine {
    /// Comparable words of a text.
    pub fn normalize(&self, text: &str) -> Normalized {
        self.spelling.normalize(text)
    }

    pub fn lang(&self) -> Lang {
        self.lang
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All cues of one party, in the order of the text; of the same kind no two overlap.
    pub fn find(&self, text: &Normalized, agent: bool) -> Findings<'_> {
        let party = if agent { Group::Agent } else { Group::Customer };
        let Findings { mut hits, withheld } = self.hits(text, &[party as u32, Group::NamedGuard as u32]);
        hits.sort_by(|a, b| {
            let (a, b) = ((a.entry, a.found), (b.entry, b.found));
            let length = |found: Found| found.end - found.first;
            a.0.kind
                .cmp(&b.0.kind)
                .then(b.0.severity.cmp(&a.0.severity))
                .then(length(b.1).cmp(&length(a.1)))
                .then(a.1.first.cmp(&b.1.first))
                .then(a.0.id.cmp(&b.0.id))
        });
        let mut kept: Vec<Hit> = Vec::with_capacity(hits.len());
        for hit in hits {
            let overlaps =
                kept.iter().any(|other| other.entry.kind == hit.entry.kind && overlap(other.found, hit.found));
            if !overlaps {
                kept.push(hit);
            }
        }
        drop_ironic(text, &mut kept);
        kept.sort_by_key(|hit| (hit.found.first, hit.entry.kind));
        Findings { hits: kept, withheld }
    }

    /// The entries whose patterns and conditions hold in a text, of both parties.
    pub fn entries_in(&self, text: &str) -> Vec<&Entry> {
        let groups = [Group::Customer, Group::Agent, Group::NamedGuard].map(|group| group as u32);
        self.hits(&self.normalize(text), &groups).hits.into_iter().map(|hit| hit.entry).collect()
    }

    /// What the patterns of some groups, and those they ask for, say.
    fn hits(&self, text: &Normalized, groups: &[u32]) -> Findings<'_> {
        let reading = self.matcher.read(text);
        let mut found_cues: Vec<(u32, Found)> = Vec::new();
        let mut guards: Vec<(u32, Found)> = Vec::new();
        let mut reported: Vec<(usize, usize)> = Vec::new();
        let target = |number: u32| self.targets[number as usize];
        self.matcher.candidates(&reading, groups, |_| true).search(|number, found| match target(number) {
            Target::Cue(entry) => found_cues.push((entry, found)),
            Target::Guard(guard) => guards.push((guard, found)),
            Target::ReportFollows | Target::ReportWithin => {}
        });
        // The rest matters only to cues that were found.
        let mut asked: Vec<u32> = Vec::new();
        let mut may_be_reported = false;
        for (entry, _) in &found_cues {
            let Entry { unless, needs, reported_blocks, .. } = &self.entries[*entry as usize];
            asked.extend(unless.iter().chain(needs).filter(|guard| **guard >= self.named_guards));
            may_be_reported |= reported_blocks;
        }
        asked.sort_unstable();
        asked.dedup();
        if !asked.is_empty() {
            let is_asked =
                |number| matches!(target(number), Target::Guard(guard) if asked.binary_search(&guard).is_ok());
            let candidates = self.matcher.candidates(&reading, &[Group::Guard as u32], is_asked);
            candidates.search(|number, found| {
                if let Target::Guard(guard) = target(number) {
                    guards.push((guard, found));
                }
            });
        }
        if may_be_reported {
            let candidates = self.matcher.candidates(&reading, &[Group::Report as u32], |_| true);
            candidates.search(|number, found| {
                if target(number) == Target::ReportWithin {
                    reported.push((found.first, found.end));
                } else {
                    let end = reading.sentence(found.first).end;
                    let reach = if text.unpunctuated { found.end + REPORT_REACH } else { end };
                    reported.push((found.end, end.min(reach)));
                }
            });
        }
        let all = found_cues.len();
        let hits: Vec<Hit> = found_cues
            .into_iter()
            .map(|(entry, found)| Hit { entry: &self.entries[entry as usize], found })
            .filter(|hit| holds(hit, &reading, &guards, &reported))
            .collect();
        let withheld = hits.len() < all || guards.iter().any(|&(guard, _)| guard < self.named_guards);
        Findings { hits, withheld }
    }
}

fn overlap(a: Found, b: Found) -> bool {
    a.first < b.end && b.first < a.end
}

fn holds(hit: &Hit, reading: &Reading, guards: &[(u32, Found)], reported: &[(usize, usize)]) -> bool {
    let Hit { entry, found } = hit;
    let text = reading.text;
    let concerns = |guard: Found| {
        text.tokens[guard.first].sentence == text.tokens[found.first].sentence
            && (!text.unpunctuated || guard.first < found.end + GUARD_REACH && found.first < guard.end + GUARD_REACH)
    };
    let guarded = |list: &[u32]| guards.iter().any(|(guard, place)| list.contains(guard) && concerns(*place));
    if guarded(&entry.unless) || (!entry.needs.is_empty() && !guarded(&entry.needs)) {
        return false;
    }
    if entry.negation_blocks && is_denied(*found, reading) {
        return false;
    }
    let quoted = reading.text.tokens[found.first].quoted;
    let in_report = reported.iter().any(|&(first, end)| first <= found.first && found.first < end);
    !(entry.reported_blocks && (quoted || in_report))
}

/// Whether a negator that the pattern itself does not name denies the match.
fn is_denied(found: Found, reading: &Reading) -> bool {
    let tokens = &reading.text.tokens;
    let sentence = reading.sentence(found.first);
    let negates = |index: usize| {
        tokens[index].negator
            && !(index + 1 < sentence.end && matches!(reading.text.word(index + 1), "nur" | "only" | "mal"))
    };
    let named = |index: usize| index - found.first >= 64 || found.named >> (index - found.first) & 1 == 1;
    if (found.first..found.end).any(|index| tokens[index].negator && !named(index)) {
        return true;
    }
    let mut before = found.first;
    let mut seen = 0;
    while before > sentence.start && seen < DENIED_BEFORE && !tokens[before].after_comma {
        before -= 1;
        seen += usize::from(!tokens[before].particle);
        if negates(before) {
            return true;
        }
    }
    for index in found.end..sentence.end.min(found.end + DENIED_BEHIND) {
        if tokens[index].after_comma {
            return false;
        }
        let closes = index + 1 >= sentence.end || tokens[index + 1].after_comma;
        if negates(index) && closes {
            return true;
        }
    }
    false
}

/// Praise and thanks in a sentence of sarcasm are not meant.
fn drop_ironic(text: &Normalized, hits: &mut Vec<Hit>) {
    let ironic: Vec<u32> = hits
        .iter()
        .filter(|hit| hit.entry.kind == CueKind::Sarcasm)
        .map(|hit| text.tokens[hit.found.first].sentence)
        .collect();
    if ironic.is_empty() {
        return;
    }
    hits.retain(|hit| {
        let meant_well = matches!(
            hit.entry.kind,
            CueKind::Gratitude | CueKind::Praise | CueKind::Relief | CueKind::Humour | CueKind::Patience
        );
        !(meant_well && ironic.contains(&text.tokens[hit.found.first].sentence))
    });
}
