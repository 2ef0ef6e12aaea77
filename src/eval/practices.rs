//! Whether the coach whispers where a careful reader wants it to.
//!
//! Calls that say which practice is expected after which turn are played as `ruhepol score` plays them: with what the
//! program reads from the words, and with the labels in place of that. What goes wrong with perfect cues is a matter
//! of the practices' rules; the rest is a matter of reading.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use serde::Serialize;

use super::dialogues::{TURN_MS, labelled_reading};
use super::load::Loaded;
use super::metrics::share;
use super::records::{Dialogue, Expected, LabelledTurn, Party, Split, Strength};
use super::wanted;
use crate::call::CallInfo;
use crate::call::conversation::{Conversation, Rules};
use crate::call::escalation::EscalationSettings;
use crate::coach::playbook::{Rank, Rulebook, Show};
use crate::coach::{CoachOutput, PromptState};
use crate::terms::{Lang, Span};

/// A whisper is right up to so many turns after the one it is expected after.
const LATE_TURNS: usize = 2;

/// Practices that answer the same moment, so that one in place of the other helps too: amends after a failure,
/// a way out of a no, calm before answering, and good moments.
const ALIKE: &[&[&str]] =
    &[&["001-6", "002-6"], &["000-b", "001-5", "001-8"], &["001-1", "001-4"], &["000-c", "004-a"]];

/// Figures of one language.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PracticesReport {
    pub lang: Lang,
    /// Calls that say what is expected.
    pub calls: usize,
    /// As the program reads the words.
    pub read: PracticeFigures,
    /// With the labels in place of what was read, over the calls that are labelled.
    pub labels: Option<PracticeFigures>,
}

/// What was whispered against what was expected.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PracticeFigures {
    /// Practices that were shown or expected, by id.
    pub practices: BTreeMap<String, PracticeScore>,
    /// All advice together.
    pub prompts: PracticeScore,
    /// All good moments together.
    pub moments: PracticeScore,
    /// Wrong whispers and missed moments, in words.
    pub wrong: Vec<String>,
}

/// Counts of one practice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PracticeScore {
    pub shown: usize,
    /// Shown where this practice was expected.
    pub right: usize,
    /// Shown where this practice, or one in whose place it would serve (`also`), was expected.
    pub right_or_also: usize,
    /// The same, practices that are [`ALIKE`] included.
    pub right_or_alike: usize,
    /// Expected where pace and budget left room.
    pub expected: usize,
    pub met: usize,
    /// Met by this practice or one that would serve as well.
    pub met_or_also: usize,
    /// The same, practices that are [`ALIKE`] included.
    pub met_or_alike: usize,
    /// Expected so soon after a right whisper that none was allowed; not in `expected`.
    pub no_room: usize,
}

/// How close a whisper is to what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Close {
    /// The practice itself.
    Same,
    /// One that would serve as well: a reader says so.
    Also,
    /// One that answers the same moment.
    Alike,
}

impl Close {
    const ALL: [Self; 3] = [Self::Same, Self::Also, Self::Alike];

    /// Of counts in the order of [`Close::ALL`], the one for this.
    fn of(self, counts: [usize; 3]) -> usize {
        counts[self as usize]
    }
}

impl PracticeScore {
    /// Share of the whispers that were expected, 0 to 1, at least as `close` as this.
    pub fn precision(self, close: Close) -> Option<f64> {
        share(close.of([self.right, self.right_or_also, self.right_or_alike]), self.shown)
    }

    /// Share of the expected moments with room that were met, 0 to 1, at least as `close` as this.
    pub fn recall(self, close: Close) -> Option<f64> {
        share(close.of([self.met, self.met_or_also, self.met_or_alike]), self.expected)
    }

    fn add(&mut self, other: Self) {
        self.shown += other.shown;
        self.right += other.right;
        self.right_or_also += other.right_or_also;
        self.right_or_alike += other.right_or_alike;
        self.expected += other.expected;
        self.met += other.met;
        self.met_or_also += other.met_or_also;
        self.met_or_alike += other.met_or_alike;
        self.no_room += other.no_room;
    }
}

