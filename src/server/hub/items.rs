//! What readers get from the hub.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::call::event::Event;
use crate::call::view::CallView;
use crate::wire::feed::{Colleagues, Load};

/// What supervisors' feeds carry.
#[derive(Clone)]
pub enum FeedItem {
    Event(Arc<CallItem>),
    Load {
        load: Load,
        team: Option<String>,
        queue: Option<String>,
    },
    /// For those who have the call open.
    Colleagues {
        colleagues: Arc<Colleagues>,
        team: Option<String>,
        queue: Option<String>,
    },
    /// A call was erased: whoever shows it forgets it.
    Erased {
        call: String,
        team: Option<String>,
        queue: Option<String>,
    },
}

/// What an agent's feed carries.
#[derive(Clone)]
pub enum AgentItem {
    Event(Arc<Event>),
    /// A call of theirs began or ended, which their own log does not say: time for a snapshot.
    Calls,
}

/// An event of a call's log with what is needed to decide who may see it.
pub struct CallItem {
    pub cursor: u64,
    pub event: Arc<Event>,
    pub team: Option<String>,
    pub queue: Option<String>,
    /// As sent to readers who may see all words.
    pub json: String,
}

/// Where a reader starts.
pub struct Subscription {
    pub cursor: u64,
    pub calls: Vec<CallView>,
    /// Events since the snapshot, for a reader that named a cursor we still remember.
    pub missed: Vec<Arc<CallItem>>,
    /// The loads as they stand.
    pub loads: Vec<FeedItem>,
    pub items: broadcast::Receiver<FeedItem>,
}
