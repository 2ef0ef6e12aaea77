//! Where events meet their readers: what is known of every call, the last events, and two kinds of broadcast.
//!
//! Publishing never waits: a reader that is too slow misses events, is told so by the broadcast and gets a fresh
//! snapshot. The agent's log goes into the agents' broadcasts only, never into the supervisors': what supervisors did
//! at a call they see as [`Colleagues`].

mod items;

pub use self::items::{AgentItem, CallItem, FeedItem, Subscription};

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::broadcast;

use crate::call::event::{EndReason, Event, EventKind};
use crate::call::view::{AgentView, CallView};
use crate::config;
use crate::journal::{Logged, Publication, end_of};
use crate::metrics::{Kind, Metrics};
use crate::server::load::{AgentLoad, BreakRule};
use crate::wall_clock::unix_ms;
use crate::wire::feed::{Colleagues, FeedEvent, Load, Whispered};
use crate::wire::to_json;

/// Whispers shown to colleagues who open a call.
const WHISPERS: usize = 20;

/// Agents whose load is remembered.
const AGENTS: usize = 10_000;

/// Events an agent's panel may be behind: one call makes a few a minute.
const AGENT_BEHIND: usize = 256;

pub struct Hub {
    settings: config::Feeds,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

struct State {
    cursor: u64,
    /// Events after this cursor are all at hand,
    complete_from: u64,
    /// except that readers may have seen some between these two, from the last run, that never reached the disk.
    restored_to: u64,
    began_at: u64,
    calls: BTreeMap<String, KnownCall>,
    /// Ended calls, oldest first.
    ended: VecDeque<(String, Instant)>,
    /// The last events of all call logs, oldest first.
    history: VecDeque<Past>,
    loads: HashMap<String, KnownLoad>,
    supervisors: broadcast::Sender<FeedItem>,
    agents: HashMap<String, broadcast::Sender<AgentItem>>,
}

/// The load of an agent, and where the call that changed it last belongs.
#[derive(Default)]
struct KnownLoad {
    load: AgentLoad,
    told: Option<FeedItem>,
}

/// A call in memory, live or ended.
struct KnownCall {
    view: CallView,
    agent_view: AgentView,
    events: VecDeque<Arc<Event>>,
    whispers: VecDeque<Whispered>,
    /// On how many feeds each supervisor has the call open.
    watchers: BTreeMap<String, usize>,
}

/// An event and how the call looked before it, so that a reader who comes back can be shown that.
struct Past {
    item: Arc<CallItem>,
    before: Option<CallView>,
}

impl Hub {
    /// Nothing known yet; the feed's cursor begins after `cursor`.
    pub fn new(settings: config::Feeds, metrics: Arc<Metrics>, cursor: u64) -> Self {
        let (supervisors, _) = broadcast::channel(settings.behind_events);
        let state = State {
            cursor,
            complete_from: cursor,
            restored_to: cursor,
            began_at: cursor,
            calls: BTreeMap::new(),
            ended: VecDeque::new(),
            history: VecDeque::new(),
            loads: HashMap::new(),
            supervisors,
            agents: HashMap::new(),
        };
        Self { settings, metrics, state: Mutex::new(state) }
    }

    /// Takes in what the journal has, in order, and hands it to whoever reads.
    pub fn publish(&self, publications: Vec<Publication>) {
        let rule = self.break_rule();
        let mut state = self.lock();
        for Publication { position, event } in publications {
            self.metrics.events.get_or_create(&Kind { kind: event.kind.name() }).inc();
            match position {
                Some(position) => state.call_event(position, Arc::new(event), &self.settings, rule),
                None => state.agent_event(Arc::new(event)),
            }
        }
        state.forget(&self.settings);
    }