/// Measures the coach on the calls that say what is expected; languages without such calls are left out.
pub fn practices(
    rules: &Arc<Rules>,
    settings: &EscalationSettings,
    loaded: &Loaded,
    split: Option<Split>,
) -> Vec<PracticesReport> {
    let of_lang = |lang| {
        let calls: Vec<&Dialogue> = loaded
            .dialogues
            .iter()
            .filter(|call| call.expected.is_some() && wanted(lang, split, call.lang, call.split))
            .collect();
        let figures = |calls: &[&Dialogue], source| {
            let mut figures = PracticeFigures::default();
            for call in calls {
                figures.take(call, &play(rules, settings, call, source), rules.playbook.for_queue(None));
            }
            figures.pool(rules.playbook.for_queue(None));
            figures
        };
        let labelled: Vec<&Dialogue> = calls.iter().copied().filter(|call| call.is_labelled()).collect();
        (!calls.is_empty()).then(|| PracticesReport {
            lang,
            calls: calls.len(),
            read: figures(&calls, Source::Words),
            labels: (!labelled.is_empty()).then(|| figures(&labelled, Source::Labels)),
        })
    };
    [Lang::De, Lang::En].into_iter().filter_map(of_lang).collect()
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Words,
    Labels,
}

/// Something the agent was shown.
#[derive(Debug, Clone, PartialEq)]
struct Whisper {
    /// Index of the turn after which it came.
    turn: usize,
    t_ms: u64,
    /// When it left the screen, if it did. A good moment stands on none.
    gone_ms: Option<u64>,
    practice: String,
    text: String,
}

fn play(rules: &Arc<Rules>, settings: &EscalationSettings, call: &Dialogue, source: Source) -> Vec<Whisper> {
    let info = CallInfo { call: call.id.clone(), lang: call.lang, ..CallInfo::default() };
    let (mut conversation, begun) = Conversation::new(rules.clone(), settings, &info, 0);
    let mut whispers: Vec<Whisper> = Vec::new();
    let mut places: BTreeMap<u64, usize> = BTreeMap::new();
    let mut note = |turn: usize, t_ms: u64, outputs: Vec<CoachOutput>| {
        for output in outputs {
            match output {
                CoachOutput::Prompt { id, practice, text, state: PromptState::Shown, .. } => {
                    places.insert(id, whispers.len());
                    whispers.push(Whisper { turn, t_ms, gone_ms: None, practice, text });
                }
                CoachOutput::Moment { practice, text } => {
                    whispers.push(Whisper { turn, t_ms, gone_ms: Some(t_ms), practice, text });
                }
                CoachOutput::Prompt { id, .. } => {
                    if let Some(whisper) = places.get(&id).and_then(|place| whispers.get_mut(*place)) {
                        whisper.gone_ms.get_or_insert(t_ms);
                    }
                }
                CoachOutput::Suggestion { .. } => {}
            }
        }
    };
    note(0, 0, begun);
    let mut end_ms = 0_u64;
    for (index, turn) in call.turns.iter().enumerate() {
        let before_ms = end_ms;
        end_ms = turn.t_ms.unwrap_or(before_ms.saturating_add(TURN_MS));
        let start_ms = end_ms.saturating_sub(spoken_ms(&turn.text)).max(before_ms);
        let (span, channel) = (Span::new(start_ms, end_ms), turn.speaker.channel());
        // What comes in the silence comes after the turn before; what waited for its pause comes, as in a live call, while
        // the other one speaks.
        while let Some(due_ms) = conversation.next_deadline().filter(|due_ms| *due_ms < start_ms) {
            let due_ms = due_ms.max(before_ms);
            note(index.saturating_sub(1), due_ms, conversation.advance(due_ms).1);
        }
        note(index, start_ms, conversation.speech(start_ms, channel, true, start_ms));
        while let Some(due_ms) = conversation.next_deadline().filter(|due_ms| *due_ms < end_ms) {
            let due_ms = due_ms.max(start_ms);
            note(index, due_ms, conversation.advance(due_ms).1);
        }
        note(index, end_ms, conversation.advance(end_ms).1);
        note(index, end_ms, conversation.speech(end_ms, channel, false, end_ms));
        let heard = match source {
            Source::Words => conversation.utterance(end_ms, span, channel, &turn.text),
            Source::Labels => {
                let reading = labelled_reading(turn, &turn.text);
                conversation.utterance_read(end_ms, span, channel, &turn.text, reading)
            }
        };
        note(index, end_ms, heard.coached);
    }
    whispers
}

