//! What a receiver is still to be told, and what it has been: a plain state machine, without clock or socket.
//!
//! Events come twice: live, as readers of the feed get them, and from the journal, for whatever was missed. A *mark* says up
//! to which place of the journal all is done; what is done beyond it is remembered one by one. Fresh events never wait for
//! old ones, and among equals the one that was tried least often goes first, so that no single event blocks the rest.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::message::Item;
use crate::call::event::{EventKind, parse_rfc3339};

/// Live events held in memory while the receiver does not take them; beyond it they are read from the journal later.
pub const LIVE_MAX: usize = 1_000;

/// Places done beyond the mark that are remembered. With more, the oldest may be told twice.
const DONE_MAX: usize = 10_000;

/// Dead letters shown.
const DEAD_MAX: usize = 100;

/// What outlives the program.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// Everything up to this place of the journal is done.
    pub mark: u64,
    /// And so are these.
    #[serde(default)]
    pub done: BTreeSet<u64>,
    #[serde(default)]
    pub dead: VecDeque<DeadLetter>,
}

/// An event that was given up. Holds no words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeadLetter {
    /// Place in the journal.
    pub position: u64,
    pub call: String,
    /// Its number in the call's log: `GET /v1/calls/{call}/events` still has it.
    pub seq: u64,
    #[serde(rename = "type")]
    pub kind: String,
    /// When the event was made.
    pub at: String,
    pub attempts: u32,
    /// Why the receiver does not have it.
    pub error: String,
}

/// One receiver's events.
#[derive(Debug, Default)]
pub struct Outbox {
    saved: Saved,
    /// From the feed, by place.
    live: BTreeMap<u64, Waiting>,
    /// From the journal, by place.
    old: BTreeMap<u64, Waiting>,
    /// There may be events beyond the mark in the journal that are in neither.
    behind: bool,
    /// The journal was read up to here.
    read_to: u64,
    /// Live events were left to the journal since it was last read.
    overflowed: bool,
}

#[derive(Debug)]
struct Waiting {
    item: Item,
    attempts: u32,
}

impl Outbox {
    /// Goes on where the last run stopped; the journal is read first.
    pub fn new(saved: Saved) -> Self {
        Self { read_to: saved.mark, saved, behind: true, ..Self::default() }
    }

    pub fn saved(&self) -> &Saved {
        &self.saved
    }

    /// Takes in a live event. False if there is no room: the journal has to help later.
    pub fn offer(&mut self, item: Item) -> bool {
        let place = item.position;
        if place <= self.saved.mark || self.saved.done.contains(&place) || self.old.contains_key(&place) {
            return true;
        }
        if self.live.len() >= LIVE_MAX {
            self.behind = true;
            self.overflowed = true;
            return false;
        }
        self.live.insert(place, Waiting { item, attempts: 0 });
        true
    }

    /// Events were missed.
    pub fn fall_behind(&mut self) {
        self.behind = true;
        self.overflowed = true;
    }

    /// Where the journal is to be read on, if it is time to: nothing else is waiting.
    pub fn wants_more(&mut self) -> Option<u64> {
        let due = self.behind && self.live.is_empty() && self.old.is_empty();
        due.then(|| {
            self.overflowed = false;
            self.read_to
        })
    }

    /// What the journal has for this receiver after [`wants_more`](Self::wants_more); it was read up to `read_to`. `is_all`:
    /// there is no more, and nothing is on its way into the journal.
    pub fn refill(&mut self, items: Vec<Item>, read_to: Option<u64>, is_all: bool) {
        self.read_to = self.read_to.max(read_to.unwrap_or(0));
        for item in items {
            let place = item.position;
            if place > self.saved.mark && !self.saved.done.contains(&place) && !self.live.contains_key(&place) {
                self.old.insert(place, Waiting { item, attempts: 0 });
            }
        }
        if is_all && !self.overflowed {
            self.behind = false;
        }
        self.settle();
    }

