//! What is between a call and its readers: events on their way to the disk, in one order.
//!
//! A plain state machine under one lock; the clock comes in as an argument. Two fronts run through the row: what is
//! *published* (readers know it) and what is *written*. In good times an event is written, then published. When the
//! disk keeps them waiting, events are published first, marked, and written when it can be done.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Job;
use super::store::Record;
use crate::call::event::{Event, Log};

/// An event readers are told of.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// Its place in the journal; `None` for an agent's log.
    pub position: Option<u64>,
    /// `durable` says whether it is on the disk.
    pub event: Event,
}

#[derive(Debug)]
struct Entry {
    submitted: Instant,
    what: What,
}

#[derive(Debug)]
enum What {
    Record(Record),
    Job(Job),
}

/// What the writer is to do next.
#[derive(Debug)]
pub enum Work {
    Nothing,
    Write(Vec<Record>),
    /// It is taken out of the row.
    Do(Job),
}

/// The row.
#[derive(Debug)]
pub struct Pending {
    /// Not yet written, oldest first.
    entries: VecDeque<Entry>,
    /// Number of the first entry.
    first: u64,
    /// Entries numbered below are published.
    published: u64,
    /// Last place given.
    position: u64,
    /// `None`: there is no journal.
    limit: Option<usize>,
    healthy: bool,
}

impl Pending {
    /// A row of at most `limit` entries that gives places after `position`. Without a limit there is no journal:
    /// everything is published at once and marked.
    pub fn new(limit: Option<usize>, position: u64, healthy: bool) -> Self {
        Self { entries: VecDeque::new(), first: 0, published: 0, position, limit, healthy }
    }

    /// Takes in events of one call, in order.
    pub fn submit(&mut self, now: Instant, events: Vec<Event>) {
        for event in events {
            let event = Arc::new(event);
            let record = match event.log {
                Log::Call => {
                    self.position += 1;
                    Record::Call { position: self.position, event }
                }
                Log::Agent => Record::Agent { event },
            };
            self.entries.push_back(Entry { submitted: now, what: What::Record(record) });
        }
    }

    /// Takes in a job.
    pub fn submit_job(&mut self, now: Instant, job: Job) {
        self.entries.push_back(Entry { submitted: now, what: What::Job(job) });
    }

    /// Number after the last entry: once `published` has reached it, all that was submitted so far is out.
    pub fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    pub fn published(&self) -> u64 {
        self.published
    }

    pub fn is_healthy(&self) -> bool {
        self.healthy
    }

    /// Entries not yet written.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Age of the oldest entry not yet written.
    pub fn lag(&self, now: Instant) -> Duration {
        self.entries.front().map_or(Duration::ZERO, |entry| now.saturating_duration_since(entry.submitted))
    }

    /// What was submitted at or before this is to be published without waiting longer.
    pub fn oldest_unpublished(&self) -> Option<Instant> {
        let skip = usize::try_from(self.published - self.first).ok()?;
        self.entries.get(skip).map(|entry| entry.submitted)
    }

    /// What can be published now although it is not written: all, unless the disk is well.
    pub fn take_unwritten(&mut self) -> Vec<Publication> {
        if self.healthy { Vec::new() } else { self.publish_unwritten() }
    }

    /// The disk keeps everybody waiting, or fails: publishes what waits. True if that is news.
    pub fn give_up_waiting(&mut self) -> (Vec<Publication>, bool) {
        let news = std::mem::replace(&mut self.healthy, false);
        (self.publish_unwritten(), news)
    }

    fn publish_unwritten(&mut self) -> Vec<Publication> {
        let skip = usize::try_from(self.published - self.first).unwrap_or(usize::MAX);
        let publications = self.entries.iter().skip(skip).filter_map(|entry| match &entry.what {
            What::Record(record) => Some(publication(record.clone(), Some(false))),
            What::Job(_) => None,
        });
        let publications = publications.collect();
        self.published = self.end();
        if self.limit.is_none() {
            self.drop_oldest(0);
        }
        publications
    }

    /// Gives up the oldest entries beyond the limit; how many events that cost. Only published ones are given up.
    pub fn bound(&mut self) -> u64 {
        match self.limit {
            Some(limit) if self.entries.len() > limit => {
                let unpublished = usize::try_from(self.end() - self.published).unwrap_or(usize::MAX);
                self.drop_oldest(limit.max(unpublished))
            }
            _ => 0,
        }
    }

    fn drop_oldest(&mut self, keep: usize) -> u64 {
        let mut lost = 0;
        while self.entries.len() > keep {
            self.first += 1;
            if let Some(Entry { what: What::Record(Record::Call { .. }), .. }) = self.entries.pop_front() {
                lost += 1;
            }
        }
        lost
    }

    /// The next thing to do: a batch of at most `most` records, or a job.
    pub fn work(&mut self, most: usize) -> Work {
        if let Some(Entry { what: What::Job(_), .. }) = self.entries.front() {
            self.first += 1;
            self.published = self.published.max(self.first);
            return match self.entries.pop_front().map(|entry| entry.what) {
                Some(What::Job(job)) => Work::Do(job),
                _ => Work::Nothing,
            };
        }
        let records = self.entries.iter().map_while(|entry| match &entry.what {
            What::Record(record) => Some(record.clone()),
            What::Job(_) => None,
        });
        let records: Vec<Record> = records.take(most).collect();
        if records.is_empty() { Work::Nothing } else { Work::Write(records) }
    }