/// How long it takes to say so many words: what is left of the time since the turn before was silence. Slow speech,
/// so that only a long wait counts as one.
fn spoken_ms(text: &str) -> u64 {
    const MS_PER_CHAR: u64 = 100;
    text.chars().count() as u64 * MS_PER_CHAR + 500
}

impl PracticeFigures {
    fn take(&mut self, call: &Dialogue, whispers: &[Whisper], rules: &Rulebook) {
        let kind = |id: &str| rules.practices.iter().find(|practice| practice.id == id);
        let is_safety = |id: &str| kind(id).is_some_and(|practice| practice.rank == Rank::Safety);
        let is_moment = |id: &str| kind(id).is_some_and(|practice| practice.show == Show::Moment);
        let expected = call.expected.as_deref().unwrap_or_default();

        // Each expected moment is met by one whisper at most, the closest first, and what is wanted before what is welcome.
        let mut met: Vec<Option<(usize, Close)>> = vec![None; expected.len()];
        for close in Close::ALL {
            for (at, whisper) in whispers.iter().enumerate() {
                if met.iter().flatten().any(|(by, _)| *by == at) {
                    continue;
                }
                let fits = |expected: &Expected| match close {
                    Close::Same => expected.practice == whisper.practice,
                    Close::Also => expected.also.contains(&whisper.practice),
                    Close::Alike => alike(&expected.practice, &whisper.practice),
                };
                let place = |strength| {
                    expected.iter().zip(&met).position(|(expected, met)| {
                        met.is_none()
                            && in_time(call, expected, whisper)
                            && expected.strength == strength
                            && fits(expected)
                    })
                };
                if let Some(place) = place(Strength::Must).or_else(|| place(Strength::May)) {
                    met[place] = Some((at, close));
                }
            }
        }

        let by = |at: usize| met.iter().flatten().find(|(by, _)| *by == at).map(|(_, close)| *close);
        let within = |found: Option<Close>, close: Close| usize::from(found.is_some_and(|found| found <= close));
        for (at, whisper) in whispers.iter().enumerate().filter(|(_, whisper)| !is_safety(&whisper.practice)) {
            let score = self.practices.entry(whisper.practice.clone()).or_default();
            score.shown += 1;
            score.right += within(by(at), Close::Same);
            score.right_or_also += within(by(at), Close::Also);
            score.right_or_alike += within(by(at), Close::Alike);
            if by(at).is_none() {
                let Whisper { turn, practice, text, .. } = whisper;
                self.wrong.push(format!("{}, turn {turn}: {practice} not expected: {text}", call.id));
            }
        }

        // Only what was right may have taken the room: a wrong whisper excuses nothing.
        let took = |at: usize, whisper: &Whisper| {
            is_safety(&whisper.practice) || (by(at).is_some() && !is_moment(&whisper.practice))
        };
        let taken: Vec<u64> =
            whispers.iter().enumerate().filter(|(at, w)| took(*at, w)).map(|(_, whisper)| whisper.t_ms).collect();
        for (expected, met) in expected.iter().zip(&met).filter(|(expected, _)| expected.strength == Strength::Must) {
            let score = self.practices.entry(expected.practice.clone()).or_default();
            let t_ms = turn_end_ms(call, expected.turn);
            let before = || taken.iter().filter(|at| **at <= t_ms);
            let room = is_moment(&expected.practice)
                || before().all(|at| t_ms - at >= rules.settings.gap_ms)
                    && before().count() < rules.settings.budget as usize;
            if met.is_none() && !room {
                score.no_room += 1;
                continue;
            }
            score.expected += 1;
            let found = met.map(|(_, close)| close);
            score.met += within(found, Close::Same);
            score.met_or_also += within(found, Close::Also);
            score.met_or_alike += within(found, Close::Alike);
            if met.is_none() {
                self.wrong.push(format!("{}, turn {}: {} missed", call.id, expected.turn, expected.practice));
            }
        }
    }

    fn pool(&mut self, rules: &Rulebook) {
        for (id, score) in &self.practices {
            let practice = rules.practices.iter().find(|practice| practice.id == *id);
            match practice.map(|practice| practice.show) {
                Some(Show::Moment) => self.moments.add(*score),
                _ => self.prompts.add(*score),
            }
        }
    }
}