    /// Takes back what was known before a restart: whole calls, and from which cursor on nothing is missing.
    pub fn restore(&self, calls: &[Logged], complete_from: u64) {
        let rule = self.break_rule();
        let mut state = self.lock();
        state.complete_from = complete_from;
        let mut events: Vec<&(u64, Event)> = calls.iter().flat_map(|call| &call.events).collect();
        events.sort_by_key(|(position, _)| *position);
        for (position, event) in events {
            state.call_event(*position, Arc::new(event.clone()), &self.settings, rule);
        }
        for call in calls {
            if let Some((_, first)) = call.events.first()
                && let Some(record) = state.calls.get_mut(&first.call)
            {
                record.agent_view.seq = call.agent_seq;
            }
        }
        state.restored_to = state.history.back().map_or(complete_from, |past| past.item.cursor);
        state.cursor = state.began_at;
        state.forget(&self.settings);
    }

    /// The end of a call whose task has died, as far as it is not ended; its own state went with it.
    pub fn fault(&self, call: &str) -> Option<Event> {
        let view = self.call(call).filter(|view| view.ended.is_none())?;
        Some(end_of(&view, EndReason::Fault, unix_ms()))
    }

    fn break_rule(&self) -> BreakRule {
        BreakRule {
            heated_calls: self.settings.break_calls,
            heated_ms: self.settings.break_minutes.saturating_mul(60_000),
        }
    }

    /// A snapshot of the live calls and everything after it. With `after` a cursor we still remember, the snapshot
    /// shows the calls as they were then.
    pub fn subscribe(&self, after: Option<u64>) -> Subscription {
        let state = self.lock();
        let items = state.supervisors.subscribe();
        let loads = state.loads.values().filter_map(|record| record.told.clone()).collect();
        if let Some(after) = after.filter(|after| state.remembers(*after)) {
            let since = state.history.iter().filter(|past| past.item.cursor > after);
            let missed: Vec<_> = since.clone().map(|past| Arc::clone(&past.item)).collect();
            let mut calls: BTreeMap<String, Option<CallView>> = BTreeMap::new();
            for past in since {
                calls.entry(past.item.event.call.clone()).or_insert_with(|| past.before.clone());
            }
            for record in state.calls.values() {
                calls.entry(record.view.call.clone()).or_insert_with(|| Some(record.view.clone()));
            }
            let calls = calls.into_values().flatten().filter(|view| view.ended.is_none()).collect();
            return Subscription { cursor: after, calls, missed, loads, items };
        }
        let views = state.calls.values().map(|record| &record.view);
        let calls = views.filter(|view| view.ended.is_none()).cloned().collect();
        Subscription { cursor: state.cursor, calls, missed: Vec::new(), loads, items }
    }

    /// All supervisors hear, from here on.
    pub fn listen(&self) -> broadcast::Receiver<FeedItem> {
        self.lock().supervisors.subscribe()
    }

    /// The live calls of an agent, as their panel shows them, and their log from here on.
    pub fn subscribe_agent(&self, agent: &str) -> (Vec<AgentView>, broadcast::Receiver<AgentItem>) {
        let mut state = self.lock();
        state.agents.retain(|_, sender| sender.receiver_count() > 0);
        let sender = state.agents.entry(agent.to_owned()).or_insert_with(|| broadcast::channel(AGENT_BEHIND).0);
        let events = sender.subscribe();
        (state.agent_views(agent), events)
    }

    /// The live calls of an agent, as their panel shows them.
    pub fn agent_views(&self, agent: &str) -> Vec<AgentView> {
        self.lock().agent_views(agent)
    }

    /// All calls in memory, live and ended, by id.
    pub fn calls(&self) -> Vec<CallView> {
        self.lock().calls.values().map(|record| record.view.clone()).collect()
    }

    pub fn call(&self, call: &str) -> Option<CallView> {
        self.lock().calls.get(call).map(|record| record.view.clone())
    }

