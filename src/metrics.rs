//! All counters, gauges and histograms of the program, in one place.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, text::encode};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::stt::SpeechQueue;

/// End of an utterance to its assessment, in seconds. The aim is hangover + 0.5 s; finer around it.
const DELAY_BUCKETS_S: [f64; 14] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0];

/// Name of the one label of a family.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Kind {
    pub kind: &'static str,
}

/// Trigger of a prompt to the screen, in seconds: most of it is waiting for the agent's pause.
const WAIT_BUCKETS_S: [f64; 10] = [0.05, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 20.0, 30.0];

/// Words to prompt, in seconds. The aim is 0.05 s; finer below it.
const PROCESSING_BUCKETS_S: [f64; 11] = [0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5];

/// Commit of a batch of events, in seconds.
const COMMIT_BUCKETS_S: [f64; 11] = [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0];

/// What the journal counts; clones share their values.
#[derive(Debug, Clone)]
pub struct JournalMetrics {
    pub commit_s: Histogram,
    /// Entries on the disk.
    pub written: Counter,
    /// Events told before they were on the disk.
    pub not_durable: Counter,
    /// Events that will never be on the disk.
    pub lost: Counter,
    /// Writes that failed.
    pub failures: Counter,
    /// Entries waiting for the disk.
    pub waiting: Gauge<i64, AtomicI64>,
    /// Age of the oldest of them.
    pub lag_ms: Gauge<i64, AtomicI64>,
    /// 1 while events are durable before readers know them.
    pub up: Gauge<i64, AtomicI64>,
}

/// Name of a webhook, the one label of a family.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Receiver {
    pub webhook: String,
}

/// Event to its receiver, in seconds: most take as long as one request.
const DELIVERY_BUCKETS_S: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3_600.0, 86_400.0];

/// What the webhooks count.
#[derive(Debug, Clone)]
pub struct WebhookMetrics {
    /// Messages their receivers took.
    pub sent: Family<Receiver, Counter>,
    /// Attempts that failed.
    pub failures: Family<Receiver, Counter>,
    /// Messages given up.
    pub dead: Family<Receiver, Counter>,
    /// Messages waiting in memory.
    pub waiting: Family<Receiver, Gauge<i64, AtomicI64>>,
    /// Event to its receiver.
    pub delay_s: Histogram,
    /// Times that what a receiver has could not be kept.
    pub unsaved: Counter,
}

impl Default for WebhookMetrics {
    fn default() -> Self {
        Self {
            sent: Family::default(),
            failures: Family::default(),
            dead: Family::default(),
            waiting: Family::default(),
            delay_s: Histogram::new(DELIVERY_BUCKETS_S),
            unsaved: Counter::default(),
        }
    }
}

impl WebhookMetrics {
    fn register(&self, registry: &mut Registry) {
        registry.register("webhook_sent", "Messages their receivers took", self.sent.clone());
        registry.register("webhook_failures", "Attempts that failed", self.failures.clone());
        registry.register("webhook_dead", "Messages given up", self.dead.clone());
        registry.register("webhook_waiting", "Messages waiting in memory", self.waiting.clone());
        registry.register_with_unit("webhook_delay", "Event to its receiver", Unit::Seconds, self.delay_s.clone());
        registry.register("webhook_unsaved", "Times a receiver's state could not be kept", self.unsaved.clone());
    }
}

impl Default for JournalMetrics {
    fn default() -> Self {
        Self {
            commit_s: Histogram::new(COMMIT_BUCKETS_S),
            written: Counter::default(),
            not_durable: Counter::default(),
            lost: Counter::default(),
            failures: Counter::default(),
            waiting: Gauge::default(),
            lag_ms: Gauge::default(),
            up: Gauge::default(),
        }
    }
}

