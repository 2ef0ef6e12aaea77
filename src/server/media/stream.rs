//! What a socket has brought and its call has not taken yet.

use std::collections::VecDeque;

use tokio::sync::mpsc::error::TrySendError;

use super::facts::late_facts;
use crate::audio::Decoder;
use crate::server::mailbox::{CallHandle, MediaInput, SocketId};
use crate::terms::Channel;
use crate::wire::phone::Action;

/// Audio is decoded and handed over in slices of this many bytes, so that one large frame neither holds up the
/// other sockets nor fills a call's queue.
const SLICE_BYTES: usize = 16 << 10;

/// A place in a call.
pub(super) struct Stream {
    pub handle: CallHandle,
    pub socket: SocketId,
    /// Each stream of audio with its channels.
    decoders: Vec<(Decoder, Vec<Channel>)>,
    /// What the call has not taken yet, in order: a call that is busy must not keep the socket from its answers.
    waiting: VecDeque<Action>,
    /// Their weight.
    pub waiting_bytes: usize,
    /// The same, decoded.
    ready: VecDeque<MediaInput>,
    /// `stop` was said.
    pub stopped: bool,
}

impl Stream {
    pub fn new(handle: CallHandle, socket: SocketId, decoders: Vec<(Decoder, Vec<Channel>)>) -> Self {
        let (waiting, ready) = (VecDeque::new(), VecDeque::new());
        Self { handle, socket, decoders, waiting, waiting_bytes: 0, ready, stopped: false }
    }

    /// Puts in line what concerns the call.
    pub fn queue(&mut self, action: Action) {
        if self.stopped {
            return;
        }
        self.stopped = action == Action::Stop;
        self.waiting_bytes += weight(&action);
        self.waiting.push_back(action);
    }

    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty() || !self.ready.is_empty()
    }

    /// Hands over as much as the call takes at once.
    pub fn hand_over(&mut self) {
        while self.has_waiting() {
            match self.handle.media.clone().try_reserve_owned() {
                Ok(place) => {
                    if let Some(input) = self.next_input() {
                        place.send(input);
                    }
                }
                Err(TrySendError::Full(_)) => return,
                // A call that has gone says so, or has said so, through the inbox.
                Err(TrySendError::Closed(_)) => {
                    self.waiting.clear();
                    self.ready.clear();
                    self.waiting_bytes = 0;
                }
            }
        }
    }

    /// Hands over everything, waiting for places.
    pub async fn hand_over_all(&mut self) {
        while let Some(input) = self.next_input() {
            self.handle.bring(input).await;
        }
    }

    /// What the call is to be told next. Audio is decoded here, a slice at a time.
    fn next_input(&mut self) -> Option<MediaInput> {
        while self.ready.is_empty() {
            match self.waiting.pop_front()? {
                Action::Audio { stream, mut bytes } => {
                    let slice = bytes.split_to(bytes.len().min(SLICE_BYTES));
                    self.waiting_bytes -= slice.len();
                    if !bytes.is_empty() {
                        self.waiting.push_front(Action::Audio { stream, bytes });
                    }
                    let Some((decoder, channels)) = self.decoders.get_mut(stream) else { continue };
                    let mut lanes = vec![Vec::new(); channels.len()];
                    decoder.push(&slice, &mut lanes);
                    self.ready.push_back(MediaInput::Audio { socket: self.socket, lanes: named(channels, lanes) });
                }
                other => {
                    self.waiting_bytes -= weight(&other);
                    let cuts = [Action::Hold, Action::Flush, Action::Stop];
                    if cuts.contains(&other) || matches!(other, Action::Skip { .. } | Action::Resume { .. }) {
                        self.finish_audio();
                    }
                    self.ready.extend(self.input(other));
                }
            }
        }
        self.ready.pop_front()
    }

    /// What the decoders' filters still hold: two milliseconds that belong before what comes next.
    pub fn finish_audio(&mut self) {
        for (decoder, channels) in &mut self.decoders {
            let mut lanes = vec![Vec::new(); channels.len()];
            decoder.finish(&mut lanes);
            if lanes.iter().any(|lane| !lane.is_empty()) {
                self.ready.push_back(MediaInput::Audio { socket: self.socket, lanes: named(channels, lanes) });
            }
        }
    }

    fn input(&self, action: Action) -> Option<MediaInput> {
        let socket = self.socket;
        Some(match action {
            Action::Skip { stream, duration_ms } => {
                let (_, channels) = self.decoders.get(stream)?;
                MediaInput::Skip { socket, channels: channels.clone(), duration_ms }
            }
            Action::Utterance { channel, span, text } => MediaInput::Utterance { channel, span, text },
            Action::Hold => MediaInput::Hold,
            Action::Resume { skipped_ms } => MediaInput::Resume { socket, skipped_ms },
            Action::Consent { given } => MediaInput::Consent { given },
            Action::Facts(facts) => MediaInput::Facts(late_facts(&facts)),
            Action::Language(lang) => MediaInput::Language(lang),
            Action::Flush => MediaInput::Flush { socket },
            Action::Stop => MediaInput::Stop { socket },
            Action::Start(_) | Action::Audio { .. } | Action::Send(_) | Action::Close { .. } | Action::Refuse(..) => {
                return None;
            }
        })
    }
}

/// About what an action takes of memory while it waits, in bytes.
fn weight(action: &Action) -> usize {
    match action {
        Action::Audio { bytes, .. } => bytes.len(),
        Action::Utterance { text, .. } => 64 + text.len(),
        Action::Facts(_) => 4_096,
        _ => 64,
    }
}

fn named(channels: &[Channel], lanes: Vec<Vec<f32>>) -> Vec<(Channel, Vec<f32>)> {
    channels.iter().copied().zip(lanes).collect()
}