    /// The first `count` entries, numbered from `from` on, are written. What of them readers do not know yet is to be
    /// published; whether the disk is well again.
    pub fn written(&mut self, from: u64, count: usize, patience: Duration, now: Instant) -> (Vec<Publication>, bool) {
        let until = from + count as u64;
        let mut publications = Vec::new();
        while self.first < until
            && let Some(entry) = self.entries.pop_front()
        {
            let unpublished = self.first >= self.published;
            self.first += 1;
            if let (What::Record(record), true) = (entry.what, unpublished) {
                publications.push(publication(record, None));
            }
        }
        self.published = self.published.max(self.first);
        let caught_up = self.lag(now) < patience;
        let healed = caught_up && !self.healthy;
        self.healthy |= caught_up;
        (publications, healed)
    }

    /// Number of the first entry.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// A place for an event that is written without going through the row.
    pub fn take_position(&mut self) -> &mut u64 {
        &mut self.position
    }
}

fn publication(record: Record, durable: Option<bool>) -> Publication {
    let (position, event) = match record {
        Record::Call { position, event } => (Some(position), event),
        Record::Agent { event } => (None, event),
    };
    let mut event = Arc::unwrap_or_clone(event);
    // The agent's log is never stored: the mark would mean nothing there.
    event.durable = durable.filter(|_| position.is_some());
    Publication { position, event }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::event::EventKind;

    const PATIENCE: Duration = Duration::from_millis(500);

    fn event(seq: u64) -> Event {
        let call = "c".to_owned();
        Event { call, log: Log::Call, seq, at: String::new(), t_ms: 0, kind: EventKind::Hold, durable: None }
    }

    fn told(publications: &[Publication]) -> Vec<(u64, Option<bool>)> {
        publications.iter().map(|publication| (publication.event.seq, publication.event.durable)).collect()
    }

    #[test]
    fn in_good_times_written_comes_before_published() {
        let now = Instant::now();
        let mut row = Pending::new(Some(9), 100, true);
        row.submit(now, vec![event(1), event(2)]);
        assert!(row.take_unwritten().is_empty());
        assert_eq!((row.published(), row.end()), (0, 2));
        let Work::Write(records) = row.work(1) else { panic!() };
        assert!(matches!(&records[..], [Record::Call { position: 101, .. }]));
        drop(records);
        let (out, healed) = row.written(0, 1, PATIENCE, now);
        assert_eq!((told(&out), healed, row.published()), (vec![(1, None)], false, 1));
        assert_eq!(told(&row.written(1, 1, PATIENCE, now).0), [(2, None)]);
        assert!(matches!(row.work(1), Work::Nothing));
    }

    #[test]
    fn a_disk_that_keeps_waiting_is_not_waited_for_and_written_later() {
        let start = Instant::now();
        let mut row = Pending::new(Some(9), 0, true);
        row.submit(start, vec![event(1)]);
        let (out, news) = row.give_up_waiting();
        assert_eq!((told(&out), news), (vec![(1, Some(false))], true));
        row.submit(start + PATIENCE, vec![event(2)]);
        assert_eq!(told(&row.take_unwritten()), [(2, Some(false))]);
        assert!(row.take_unwritten().is_empty(), "once");
        // The disk is back: in order, nothing told twice, and from then on written first.
        let Work::Write(records) = row.work(9) else { panic!() };
        assert_eq!(records.len(), 2);
        let later = start + PATIENCE * 4;
        row.submit(later, vec![event(3)]);
        assert_eq!(told(&row.take_unwritten()), [(3, Some(false))]);
        assert_eq!(row.written(0, 2, PATIENCE, later), (Vec::new(), true));
        row.submit(later, vec![event(4)]);
        assert!(row.take_unwritten().is_empty());
        assert_eq!(told(&row.written(2, 2, PATIENCE, later).0), [(4, None)]);
    }

    #[test]
    fn the_row_is_bounded_and_says_what_it_lost() {
        let now = Instant::now();
        let mut row = Pending::new(Some(3), 0, false);
        row.submit(now, (1..=5).map(event).collect());
        assert_eq!(row.bound(), 0, "nobody knows them yet");
        assert_eq!(row.take_unwritten().len(), 5);
        assert_eq!((row.bound(), row.len(), row.first()), (2, 3, 2));
        let Work::Write(records) = row.work(9) else { panic!() };
        assert!(matches!(&records[0], Record::Call { position: 3, .. }));
        // A batch was on its way to the disk while the oldest were given up.
        let from = row.first();
        row.submit(now, vec![event(6), event(7)]);
        row.take_unwritten();
        assert_eq!(row.bound(), 2);
        row.written(from, 3, PATIENCE, now);
        assert_eq!(row.len(), 2, "what came meanwhile is not taken for written");
    }

    #[test]
    fn without_a_journal_all_is_told_at_once_and_marked() {
        let now = Instant::now();
        let mut row = Pending::new(None, 0, false);
        row.submit(now, vec![event(1), Event { log: Log::Agent, ..event(1) }]);
        let out = row.take_unwritten();
        assert_eq!(told(&out), [(1, Some(false)), (1, None)]);
        assert_eq!((row.len(), row.published(), row.end()), (0, 2, 2));
    }
}