    /// Without a journal there is nothing to read: whatever is missing is lost.
    pub fn give_up_reading(&mut self) {
        self.behind = false;
        self.settle();
    }

    /// What to try next, and how often it was tried.
    pub fn next(&self) -> Option<(&Item, u32)> {
        // Of equals the first counts: live before old, then by place.
        let next = self.live.values().chain(self.old.values()).min_by_key(|waiting| waiting.attempts);
        next.map(|waiting| (&waiting.item, waiting.attempts))
    }

    /// It was tried in vain.
    pub fn failed(&mut self, place: u64) {
        if let Some(waiting) = self.live.get_mut(&place).or(self.old.get_mut(&place)) {
            waiting.attempts = waiting.attempts.saturating_add(1);
        }
    }

    /// The receiver has it.
    pub fn done(&mut self, place: u64) {
        // One that was erased meanwhile is done as well.
        self.live.remove(&place);
        self.old.remove(&place);
        if place > self.saved.mark {
            self.saved.done.insert(place);
        }
        self.settle();
    }

    /// The receiver will not get it.
    pub fn bury(&mut self, place: u64, error: String) {
        if let Some(Waiting { item, attempts }) = self.live.remove(&place).or_else(|| self.old.remove(&place)) {
            self.saved.dead.push_back(DeadLetter {
                position: place,
                call: item.event.call.clone(),
                seq: item.event.seq,
                kind: item.event.kind.name().to_owned(),
                at: item.event.at,
                attempts: attempts.saturating_add(1),
                error,
            });
            if self.saved.dead.len() > DEAD_MAX {
                self.saved.dead.pop_front();
            }
        }
        self.done(place);
    }

    /// The call was erased: nothing of it is sent any more. True if that changed what is kept.
    pub fn forget(&mut self, call: &str) -> bool {
        let before = self.saved.dead.len();
        self.saved.dead.retain(|letter| letter.call != call);
        self.live.retain(|_, waiting| waiting.item.event.call != call);
        self.old.retain(|_, waiting| waiting.item.event.call != call);
        self.settle();
        self.saved.dead.len() != before
    }

    /// Events waiting in memory, and whether the journal may hold more.
    pub fn waiting(&self) -> (usize, bool) {
        (self.live.len() + self.old.len(), self.behind)
    }

    /// Wall clock of the oldest event waiting.
    pub fn oldest_unix_ms(&self) -> Option<u64> {
        let first = [self.old.first_key_value(), self.live.first_key_value()].into_iter().flatten();
        first.filter_map(|(_, waiting)| parse_rfc3339(&waiting.item.event.at)).min()
    }

    /// Whether anything fresh has not been tried yet.
    pub fn has_untried(&self) -> bool {
        self.live.values().any(|waiting| waiting.attempts == 0)
    }

    /// Moves the mark as far as all before it is done.
    fn settle(&mut self) {
        let open = [self.old.keys().next(), self.live.keys().next()].into_iter().flatten().min().copied();
        let limit = match (open, self.behind) {
            (Some(place), false) => place - 1,
            (Some(place), true) => (place - 1).min(self.read_to),
            (None, true) => self.read_to,
            (None, false) => u64::MAX,
        };
        let kept = self.saved.done.split_off(&limit.saturating_add(1));
        let passed = std::mem::replace(&mut self.saved.done, kept);
        let reached = passed.last().copied().unwrap_or(0);
        // What the journal showed and was none of ours is done as well.
        self.saved.mark = self.saved.mark.max(reached).max(limit.min(self.read_to));
        while self.saved.done.len() > DONE_MAX {
            self.saved.done.pop_first();
        }
    }
}

