//! What is kept of each agent: what became of the practices, and the shift so far. For that agent alone.
//!
//! Everything here comes from events of calls and from the agent's own answers, goes back to that agent's coach, and
//! can be read and erased with that agent's token only. A file per agent, named by a hash of the id.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tracing::warn;

use crate::call::event::{Event, EventKind};
use crate::coach::playbook::Rulebook;
use crate::coach::shift::{CallRecord, Good, Shift};
use crate::coach::{Habits, ShiftSoFar};
use crate::server::small_file;
use crate::terms::{Band, CueKind, Lang};
use crate::wire::hex::hex;

/// Format of the files.
const VERSION: u32 = 1;

/// No call for so long, and the next one begins a new shift, unless the phone system says when shifts start.
const SHIFT_PAUSE_MS: u64 = 8 * 3_600_000;

/// Agents held in memory; with more, those are read from their files again.
const AGENTS_MAX: usize = 4_096;

/// Prompts of an agent that can still be muted for good.
const PROMPTS_MAX: usize = 64;

/// Fewer agents would show the single one.
pub const TEAM_MIN_AGENTS: usize = 5;

/// A larger file is none of ours.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// What is kept of one agent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    pub habits: Habits,
    pub shift: Shift,
    /// When the shift began: as the phone system said, else the start of its first call.
    pub shift_started_unix_ms: u64,
    changed_unix_ms: u64,
    /// Of the last call that named one.
    #[serde(default)]
    team: Option<String>,
}

/// What became of one practice in a team.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct TeamFigure {
    pub shown: u32,
    /// Answered `used`, or followed as the program saw.
    pub followed: u32,
    pub not_now: u32,
    #[serde(skip)]
    agents: usize,
}

#[derive(Debug, Default)]
struct Kept {
    record: Record,
    /// Prompt and practice, newest last.
    prompts: VecDeque<(String, String)>,
}

/// All agents.
#[derive(Debug)]
pub struct Agents {
    /// `None`: in memory only.
    dir: Option<PathBuf>,
    kept: Mutex<HashMap<String, Kept>>,
}

impl Agents {
    pub fn new(dir: Option<PathBuf>) -> Self {
        Self { dir, kept: Mutex::default() }
    }

    /// What a call that begins now may use.
    pub fn begin(
        &self,
        agent: &str,
        team: Option<&str>,
        shift_started: Option<u64>,
        unix_ms: u64,
    ) -> (Habits, ShiftSoFar) {
        let mut kept = self.lock();
        let record = &mut self.find(&mut kept, agent).record;
        if let Some(team) = team {
            record.team = Some(team.to_owned());
        }
        let stale = unix_ms.saturating_sub(record.changed_unix_ms) >= SHIFT_PAUSE_MS;
        let is_new = shift_started.map_or(stale, |started| started > record.shift_started_unix_ms);
        if is_new {
            record.shift = Shift::default();
            record.shift_started_unix_ms = shift_started.unwrap_or(unix_ms);
        }
        (record.habits.clone(), record.shift.so_far(unix_ms))
    }

    /// A prompt of this agent changed.
    pub fn prompted(&self, agent: &str, event: &Event) {
        let EventKind::Prompt { id, practice, state, .. } = &event.kind else { return };
        let mut kept = self.lock();
        let kept = self.find(&mut kept, agent);
        kept.record.habits.saw(practice, *state);
        if kept.prompts.iter().all(|(known, _)| known != id) {
            kept.prompts.push_back((id.clone(), practice.clone()));
            if kept.prompts.len() > PROMPTS_MAX {
                kept.prompts.pop_front();
            }
        }
    }

    /// A call ended.
    pub fn ended(&self, agent: &str, call: CallRecord) {
        let mut kept = self.lock();
        let record = &mut self.find(&mut kept, agent).record;
        record.changed_unix_ms = call.ended_unix_ms;
        record.shift.record(call);
        self.write(agent, record);
    }