    /// At most `limit` events of a call's log after `seq`.
    pub fn events(&self, call: &str, after: u64, limit: usize) -> Option<Vec<Arc<Event>>> {
        let state = self.lock();
        let events = state.calls.get(call)?.events.iter().filter(|event| event.seq > after);
        Some(events.take(limit).cloned().collect())
    }

    /// Text of a good moment of an agent's live call.
    pub fn moment(&self, agent: &str, call: &str, seq: u64) -> Option<String> {
        let state = self.lock();
        let record = state.calls.get(call).filter(|record| record.is_live_with(agent))?;
        record.agent_view.moments.iter().find(|moment| moment.seq == seq).map(|moment| moment.text.clone())
    }

    /// The agent has shown it to the supervisors: their panel says so from now on, also after a reload.
    pub fn moment_shared(&self, call: &str, seq: u64) {
        let mut state = self.lock();
        let Some(record) = state.calls.get_mut(call) else { return };
        for moment in record.agent_view.moments.iter_mut().filter(|moment| moment.seq == seq) {
            moment.shared = true;
        }
    }

    /// Ids of the live calls of an agent.
    pub fn calls_of(&self, agent: &str) -> Vec<String> {
        let state = self.lock();
        state.calls.iter().filter(|(_, record)| record.is_live_with(agent)).map(|(call, _)| call.clone()).collect()
    }

    /// Whether this agent has this call now.
    pub fn is_agents(&self, agent: &str, call: &str) -> bool {
        self.lock().calls.get(call).is_some_and(|record| record.is_live_with(agent))
    }

    /// Who has a call open, and what was whispered in it.
    pub fn colleagues(&self, call: &str) -> Option<Colleagues> {
        self.lock().calls.get(call).map(KnownCall::colleagues)
    }

    /// A supervisor opened a call on one feed more; whether it is their first.
    pub fn watch(&self, call: &str, who: &str) -> bool {
        let mut state = self.lock();
        let Some(record) = state.calls.get_mut(call) else { return true };
        let feeds = record.watchers.entry(who.to_owned()).or_default();
        *feeds += 1;
        *feeds == 1
    }

    /// A supervisor closed a call on one feed; whether it was their last.
    pub fn unwatch(&self, call: &str, who: &str) -> bool {
        let mut state = self.lock();
        let Some(record) = state.calls.get_mut(call) else { return true };
        let Some(feeds) = record.watchers.get_mut(who) else { return true };
        *feeds -= 1;
        *feeds == 0 && record.watchers.remove(who).is_some()
    }

    /// Forgets a call and its events, if they are known, and tells readers.
    pub fn erase(&self, view: &CallView) {
        let mut state = self.lock();
        state.drop_call(&view.call);
        state.ended.retain(|(id, _)| *id != view.call);
        let (team, queue) = (view.team.clone(), view.queue.clone());
        let _ = state.supervisors.send(FeedItem::Erased { call: view.call.clone(), team, queue });
    }

    /// No method panics half-way through a change that a later one could not bear, so a poisoned lock is used on.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a reader can go on after this cursor.
    fn remembers(&self, after: u64) -> bool {
        let unknown = (self.restored_to + 1)..self.began_at;
        (self.complete_from..=self.cursor).contains(&after) && !unknown.contains(&after)
    }