impl JournalMetrics {
    fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "journal_commit",
            "Writing a batch of events to the disk",
            Unit::Seconds,
            self.commit_s.clone(),
        );
        registry.register("journal_written", "Entries written to the journal", self.written.clone());
        registry.register("journal_not_durable", "Events told before they were on the disk", self.not_durable.clone());
        registry.register("journal_lost_events", "Events that will never be in the journal", self.lost.clone());
        registry.register("journal_failures", "Writes to the journal that failed", self.failures.clone());
        registry.register("journal_waiting", "Entries waiting for the disk", self.waiting.clone());
        registry.register("journal_lag_milliseconds", "Age of the oldest entry waiting", self.lag_ms.clone());
        registry.register("journal_up", "1 while events are durable before they are told", self.up.clone());
    }
}

/// Everything counted; clones of the handles inside share their values.
pub struct Metrics {
    registry: Registry,
    /// The one that matters.
    pub speech_to_assessment_s: Histogram,
    /// Trigger of a prompt to the screen. Not by practice: in a small house that would be nearly a figure of one agent.
    pub prompt_wait_s: Histogram,
    /// What set a prompt off, handed to its call, to the prompt handed to the journal: processing alone.
    pub prompt_processing_s: Histogram,
    /// Live calls.
    pub calls: Gauge<i64, AtomicI64>,
    pub calls_started: Counter,
    /// By end reason.
    pub calls_ended: Family<Kind, Counter>,
    /// Calls resumed within the grace time.
    pub calls_resumed: Counter,
    /// Panics in a call's task.
    pub faults: Counter,
    /// Open connections of all kinds.
    pub connections: Gauge<i64, AtomicI64>,
    /// Open sockets by kind: media, transcripts, supervisor, agent.
    pub sockets: Family<Kind, Gauge<i64, AtomicI64>>,
    /// Sockets and requests turned away, by code.
    pub refused: Family<Kind, Counter>,
    /// By type.
    pub events: Family<Kind, Counter>,
    /// Audio taken in, in milliseconds, of all channels.
    pub audio_ms: Counter<u64, AtomicU64>,
    /// Readers that fell behind and got a snapshot.
    pub feed_lagged: Counter,
    /// Events those readers missed.
    pub feed_missed: Counter,
    /// Readers dropped because they did not read.
    pub feed_dropped: Counter,
    pub journal: JournalMetrics,
    pub webhooks: WebhookMetrics,
}

impl Metrics {
    /// All at zero. `speech` is asked for its own counters whenever the page is read.
    pub fn new(speech: Option<SpeechQueue>) -> Self {
        let mut registry = Registry::with_prefix("ruhepol");
        let metrics = Self {
            registry: Registry::default(),
            speech_to_assessment_s: Histogram::new(DELAY_BUCKETS_S),
            prompt_wait_s: Histogram::new(WAIT_BUCKETS_S),
            prompt_processing_s: Histogram::new(PROCESSING_BUCKETS_S),
            calls: Gauge::default(),
            calls_started: Counter::default(),
            calls_ended: Family::default(),
            calls_resumed: Counter::default(),
            faults: Counter::default(),
            connections: Gauge::default(),
            sockets: Family::default(),
            refused: Family::default(),
            events: Family::default(),
            audio_ms: Counter::default(),
            feed_lagged: Counter::default(),
            feed_missed: Counter::default(),
            feed_dropped: Counter::default(),
            journal: JournalMetrics::default(),
            webhooks: WebhookMetrics::default(),
        };
        registry.register_with_unit(
            "speech_to_assessment",
            "End of a customer's utterance to its assessment event",
            Unit::Seconds,
            metrics.speech_to_assessment_s.clone(),
        );
        registry.register_with_unit(
            "prompt_wait",
            "Trigger of a prompt to the screen",
            Unit::Seconds,
            metrics.prompt_wait_s.clone(),
        );
        registry.register_with_unit(
            "prompt_processing",
            "Words handed to a call to the prompt handed to the journal",
            Unit::Seconds,
            metrics.prompt_processing_s.clone(),
        );
        registry.register("calls", "Live calls", metrics.calls.clone());
        registry.register("calls_started", "Calls started", metrics.calls_started.clone());
        registry.register("calls_ended", "Calls ended, by reason", metrics.calls_ended.clone());
        registry.register("calls_resumed", "Calls whose lost connection came back", metrics.calls_resumed.clone());
        registry.register("faults", "Calls ended by a fault of ours", metrics.faults.clone());
        registry.register("connections", "Open connections", metrics.connections.clone());
        registry.register("sockets", "Open sockets, by kind", metrics.sockets.clone());
        registry.register("refused", "Requests and sockets turned away, by code", metrics.refused.clone());
        registry.register("events", "Events, by type", metrics.events.clone());
        registry.register("audio_milliseconds", "Audio taken in, all channels", metrics.audio_ms.clone());
        registry.register("feed_lagged", "Readers that fell behind", metrics.feed_lagged.clone());
        registry.register("feed_missed_events", "Events those readers missed", metrics.feed_missed.clone());
        registry.register("feed_dropped", "Readers that did not read", metrics.feed_dropped.clone());
        metrics.journal.register(&mut registry);
        metrics.webhooks.register(&mut registry);
        if let Some(queue) = speech {
            registry.register_collector(Box::new(SpeechCollector { queue }));
        }
        Self { registry, ..metrics }
    }

