//! Which calls live, and which open socket carries which of their channels.
//!
//! The register decides who may start, join or continue a call. It is asked under one short lock; the calls
//! themselves live in their own tasks (`session`).

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::call::Facts;
use crate::server::mailbox::{CallHandle, Mailboxes, SocketId, mailboxes};
use crate::terms::Channel;
use crate::wire::Refusal;

/// Ids of ended calls remembered, so that a used one becomes `ID~2`.
const USED_IDS: usize = 20_000;

/// The register. One per server.
#[derive(Debug)]
pub struct Calls {
    limit: usize,
    state: Mutex<State>,
    /// Told whenever a socket or a call has gone.
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    live: HashMap<String, Live>,
    /// How often an id was used, for ids used before.
    used: HashMap<String, u32>,
    /// Keys of `used`, oldest first.
    used_order: VecDeque<String>,
    next_socket: u64,
    /// No new calls.
    closed: bool,
}

#[derive(Debug)]
struct Live {
    handle: CallHandle,
    sockets: Vec<(SocketId, Vec<Channel>)>,
    /// Channels whose socket broke and did not come back.
    lost: Vec<Channel>,
    /// Stopped: only what is in flight is still awaited.
    ending: bool,
    /// What the phone system said of the call; in no log, and gone with the call.
    facts: Facts,
}

/// A place in a call, reserved.
#[derive(Debug)]
pub struct Reserved {
    pub handle: CallHandle,
    pub socket: SocketId,
    /// This continues a call whose connection was lost.
    pub resumed: bool,
    /// The other ends, if the call is new: its task has to be started with them.
    pub new: Option<Mailboxes>,
}