    fn call_event(&mut self, cursor: u64, event: Arc<Event>, settings: &config::Feeds, rule: BreakRule) {
        let before = self.calls.get(&event.call).map(|record| record.view.clone());
        let record = self.calls.entry(event.call.clone()).or_insert_with(KnownCall::new);
        record.view.apply(&event);
        record.agent_view.call.clone_from(&event.call);
        record.events.push_back(Arc::clone(&event));
        if record.events.len() > settings.call_events {
            record.events.pop_front();
        }
        self.cursor = cursor;
        let (team, queue) = (record.view.team.clone(), record.view.queue.clone());
        let json = to_json(&FeedEvent { event: &event, cursor });
        let agent = record.view.agent.clone();
        if matches!(event.kind, EventKind::CallStarted { .. } | EventKind::CallEnded { .. })
            && let Some(sender) = agent.as_ref().and_then(|agent| self.agents.get(agent))
        {
            // Nobody reading is no error.
            let _ = sender.send(AgentItem::Calls);
        }
        let load = agent.and_then(|agent| {
            let load = self.load(&agent, &event, rule)?;
            let item = FeedItem::Load { load, team: team.clone(), queue: queue.clone() };
            self.loads.entry(agent).or_default().told = Some(item.clone());
            Some(item)
        });
        let item = Arc::new(CallItem { cursor, event, team, queue, json });
        if matches!(item.event.kind, EventKind::CallEnded { .. }) {
            self.ended.push_back((item.event.call.clone(), Instant::now()));
        }
        self.history.push_back(Past { item: Arc::clone(&item), before });
        if self.history.len() > settings.history_events
            && let Some(oldest) = self.history.pop_front()
        {
            self.complete_from = self.complete_from.max(oldest.item.cursor);
        }
        // Nobody reading is no error.
        let _ = self.supervisors.send(FeedItem::Event(item));
        if let Some(load) = load {
            let _ = self.supervisors.send(load);
        }
    }

    fn load(&mut self, agent: &str, event: &Event, rule: BreakRule) -> Option<Load> {
        if self.loads.len() >= AGENTS && !self.loads.contains_key(agent) {
            return None;
        }
        self.loads.entry(agent.to_owned()).or_default().load.apply(agent, event, rule)
    }

    fn agent_views(&self, agent: &str) -> Vec<AgentView> {
        let records = self.calls.values().filter(|record| record.is_live_with(agent));
        records.map(|record| record.agent_view.clone()).collect()
    }

    fn agent_event(&mut self, event: Arc<Event>) {
        let Some(record) = self.calls.get_mut(&event.call) else { return };
        record.agent_view.apply(&event);
        if let EventKind::Whisper { from, text } = &event.kind {
            record.whispers.push_back(Whispered { from: from.clone(), text: text.clone(), t_ms: event.t_ms });
            if record.whispers.len() > WHISPERS {
                record.whispers.pop_front();
            }
        }
        if matches!(event.kind, EventKind::Whisper { .. } | EventKind::Watching { .. }) {
            let (team, queue) = (record.view.team.clone(), record.view.queue.clone());
            let colleagues = Arc::new(record.colleagues());
            let _ = self.supervisors.send(FeedItem::Colleagues { colleagues, team, queue });
        }
        if let Some(sender) = record.view.agent.as_ref().and_then(|agent| self.agents.get(agent)) {
            let _ = sender.send(AgentItem::Event(event));
        }
    }

    /// Forgets ended calls that are too many or too old.
    fn forget(&mut self, settings: &config::Feeds) {
        let age = Duration::from_secs(settings.ended_minutes.saturating_mul(60));
        while let Some((call, at)) = self.ended.front()
            && (self.ended.len() > settings.ended_calls || at.elapsed() > age)
        {
            let call = call.clone();
            self.ended.pop_front();
            self.drop_call(&call);
        }
    }

    fn drop_call(&mut self, call: &str) {
        self.calls.remove(call);
        self.history.retain(|past| past.item.event.call != call);
    }
}

impl KnownCall {
    fn new() -> Self {
        Self {
            view: CallView::default(),
            agent_view: AgentView::default(),
            events: VecDeque::new(),
            whispers: VecDeque::new(),
            watchers: BTreeMap::new(),
        }
    }

    fn colleagues(&self) -> Colleagues {
        Colleagues::new(&self.view.call, self.agent_view.watching.clone(), self.whispers.iter().cloned().collect())
    }

    fn is_live_with(&self, agent: &str) -> bool {
        self.view.ended.is_none() && self.view.agent.as_deref() == Some(agent)
    }
}

#[cfg(test)]
mod tests;