    /// Switches off the practice of a prompt for good; false if there is no such prompt of theirs.
    pub fn mute(&self, agent: &str, prompt: &str) -> bool {
        let mut kept = self.lock();
        let kept = self.find(&mut kept, agent);
        let Some((_, practice)) = kept.prompts.iter().find(|(known, _)| known == prompt) else { return false };
        kept.record.habits.mute(practice, true);
        self.write(agent, &kept.record);
        true
    }

    /// Sums over the agents of a team, by practice; only practices that at least [`TEAM_MIN_AGENTS`] of them were
    /// shown. Reads files: not for an async task.
    pub fn team_figures(&self, team: &str) -> BTreeMap<String, TeamFigure> {
        let mut figures: BTreeMap<String, TeamFigure> = BTreeMap::new();
        for record in self.all().iter().filter(|record| record.team.as_deref() == Some(team)) {
            for (practice, habit) in record.habits.iter().filter(|(_, habit)| habit.shown > 0) {
                let figure = figures.entry(practice.to_owned()).or_default();
                figure.agents += 1;
                figure.shown += habit.shown;
                figure.followed += habit.used + habit.done;
                figure.not_now += habit.not_now;
            }
        }
        figures.retain(|_, figure| figure.agents >= TEAM_MIN_AGENTS);
        figures
    }

    /// All records, in memory or in files.
    fn all(&self) -> Vec<Record> {
        let kept = self.lock();
        let in_memory: BTreeSet<PathBuf> = kept.keys().filter_map(|agent| self.path(agent)).collect();
        let mut records: Vec<Record> = kept.values().map(|kept| kept.record.clone()).collect();
        drop(kept);
        let files = self.dir.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten();
        let paths = files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|kind| kind == "json"));
        records.extend(paths.filter(|path| !in_memory.contains(path)).map(|path| read_record(&path)));
        records
    }

    pub fn record(&self, agent: &str) -> Record {
        let mut kept = self.lock();
        self.find(&mut kept, agent).record.clone()
    }

    /// Forgets an agent.
    ///
    /// # Errors
    /// When the file is there and cannot be removed.
    pub fn erase(&self, agent: &str) -> io::Result<()> {
        let mut kept = self.lock();
        kept.remove(agent);
        match self.path(agent).map(fs::remove_file) {
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The load of the day in a line, if there was any, and the lines of the shift card: what was hard, then, at
    /// greater length, what was good.
    pub fn card(&self, agent: &str, rules: &Rulebook, lang: Lang, unix_ms: u64) -> (Option<String>, Vec<String>) {
        let shift = self.record(agent).shift;
        (shift.load_line(rules, lang, unix_ms), shift.card(rules, lang, unix_ms))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        // Counts stay counts, whatever a thread that panicked was about to add.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find<'a>(&self, kept: &'a mut HashMap<String, Kept>, agent: &str) -> &'a mut Kept {
        if !kept.contains_key(agent) && kept.len() >= AGENTS_MAX {
            kept.clear();
        }
        let read = || self.path(agent).map(|path| read_record(&path)).unwrap_or_default();
        kept.entry(agent.to_owned()).or_insert_with(|| Kept { record: read(), ..Kept::default() })
    }

    fn path(&self, agent: &str) -> Option<PathBuf> {
        let name = hex(&Sha256::digest(agent.as_bytes())[..16]);
        Some(self.dir.as_ref()?.join(format!("{name}.json")))
    }

    fn write(&self, agent: &str, record: &Record) {
        let Some(path) = self.path(agent) else { return };
        if let Err(error) = small_file::write(&path, &Record { version: VERSION, ..record.clone() }) {
            warn!(%error, file = %path.display(), "an agent's record cannot be written; it is kept in memory");
        }
    }
}

fn read_record(path: &Path) -> Record {
    let read = || {
        let record: Record = small_file::read(path, FILE_MAX_BYTES)?;
        match record.version {
            VERSION => Ok(record),
            version => Err(io::Error::other(format!("version {version} is not read by this program"))),
        }
    };
    read().unwrap_or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            warn!(%error, file = %path.display(), "an agent's record cannot be read; it starts anew");
        }
        Record::default()
    })
}