/// Takes the words out of an event that is to be sent without them.
pub fn without_words(item: &mut Item) {
    if let EventKind::Alert { quote, reason, dismissal, .. } = &mut item.event.kind {
        (*quote, *dismissal) = (None, None);
        reason.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::event::{Event, Log};
    use crate::terms::Lang;

    fn item(position: u64) -> Item {
        let event = Event {
            call: format!("c{}", position % 3),
            log: Log::Call,
            seq: position,
            at: "2026-03-02T09:14:00.000Z".to_owned(),
            t_ms: 0,
            kind: EventKind::Hold,
            durable: None,
        };
        Item { position, event, agent: None, queue: None, team: None, lang: Lang::De }
    }

    fn caught_up(mark: u64) -> Outbox {
        let mut outbox = Outbox::new(Saved { mark, ..Saved::default() });
        assert_eq!(outbox.wants_more(), Some(mark));
        outbox.refill(Vec::new(), None, true);
        assert_eq!(outbox.wants_more(), None);
        outbox
    }

    fn next(outbox: &Outbox) -> Option<u64> {
        outbox.next().map(|(item, _)| item.position)
    }

    #[test]
    fn a_run_goes_on_where_the_last_one_stopped() {
        let mut outbox = Outbox::new(Saved { mark: 10, done: BTreeSet::from([13]), dead: VecDeque::new() });
        assert!(outbox.offer(item(14)), "live events need not wait for the journal");
        assert_eq!((next(&outbox), outbox.wants_more()), (Some(14), None));
        outbox.done(14);
        assert_eq!(outbox.saved().mark, 10, "11 to 13 are not known yet");
        assert_eq!(outbox.wants_more(), Some(10));
        outbox.refill(vec![item(12), item(13), item(14)], Some(14), true);
        assert_eq!(next(&outbox), Some(12), "13 and 14 are done");
        outbox.done(12);
        assert_eq!((outbox.saved().mark, next(&outbox), outbox.wants_more()), (14, None, None));
        assert!(outbox.saved().done.is_empty());
        outbox.offer(item(14));
        assert_eq!(next(&outbox), None, "told once");
    }

    #[test]
    fn one_event_that_fails_does_not_hold_up_the_others() {
        let mut outbox = caught_up(0);
        for place in 1..=3 {
            outbox.offer(item(place));
        }
        outbox.failed(1);
        assert_eq!(next(&outbox), Some(2));
        outbox.done(2);
        outbox.done(3);
        assert_eq!((next(&outbox), outbox.saved().mark), (Some(1), 0), "a crash now tells 1 again, and not 2 and 3");
        outbox.bury(1, "no".to_owned());
        assert_eq!((next(&outbox), outbox.saved().mark, outbox.saved().dead.len()), (None, 3, 1));
    }

    #[test]
    fn what_does_not_fit_is_read_from_the_journal_later() {
        let mut outbox = caught_up(0);
        let all = LIVE_MAX as u64 + 5;
        assert!((1..=all).filter(|place| !outbox.offer(item(*place))).count() == 5);
        for place in 1..=LIVE_MAX as u64 {
            assert_eq!((next(&outbox), outbox.wants_more()), (Some(place), None));
            outbox.done(place);
        }
        let from = outbox.wants_more().unwrap();
        assert!(from <= LIVE_MAX as u64, "{from}");
        outbox.refill((from + 1..=from + 100).map(item).collect(), Some(from + 100), false);
        while let Some(place) = next(&outbox) {
            outbox.done(place);
        }
        while let Some(from) = outbox.wants_more() {
            let to = all.min(from + 100);
            outbox.refill((from + 1..=to).map(item).collect(), Some(to), from + 100 > all);
            while let Some(place) = next(&outbox) {
                outbox.done(place);
            }
        }
        assert_eq!(outbox.saved().mark, all);
    }

    #[test]
    fn an_erased_call_is_sent_no_more() {
        let mut outbox = caught_up(0);
        outbox.offer(item(1));
        outbox.offer(item(2));
        outbox.bury(1, "refused".to_owned());
        assert!(outbox.forget("c1") && outbox.saved().dead.is_empty());
        assert!(!outbox.forget("c2"));
        assert_eq!(next(&outbox), None);
    }
}