impl Calls {
    /// An empty register for at most `limit` calls at once.
    pub fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default(), freed: Notify::new() }
    }

    /// Reserves channels of a call: of a live one, or of a new one.
    pub fn reserve(&self, id: &str, channels: &[Channel]) -> Result<Reserved, Refusal> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refusal::ShuttingDown);
        }
        state.next_socket += 1;
        let socket = SocketId(state.next_socket);
        let current = state.current_id(id);
        if let Some(live) = state.live.get_mut(&current).filter(|live| !live.ending) {
            if live.sockets.iter().any(|(_, held)| conflict(held, channels)) {
                return Err(Refusal::CallExists);
            }
            let resumed = live.sockets.is_empty() || live.lost.iter().any(|lost| channels.contains(lost));
            live.lost.retain(|lost| !channels.contains(lost));
            live.sockets.push((socket, channels.to_vec()));
            return Ok(Reserved { handle: live.handle.clone(), socket, resumed, new: None });
        }
        if state.live.len() >= self.limit {
            return Err(Refusal::Busy);
        }
        let call = state.fresh_id(id);
        let (handle, mailboxes) = mailboxes(&call);
        let sockets = vec![(socket, channels.to_vec())];
        let live = Live { handle: handle.clone(), sockets, lost: Vec::new(), ending: false, facts: Facts::default() };
        state.live.insert(call, live);
        Ok(Reserved { handle, socket, resumed: false, new: Some(mailboxes) })
    }

    /// Takes up a call of before a restart: no socket carries it, and any may come back.
    pub fn restore(&self, call: &str) -> Mailboxes {
        let (handle, mailboxes) = mailboxes(call);
        let lost = vec![Channel::Customer, Channel::Agent, Channel::Mixed];
        let live = Live { handle, sockets: Vec::new(), lost, ending: false, facts: Facts::default() };
        self.lock().live.insert(call.to_owned(), live);
        mailboxes
    }

    /// Remembers ids used before a restart, oldest first.
    pub fn remember(&self, ids: &[String]) {
        let mut state = self.lock();
        for id in ids.iter().rev().take(USED_IDS).rev() {
            state.remember(id);
        }
    }

    /// Waits until a place may have become free since this was called.
    pub fn freed(&self) -> Notified<'_> {
        self.freed.notified()
    }

    /// A socket has left. True if it was the last one; with `stopped` that ends the call, and no other can join.
    pub fn release(&self, call: &str, socket: SocketId, stopped: bool) -> bool {
        let mut state = self.lock();
        let Some(live) = state.live.get_mut(call) else { return true };
        if let Some(index) = live.sockets.iter().position(|(id, _)| *id == socket) {
            let (_, channels) = live.sockets.swap_remove(index);
            if !stopped {
                live.lost.extend(channels);
            }
        }
        let last = live.sockets.is_empty();
        live.ending |= last && stopped;
        drop(state);
        self.freed.notify_waiters();
        last
    }

    /// Ends a call nobody carries any more; false if a socket has come back.
    pub fn end_if_alone(&self, call: &str) -> bool {
        let mut state = self.lock();
        let Some(live) = state.live.get_mut(call) else { return true };
        live.ending |= live.sockets.is_empty();
        live.ending
    }

    /// Ends a call whoever carries it: nobody can join any more.
    pub fn end(&self, call: &str) {
        if let Some(live) = self.lock().live.get_mut(call) {
            live.ending = true;
        }
        self.freed.notify_waiters();
    }

    /// The call's task is over.
    pub fn remove(&self, call: &str) {
        self.lock().live.remove(call);
    }

    /// The way into a live call.
    pub fn find(&self, call: &str) -> Option<CallHandle> {
        self.lock().live.get(call).map(|live| live.handle.clone())
    }

    /// What the phone system said of a live call, at its start or later.
    pub fn learn(&self, call: &str, facts: &Facts) {
        if let Some(live) = self.lock().live.get_mut(call) {
            live.facts.merge(facts);
        }
    }

    /// All that was said of a live call.
    pub fn facts(&self, call: &str) -> Option<Facts> {
        self.lock().live.get(call).map(|live| live.facts.clone())
    }

    /// Refuses everything new from now on.
    pub fn close(&self) {
        self.lock().closed = true;
    }

    /// Live calls.
    pub fn len(&self) -> usize {
        self.lock().live.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a new call would be taken.
    pub fn has_room(&self) -> bool {
        let state = self.lock();
        !state.closed && state.live.len() < self.limit
    }

    /// No method leaves the state half-changed, so a poisoned lock is used on.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// `c~2` is the second use of `c`, and may be an id of its own.
    fn remember(&mut self, id: &str) {
        let (base, times) = match id.rsplit_once('~') {
            Some((base, times)) => (base, times.parse().unwrap_or(1)),
            None => (id, 1),
        };
        for (id, times) in [(base, times), (id, 1)] {
            match self.used.get_mut(id) {
                Some(used) => *used = times.max(*used),
                None => {
                    self.used.insert(id.to_owned(), times);
                    self.used_order.push_back(id.to_owned());
                }
            }
        }
        self.forget();
    }

    fn forget(&mut self) {
        while self.used_order.len() > USED_IDS
            && let Some(oldest) = self.used_order.pop_front()
        {
            self.used.remove(&oldest);
        }
    }

    /// The id the latest call of this id goes by.
    fn current_id(&self, id: &str) -> String {
        match self.used.get(id) {
            None | Some(1) => id.to_owned(),
            Some(times) => format!("{id}~{times}"),
        }
    }

    /// An id no call has had, as far as is remembered.
    fn fresh_id(&mut self, id: &str) -> String {
        let mut times = self.used.get(id).copied().unwrap_or(0);
        let fresh = loop {
            times += 1;
            let fresh = if times == 1 { id.to_owned() } else { format!("{id}~{times}") };
            if times == 1 || (!self.used.contains_key(&fresh) && !self.live.contains_key(&fresh)) {
                break fresh;
            }
        };
        if self.used.insert(id.to_owned(), times).is_none() {
            self.used_order.push_back(id.to_owned());
        }
        self.forget();
        fresh
    }
}