/// What one call was for its agent's shift, folded from its events.
#[derive(Debug, Default)]
pub struct Tally {
    /// Media clock since when the call is heated.
    heated_since_ms: Option<u64>,
    heated_ms: u64,
    kind: Option<Good>,
    good: Vec<Good>,
}

impl Tally {
    /// Folds in an event; the whole once the call has ended.
    pub fn hear(&mut self, event: &Event, unix_ms: u64) -> Option<CallRecord> {
        match &event.kind {
            EventKind::Band { band } => self.band(*band, event.t_ms),
            EventKind::Assessment { cues, .. } => {
                self.kind = cues.iter().find_map(|cue| match cue.kind {
                    CueKind::Gratitude => Some(Good::Thanks),
                    CueKind::Praise => Some(Good::Praise),
                    _ => None,
                });
            }
            // A moment without thanks or praise is the customer's kindness, or the tension that fell.
            EventKind::Moment { practice, .. } => {
                let otherwise = if practice == "000-c" { Good::Calmed } else { Good::Kindness };
                self.good.push(self.kind.filter(|_| practice != "000-c").unwrap_or(otherwise));
            }
            EventKind::CallEnded { summary, .. } => {
                self.band(Band::Calm, event.t_ms);
                return Some(CallRecord {
                    ended_unix_ms: unix_ms,
                    peak: summary.peak_band,
                    heated_ms: self.heated_ms,
                    good: std::mem::take(&mut self.good),
                });
            }
            _ => {}
        }
        None
    }

    fn band(&mut self, band: Band, t_ms: u64) {
        if band >= Band::Heated {
            self.heated_since_ms.get_or_insert(t_ms);
        } else if let Some(since_ms) = self.heated_since_ms.take() {
            self.heated_ms += t_ms.saturating_sub(since_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::event::Log;
    use crate::coach::PromptState;

    fn shown(agents: &Agents, agent: &str, team: &str, states: &[PromptState]) {
        agents.begin(agent, Some(team), None, 0);
        for state in states {
            let (id, practice, text) = (format!("{agent}:p1"), "001-6".to_owned(), String::new());
            let kind = EventKind::Prompt { id, practice, text, state: *state };
            let event = Event {
                call: agent.to_owned(),
                log: Log::Agent,
                seq: 1,
                at: String::new(),
                t_ms: 0,
                kind,
                durable: None,
            };
            agents.prompted(agent, &event);
        }
        agents.ended(agent, CallRecord { ended_unix_ms: 1, peak: Band::Calm, heated_ms: 0, good: Vec::new() });
    }

    #[test]
    fn a_team_figure_stands_on_five_agents_in_memory_or_in_files() {
        let dir = tempfile::tempdir().unwrap();
        let before = Agents::new(Some(dir.path().to_owned()));
        for agent in ["a1", "a2"] {
            shown(&before, agent, "nord", &[PromptState::Shown, PromptState::Used]);
        }
        shown(&before, "b1", "süd", &[PromptState::Shown]);
        let agents = Agents::new(Some(dir.path().to_owned()));
        for agent in ["a3", "a4"] {
            shown(&agents, agent, "nord", &[PromptState::Shown, PromptState::NotNow]);
        }
        assert!(agents.team_figures("nord").is_empty(), "four agents");
        shown(&agents, "a5", "nord", &[PromptState::Shown, PromptState::Done]);
        let figures = agents.team_figures("nord");
        let figure = figures["001-6"];
        assert_eq!((figure.shown, figure.followed, figure.not_now), (5, 3, 2), "{figures:?}");
        assert!(agents.team_figures("süd").is_empty());
    }
}