    /// The page a Prometheus server reads (OpenMetrics text).
    pub fn page(&self) -> String {
        let mut page = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut page, &self.registry);
        page
    }

    /// Counts one refusal.
    pub fn refuse(&self, code: &'static str) {
        self.refused.get_or_create(&Kind { kind: code }).inc();
    }
}

/// The speech queue counts for itself; this reads it for the page.
#[derive(Debug)]
struct SpeechCollector {
    queue: SpeechQueue,
}

impl Collector for SpeechCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let stats = self.queue.stats();
        let mut counter = |name: &str, help: &str, value: f64| {
            let metric = ConstCounter::new(value);
            let place = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(place)
        };
        counter("speech_submitted", "Segments of speech cut out", stats.submitted as f64)?;
        counter("speech_transcribed", "Segments that became text", stats.transcribed as f64)?;
        counter("speech_nothing", "Segments in which nothing was said", stats.nothing as f64)?;
        counter("speech_dropped_deadline", "Segments that waited too long", stats.dropped_deadline as f64)?;
        counter("speech_dropped_overload", "Segments shed from a full queue", stats.dropped_overload as f64)?;
        counter("speech_dropped_failed", "Segments the engine failed on", stats.dropped_failed as f64)?;
        counter("speech_dropped_shutting_down", "Segments dropped at shutdown", stats.dropped_shutting_down as f64)?;
        counter("speech_undelivered", "Transcripts whose call had gone", stats.undelivered as f64)?;
        counter("speech_restarts", "Times a worker started anew", stats.restarts as f64)?;
        counter("speech_retried", "Segments tried once more after their worker failed", stats.retried as f64)?;
        counter("speech_hung", "Transcription processes killed because they gave no answer", stats.hung as f64)?;
        counter("speech_busy_seconds", "Time spent on transcription", stats.busy_s)?;
        counter("speech_audio_seconds", "Speech transcribed", stats.audio_s)?;
        let mut gauge = |name: &str, help: &str, value: f64| {
            let metric = ConstGauge::new(value);
            let place = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(place)
        };
        gauge("speech_waiting", "Segments waiting for transcription", stats.depth as f64)?;
        gauge("speech_workers", "Transcription workers there should be", stats.workers as f64)?;
        gauge("speech_workers_up", "Transcription workers that can read now", stats.workers_up as f64)?;
        let rtf = if stats.audio_s > 0.0 { stats.busy_s / stats.audio_s } else { 0.0 };
        gauge("speech_real_time_factor", "Time per second of speech, since the start", rtf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_what_was_counted() {
        let metrics = Metrics::new(None);
        metrics.refuse("busy");
        metrics.calls.inc();
        metrics.speech_to_assessment_s.observe(0.45);
        let page = metrics.page();
        assert!(page.contains("ruhepol_refused_total{kind=\"busy\"} 1"), "{page}");
        assert!(page.contains("ruhepol_calls 1"), "{page}");
        assert!(page.contains("ruhepol_speech_to_assessment_seconds_bucket{le=\"0.5\"} 1"), "{page}");
        assert!(page.trim_end().ends_with("# EOF"), "{page}");
    }
}