/// `mixed` carries what any other channel could carry.
fn conflict(held: &[Channel], wanted: &[Channel]) -> bool {
    let mixed = |channels: &[Channel]| channels.contains(&Channel::Mixed);
    mixed(held) || mixed(wanted) || held.iter().any(|channel| wanted.contains(channel))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Channel::{Agent, Customer, Mixed};

    #[test]
    fn a_call_exists_while_a_socket_holds_the_channel() {
        let calls = Calls::new(9);
        let first = calls.reserve("c", &[Customer]).unwrap();
        assert!(first.new.is_some());
        assert_eq!(calls.reserve("c", &[Customer, Agent]).unwrap_err(), Refusal::CallExists);
        assert_eq!(calls.reserve("c", &[Mixed]).unwrap_err(), Refusal::CallExists);
        let second = calls.reserve("c", &[Agent]).unwrap();
        assert!(second.new.is_none() && !second.resumed);
        assert_eq!(calls.len(), 1);
    }

    #[test]
    fn a_lost_connection_may_come_back() {
        let calls = Calls::new(9);
        let first = calls.reserve("c", &[Customer, Agent]).unwrap();
        assert!(calls.release("c", first.socket, false));
        let again = calls.reserve("c", &[Customer]).unwrap();
        assert!(again.resumed && again.new.is_none());
        assert!(calls.reserve("c", &[Agent]).unwrap().resumed, "the other lost channel, too");
        assert!(!calls.end_if_alone("c"));
    }

    #[tokio::test]
    async fn a_place_that_becomes_free_is_told() {
        let calls = Calls::new(9);
        let first = calls.reserve("c", &[Customer]).unwrap();
        let freed = calls.freed();
        assert_eq!(calls.reserve("c", &[Customer]).unwrap_err(), Refusal::CallExists);
        calls.release("c", first.socket, false);
        freed.await;
        assert!(calls.reserve("c", &[Customer]).unwrap().resumed);
    }

    #[test]
    fn an_ended_id_gets_a_number() {
        let calls = Calls::new(9);
        let first = calls.reserve("c", &[Customer]).unwrap();
        assert!(calls.release("c", first.socket, true));
        let second = calls.reserve("c", &[Customer]).unwrap();
        assert_eq!(second.handle.call, "c~2");
        calls.remove("c");
        assert_eq!(calls.reserve("c", &[Customer]).unwrap_err(), Refusal::CallExists, "c is c~2 now");
        calls.release("c~2", second.socket, true);
        calls.remove("c~2");
        assert_eq!(calls.reserve("c", &[Customer]).unwrap().handle.call, "c~3");
    }

    #[test]
    fn a_stop_of_one_of_two_leaves_the_call_open() {
        let calls = Calls::new(9);
        let customer = calls.reserve("c", &[Customer]).unwrap();
        let agent = calls.reserve("c", &[Agent]).unwrap();
        assert!(!calls.release("c", agent.socket, true));
        assert!(!calls.reserve("c", &[Agent]).unwrap().resumed);
        assert!(!calls.release("c", customer.socket, true));
    }

    #[test]
    fn full_and_closed_registers_refuse() {
        let calls = Calls::new(1);
        calls.reserve("a", &[Customer]).unwrap();
        assert_eq!(calls.reserve("b", &[Customer]).unwrap_err(), Refusal::Busy);
        assert!(calls.reserve("a", &[Agent]).is_ok(), "joining needs no slot");
        calls.close();
        assert_eq!(calls.reserve("a", &[Agent]).unwrap_err(), Refusal::ShuttingDown);
    }

    #[test]
    fn a_restart_remembers_ids_and_live_calls() {
        let calls = Calls::new(9);
        calls.remember(&["c".to_owned(), "c~2".to_owned(), "live".to_owned()]);
        assert_eq!(calls.reserve("c", &[Customer]).unwrap().handle.call, "c~3");
        let _mailboxes = calls.restore("live");
        let back = calls.reserve("live", &[Customer, Agent]).unwrap();
        assert!(back.resumed && back.new.is_none() && back.handle.call == "live");
        assert_eq!(calls.reserve("new", &[Customer]).unwrap().handle.call, "new");
    }

    #[test]
    fn memory_of_used_ids_is_bounded() {
        let calls = Calls::new(usize::MAX);
        for number in 0..USED_IDS + 10 {
            let id = format!("c{number}");
            let reserved = calls.reserve(&id, &[Customer]).unwrap();
            calls.release(&id, reserved.socket, true);
            calls.remove(&id);
        }
        assert_eq!(calls.lock().used.len(), USED_IDS);
    }
}
