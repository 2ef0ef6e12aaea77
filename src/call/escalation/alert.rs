//! An alert while it is open, and its states as they are told.

use thiserror::Error;

use super::Rule;
use crate::call::view;
use crate::terms::{AlertKind, AlertState, Band};

/// A new state of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertChange {
    /// From 1, in the order alerts were raised in this call.
    pub id: u32,
    /// Unfrozen call time.
    pub t_ms: u64,
    pub state: AlertState,
    pub kind: AlertKind,
    /// One sentence for a supervisor, in the call's language.
    pub reason: String,
    /// The customer's words that prove it, at most 160 characters; none when an alert is cleared.
    pub quote: Option<String>,
    /// Unfrozen call time until which a snoozed alert is silent.
    pub until_ms: Option<u64>,
    /// What the person who dismissed it gave as reason.
    pub note: Option<String>,
    pub rule: Rule,
}

/// A command that fits no open alert. The caller tells its sender.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AlertError {
    /// No such alert was ever raised in this call.
    #[error("alert {id} does not exist in this call: take the id from an alert event")]
    Unknown { id: u32 },
    /// It was cleared or dismissed already.
    #[error("alert {id} is over: only an open alert can be acknowledged, snoozed or dismissed")]
    Over { id: u32 },
    #[error("an alert cannot be snoozed until {until_ms} ms, the call is at {now_ms} ms: give a later time")]
    UntilPassed { until_ms: u64, now_ms: u64 },
}

/// The alert that is open now.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenAlert {
    /// From 1, in the order alerts were raised in this call.
    pub id: u32,
    /// `Raised`, `RaisedHigher`, `Acknowledged` or `Snoozed`.
    pub state: AlertState,
    pub kind: AlertKind,
    /// One sentence for a supervisor.
    pub reason: String,
    /// The customer's words that prove it, at most 160 characters.
    pub quote: String,
    /// Unfrozen call time when it was raised.
    pub raised_ms: u64,
    /// Unfrozen call time until which it is snoozed.
    pub until_ms: Option<u64>,
    /// Every kind it was raised for, or would have been.
    pub(super) told: Vec<AlertKind>,
    /// The highest band the call was in when it was told.
    pub(super) band_told: Band,
    /// Since when the level has been too low for it.
    pub(super) below_since_ms: Option<u64>,
}

/// An alert that would be raised but for a rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub kind: AlertKind,
    pub reason: String,
    pub quote: String,
}

impl OpenAlert {
    pub(super) fn raised(id: u32, candidate: Candidate, t_ms: u64, band: Band) -> Self {
        Self {
            id,
            state: AlertState::Raised,
            kind: candidate.kind,
            reason: candidate.reason,
            quote: candidate.quote,
            raised_ms: t_ms,
            until_ms: None,
            told: vec![candidate.kind],
            band_told: band,
            below_since_ms: None,
        }
    }

    /// The alert that readers saw last, for calls taken up from their log.
    pub(super) fn adopted(id: u32, seen: view::OpenAlert, t_ms: u64, band: Band) -> Self {
        // A snooze of which the end is not known is over: better told twice than never.
        let snoozed = seen.state == AlertState::Snoozed;
        Self {
            id,
            state: seen.state,
            kind: seen.kind,
            reason: seen.reason,
            quote: seen.quote.unwrap_or_default(),
            raised_ms: seen.since_ms.min(t_ms),
            until_ms: snoozed.then_some(t_ms),
            told: vec![seen.kind],
            band_told: band,
            below_since_ms: None,
        }
    }

    pub(super) fn is_danger(&self) -> bool {
        self.told.iter().any(|kind| matches!(kind, AlertKind::Act(kind) if kind.is_danger()))
    }

    pub(super) fn raise_higher(&mut self, candidate: Candidate, band: Band) {
        self.state = AlertState::RaisedHigher;
        self.until_ms = None;
        self.kind = candidate.kind;
        self.reason = candidate.reason;
        self.quote = candidate.quote;
        self.band_told = self.band_told.max(band);
        if !self.told.contains(&candidate.kind) {
            self.told.push(candidate.kind);
        }
    }

    pub(super) fn change(&self, t_ms: u64, rule: Rule) -> AlertChange {
        AlertChange {
            id: self.id,
            t_ms,
            state: self.state,
            kind: self.kind,
            reason: self.reason.clone(),
            quote: Some(self.quote.clone()).filter(|quote| !quote.is_empty()),
            until_ms: self.until_ms,
            note: None,
            rule,
        }
    }
}