/// Whether the agent has the whisper before them when they answer what it is expected after: it comes then or soon
/// afterwards, or it came after their own words before, and still stands there when the customer has spoken.
fn in_time(call: &Dialogue, expected: &Expected, whisper: &Whisper) -> bool {
    let customer_only = |turns: &[LabelledTurn]| turns.iter().all(|turn| turn.speaker == Party::Customer);
    let stands = || {
        call.turns.get(whisper.turn + 1..=expected.turn).is_some_and(customer_only)
            && whisper.gone_ms.is_none_or(|gone_ms| gone_ms > turn_end_ms(call, expected.turn))
    };
    (expected.turn..=expected.turn + LATE_TURNS).contains(&whisper.turn) || (whisper.turn < expected.turn && stands())
}

fn alike(one: &str, other: &str) -> bool {
    ALIKE.iter().any(|group| group.contains(&one) && group.contains(&other))
}

fn turn_end_ms(call: &Dialogue, turn: usize) -> u64 {
    call.turns.iter().take(turn + 1).fold(0, |end_ms: u64, turn| turn.t_ms.unwrap_or(end_ms.saturating_add(TURN_MS)))
}

impl PracticesReport {
    /// As lines of text; `details`: every wrong whisper and missed moment too.
    pub fn table(&self, details: bool) -> impl Display {
        Table { report: self, details }
    }
}

struct Table<'a> {
    report: &'a PracticesReport,
    details: bool,
}

impl Display for Table<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let PracticesReport { lang, calls, read, labels } = self.report;
        let perfect = labels.iter().map(|labels| (", with perfect cues", labels));
        for (how, figures) in [("", read)].into_iter().chain(perfect) {
            writeln!(f, "{}: whispers in {calls} calls{how}", lang.as_str())?;
            writeln!(f, "  {:<10} shown  precision (also, alike)   expected  recall (also, alike)  no room", "")?;
            let pooled = [("advice", &figures.prompts), ("moments", &figures.moments)];
            for (name, score) in pooled.into_iter().chain(figures.practices.iter().map(|(id, s)| (id.as_str(), s))) {
                let percent =
                    |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.0} %", share * 100.0));
                let [precision, also, alike] = Close::ALL.map(|close| percent(score.precision(close)));
                let [recall, recall_also, recall_alike] = Close::ALL.map(|close| percent(score.recall(close)));
                let PracticeScore { shown, expected, no_room, .. } = score;
                writeln!(
                    f,
                    "  {name:<10} {shown:>5}  {precision:>9} {also:>6} {alike:>6}   {expected:>8}  {recall:>6} {recall_also:>6} {recall_alike:>6}  {no_room:>7}"
                )?;
            }
            if self.details {
                for wrong in &figures.wrong {
                    writeln!(f, "    {wrong}")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coach::playbook::Playbook;
    use crate::eval::records::labelled;
    use crate::language::Language;

    fn call(expected: &str, turns: usize) -> Dialogue {
        let turn = r#"{"speaker":"customer","text":"x","t_ms":MS,"severity":0,"cues":[]}"#;
        let turns: Vec<String> = (1..=turns).map(|n| turn.replace("MS", &(n * 8_000).to_string())).collect();
        let line = format!(r#"{{"id":"a","outcome":"calm","turns":[{}],"expected":[{expected}]}}"#, turns.join(","));
        labelled("a.jsonl", line.as_bytes()).dialogues.remove(0)
    }

    fn whisper(turn: usize, practice: &str) -> Whisper {
        let t_ms = (turn as u64 + 1) * 8_000;
        Whisper { turn, t_ms, gone_ms: None, practice: practice.to_owned(), text: String::new() }
    }

    fn figures(call: &Dialogue, whispers: &[Whisper]) -> PracticeFigures {
        let playbook = Playbook::embedded().unwrap();
        let mut figures = PracticeFigures::default();
        figures.take(call, whispers, playbook.for_queue(None));
        figures.pool(playbook.for_queue(None));
        figures
    }

    #[test]
    fn a_whisper_is_right_in_time_and_in_place_of_one_like_it() {
        let call = call(r#"{"turn":1,"practice":"002-6"},{"turn":6,"practice":"001-1"}"#, 10);
        let found = figures(&call, &[whisper(3, "001-6"), whisper(9, "001-1")]);
        let PracticeScore { shown, right, right_or_alike, expected, met, met_or_alike, no_room, .. } = found.prompts;
        assert_eq!((shown, right, right_or_alike), (2, 0, 1), "the first is like it, the second too late");
        assert_eq!((expected, met, met_or_alike, no_room), (2, 0, 1, 0));
        assert_eq!(found.wrong.len(), 2);
    }

    #[test]
    fn what_a_reader_says_would_serve_is_closer_than_what_is_alike() {
        let call = call(r#"{"turn":1,"practice":"002-6","also":["001-7"]},{"turn":6,"practice":"001-5"}"#, 10);
        let found = figures(&call, &[whisper(1, "001-7"), whisper(6, "001-8")]).prompts;
        assert_eq!((found.right, found.right_or_also, found.right_or_alike), (0, 1, 2));
        assert_eq!((found.met, found.met_or_also, found.met_or_alike), (0, 1, 2));
        assert_eq!(found.precision(Close::Also), Some(0.5));
    }

    #[test]
    fn a_whisper_is_early_enough_if_it_stands_when_the_agent_answers() {
        let expected = r#"{"turn":2,"practice":"002-6"}"#;
        let mut call = call(expected, 4);
        call.turns[1].speaker = Party::Agent;
        let right = |call: &Dialogue, whisper| figures(call, &[whisper]).prompts.right;
        assert_eq!(right(&call, whisper(1, "002-6")), 1, "after the agent's words, read while the customer spoke");
        let gone = Whisper { gone_ms: Some(20_000), ..whisper(1, "002-6") };
        assert_eq!(right(&call, gone), 0, "taken away before the customer had spoken");
        assert_eq!(right(&call, whisper(0, "002-6")), 0, "the agent has answered in between");
        call.turns[2].speaker = Party::Agent;
        assert_eq!(right(&call, whisper(1, "002-6")), 0, "it cannot be about words the agent had not said");
        let moment = Whisper { gone_ms: Some(16_000), ..whisper(1, "000-c") };
        assert_eq!(figures(&call, &[moment]).moments.right, 0);
    }

    #[test]
    fn only_a_right_whisper_takes_the_room() {
        let expected = r#"{"turn":1,"practice":"002-6"},{"turn":2,"practice":"001-1"}"#;
        let right = figures(&call(expected, 6), &[whisper(1, "002-6")]);
        assert_eq!((right.prompts.expected, right.prompts.no_room), (1, 1));
        assert_eq!(right.prompts.recall(Close::Same), Some(1.0));
        let wrong = figures(&call(expected, 6), &[whisper(1, "002-1")]);
        assert_eq!((wrong.prompts.expected, wrong.prompts.no_room), (2, 0));
        let moments = figures(&call(r#"{"turn":2,"practice":"000-c"}"#, 6), &[whisper(1, "002-6")]);
        assert_eq!((moments.moments.expected, moments.moments.no_room), (1, 0), "moments need no room");
    }

    #[test]
    fn calls_are_played_with_readings_and_with_labels() {
        let lines = concat!(
            r#"{"id":"a","outcome":"escalated","turns":["#,
            r#"{"speaker":"customer","text":"Hm.","t_ms":4000,"severity":2,"cues":["dissatisfaction"]},"#,
            r#"{"speaker":"agent","text":"Tja.","t_ms":8000,"severity":null,"cues":["justification"]}],"#,
            r#""expected":[{"turn":1,"practice":"002-6"}]}"#,
        );
        let rules = Arc::new(Rules::new(Language::embedded().unwrap(), Playbook::embedded().unwrap()));
        let loaded = Loaded { dialogues: labelled("a", lines.as_bytes()).dialogues, ..Loaded::default() };
        let report = practices(&rules, &EscalationSettings::default(), &loaded, None);
        let [report] = &report[..] else { panic!("{report:?}") };
        assert_eq!(report.labels.as_ref().unwrap().prompts.recall(Close::Same), Some(1.0));
        assert_eq!(report.read.prompts.recall(Close::Same), Some(0.0), "nothing can be read from these words");
        assert!(report.table(true).to_string().contains("002-6 missed"));
    }
}
