//! Figures and traces for an OpenTelemetry collector, by OTLP over HTTP with JSON bodies (OTLP specification 1.x,
//! opentelemetry.io/docs/specs/otlp). Written out here rather than through the SDK: two kinds of messages are all there is.
//!
//! Figures are those of `/metrics`. A trace is one call: its span, the spans from the end of a customer's words to their
//! assessment, and its alerts as events of the span. No words, no agents, no customers: queue, team, times and kinds.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{info, warn};

use crate::call::event::{Event, EventKind, parse_rfc3339};
use crate::config::{Telemetry, is_private, seconds};
use crate::metrics::Metrics;
use crate::server::hub::FeedItem;
use crate::server::keys::secret;
use crate::terms::Channel;
use crate::wall_clock::unix_ms;
use crate::wire::hex::hex;

/// Spans that may wait for the collector; more are dropped and counted.
const SPANS_MAX: usize = 2_048;

/// Calls whose span is open; calls beyond have none.
const CALLS_MAX: usize = 10_000;

/// Alerts told in one span.
const ALERTS_MAX: usize = 32;

/// How long the collector may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Counters since the start of the process (`AGGREGATION_TEMPORALITY_CUMULATIVE`).
const CUMULATIVE: u8 = 2;

/// Sends to a collector.
pub struct Exporter {
    settings: Telemetry,
    endpoint: String,
    client: reqwest::Client,
    node: String,
    started_ms: u64,
    spans: Vec<Value>,
    calls: HashMap<String, Open>,
    dropped: u64,
    failing: bool,
}

/// A call that is running.
struct Open {
    trace: String,
    span: String,
    started_ms: u64,
    attributes: Vec<Value>,
    alerts: Vec<Value>,
    /// Wall clock of the end of the customer's last words.
    said_ms: Option<u64>,
}

impl Exporter {
    /// `None` without an endpoint.
    ///
    /// # Errors
    /// The endpoint or the file of headers cannot be used; the message says why.
    pub fn new(settings: &Telemetry, node: &str) -> std::io::Result<Option<Self>> {
        let wrong = |problem: String| std::io::Error::new(std::io::ErrorKind::InvalidInput, problem);
        let Some(endpoint) = &settings.endpoint else { return Ok(None) };
        if !is_private(endpoint) {
            return Err(wrong(format!(
                "`telemetry.endpoint`: {endpoint} is not https, which it must be but on this machine"
            )));
        }
        let mut headers = HeaderMap::new();
        if let Some(path) = &settings.headers_file {
            for line in secret("telemetry.headers_file", path)?.lines() {
                let pair = line.split_once(':').and_then(|(name, value)| {
                    let mut value = HeaderValue::from_str(value.trim()).ok()?;
                    value.set_sensitive(true);
                    Some((HeaderName::from_bytes(name.trim().as_bytes()).ok()?, value))
                });
                let remedy = "`telemetry.headers_file`: a line is not `Name: value`";
                let (name, value) = pair.ok_or_else(|| wrong(remedy.to_owned()))?;
                headers.insert(name, value);
            }
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .default_headers(headers)
            .build()
            .map_err(|error| wrong(format!("`telemetry.endpoint` cannot be reached from here: {error}")))?;
        Ok(Some(Self {
            settings: settings.clone(),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            client,
            node: node.to_owned(),
            started_ms: unix_ms(),
            spans: Vec::new(),
            calls: HashMap::new(),
            dropped: 0,
            failing: false,
        }))
    }

    /// Sends for as long as the server runs.
    pub async fn run(mut self, metrics: Arc<Metrics>, mut items: broadcast::Receiver<FeedItem>) {
        let mut ticks = interval(seconds(self.settings.interval_s));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let begun = Instant::now();
        loop {
            tokio::select! {
                item = items.recv() => match item {
                    Ok(FeedItem::Event(item)) if self.settings.traces => {
                        self.hear(&item.event, item.team.as_deref(), item.queue.as_deref());
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                now = ticks.tick() => {
                    if now.saturating_duration_since(begun) >= seconds(self.settings.interval_s) {
                        self.send(&metrics.page()).await;
                    }
                }
            }
        }
    }

    async fn send(&mut self, page: &str) {
        let resource = json!({ "attributes": [text("service.name", "ruhepol"), text("service.instance.id", &self.node),
            text("service.version", env!("CARGO_PKG_VERSION"))] });
        let scope = json!({ "name": "ruhepol", "version": env!("CARGO_PKG_VERSION") });
        let mut result = Ok(());
        if self.settings.metrics {
            let metrics = metrics(page, self.started_ms, unix_ms());
            let body = json!({ "resourceMetrics": [{ "resource": resource, "scopeMetrics": [{ "scope": scope, "metrics": metrics }] }] });
            result = self.post("/v1/metrics", &body).await;
        }
        if !self.spans.is_empty() && result.is_ok() {
            let spans = std::mem::take(&mut self.spans);
            let body = json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "scope": scope, "spans": spans }] }] });
            result = self.post("/v1/traces", &body).await;
        }
        match result {
            Err(why) if !self.failing => {
                warn!(why, "the collector does not take figures and traces; trying again");
                self.failing = true;
            }
            Ok(()) if std::mem::take(&mut self.failing) => {
                info!(dropped = std::mem::take(&mut self.dropped), "the collector takes figures and traces again");
            }
            _ => {}
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Result<(), String> {
        let request = self.client.post(format!("{}{path}", self.endpoint)).header("content-type", "application/json");
        let sent = request.body(body.to_string()).send().await;
        let response = sent.map_err(|error| error.without_url().to_string())?;
        if response.status().is_success() { Ok(()) } else { Err(format!("answered {}", response.status().as_u16())) }
    }

    /// Folds in an event of a call's log.
    fn hear(&mut self, event: &Event, team: Option<&str>, queue: Option<&str>) {
        let now_ms = parse_rfc3339(&event.at).unwrap_or_else(unix_ms);
        if let EventKind::CallStarted { .. } = &event.kind {
            if self.calls.len() < CALLS_MAX {
                self.calls.insert(event.call.clone(), Open::new(event, now_ms, team, queue));
            }
            return;
        }
        let Some(open) = self.calls.get_mut(&event.call) else { return };
        match &event.kind {
            EventKind::Utterance { channel: Channel::Customer, end_ms, .. } => {
                open.said_ms = Some(now_ms.saturating_sub(event.t_ms.saturating_sub(*end_ms)));
            }
            EventKind::Assessment { level, .. } => {
                if let Some(said_ms) = open.said_ms.take() {
                    let attributes = vec![number("ruhepol.level", u64::from(*level))];
                    let span = open.span(
                        "speech_to_assessment",
                        &span_id(event),
                        Some(&open.span),
                        said_ms,
                        now_ms,
                        attributes,
                    );
                    self.keep(span);
                }
            }
            EventKind::Alert { state, kind, .. } if open.alerts.len() < ALERTS_MAX => {
                let state = serde_json::to_value(state).ok().and_then(|name| name.as_str().map(str::to_owned));
                let attributes =
                    [text("ruhepol.kind", kind.as_str()), text("ruhepol.state", &state.unwrap_or_default())];
                open.alerts.push(json!({ "timeUnixNano": nanos(now_ms), "name": "alert", "attributes": attributes }));
            }
            EventKind::CallEnded { reason, summary } => {
                if let Some(mut open) = self.calls.remove(&event.call) {
                    let reason = serde_json::to_value(reason).ok().and_then(|name| name.as_str().map(str::to_owned));
                    let mut attributes = std::mem::take(&mut open.attributes);
                    attributes.push(text("ruhepol.end_reason", &reason.unwrap_or_default()));
                    attributes.push(number("ruhepol.alerts", u64::from(summary.alerts)));
                    attributes.push(number("ruhepol.speech_dropped", u64::from(summary.speech_dropped)));
                    attributes.push(number("ruhepol.peak_level", u64::from(summary.peak_level)));
                    let mut span = open.span("call", &open.span, None, open.started_ms, now_ms, attributes);
                    span["events"] = Value::Array(open.alerts);
                    self.keep(span);
                }
            }
            _ => {}
        }
    }

    fn keep(&mut self, span: Value) {
        if self.spans.len() < SPANS_MAX {
            self.spans.push(span);
        } else {
            self.dropped += 1;
        }
    }
}

impl Open {
    fn new(event: &Event, now_ms: u64, team: Option<&str>, queue: Option<&str>) -> Self {
        let trace = hex(&Sha256::digest(format!("{} {}", event.call, event.at))[..16]);
        let names = [("ruhepol.team", team), ("ruhepol.queue", queue)];
        let attributes = names.into_iter().filter_map(|(name, value)| Some(text(name, value?))).collect();
        Self { trace, span: span_id(event), started_ms: now_ms, attributes, alerts: Vec::new(), said_ms: None }
    }

    fn span(
        &self,
        name: &str,
        id: &str,
        parent: Option<&str>,
        from_ms: u64,
        to_ms: u64,
        attributes: Vec<Value>,
    ) -> Value {
        // Kind 1: internal.
        let mut span = json!({ "traceId": self.trace, "spanId": id, "name": name, "kind": 1,
            "startTimeUnixNano": nanos(from_ms), "endTimeUnixNano": nanos(to_ms.max(from_ms)), "attributes": attributes });
        if let Some(parent) = parent {
            span["parentSpanId"] = Value::from(parent);
        }
        span
    }
}

/// The same for the same event, whoever tells it.
fn span_id(event: &Event) -> String {
    hex(&Sha256::digest(format!("{} {} {}", event.call, event.seq, event.at))[..8])
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// Whole numbers are text in OTLP's JSON, as in all of Protocol Buffers'.
fn number(key: &str, value: u64) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}

fn nanos(ms: u64) -> String {
    ms.saturating_mul(1_000_000).to_string()
}

/// The page of `/metrics` (OpenMetrics text, our own and thus of known form) as OTLP metrics.
fn metrics(page: &str, started_ms: u64, now_ms: u64) -> Vec<Value> {
    let mut families: Vec<(String, String, Vec<Sample>)> = Vec::new();
    for line in page.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            if let Some((name, kind)) = declared.split_once(' ') {
                families.push((name.to_owned(), kind.to_owned(), Vec::new()));
            }
        } else if !line.starts_with('#')
            && let Some((_, _, samples)) = families.last_mut()
        {
            samples.extend(Sample::read(line));
        }
    }
    let (start, now) = (nanos(started_ms), nanos(now_ms));
    let point = |sample: &Sample| json!({ "startTimeUnixNano": start, "timeUnixNano": now, "asDouble": sample.value, "attributes": sample.attributes(None) });
    families
        .into_iter()
        .filter(|(.., samples)| !samples.is_empty())
        .map(|(name, kind, samples)| match kind.as_str() {
            "counter" => {
                let points: Vec<Value> = samples.iter().map(point).collect();
                json!({ "name": name, "sum": { "dataPoints": points, "aggregationTemporality": CUMULATIVE, "isMonotonic": true } })
            }
            "histogram" => {
                json!({ "name": name, "histogram": { "dataPoints": histograms(&name, &samples, &start, &now), "aggregationTemporality": CUMULATIVE } })
            }
            _ => {
                let points: Vec<Value> = samples.iter().map(point).collect();
                json!({ "name": name, "gauge": { "dataPoints": points } })
            }
        })
        .collect()
}

/// One line of the page.
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Sample {
    /// `name{label="value",…} 1.5`; label values hold no quotes and commas but escaped ones, which ours never have.
    fn read(line: &str) -> Option<Self> {
        let (head, value) = line.rsplit_once(' ')?;
        let (name, labels) = head.split_once('{').unwrap_or((head, ""));
        let labels = labels.trim_end_matches('}').split("\",").filter_map(|label| {
            let (name, value) = label.split_once("=\"")?;
            Some((name.to_owned(), value.trim_end_matches('"').to_owned()))
        });
        Some(Self { name: name.to_owned(), labels: labels.collect(), value: value.parse().ok()? })
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn attributes(&self, without: Option<&str>) -> Vec<Value> {
        let kept = self.labels.iter().filter(|(name, _)| Some(name.as_str()) != without);
        kept.map(|(name, value)| text(name, value)).collect()
    }
}

/// The data points of a histogram: one for each set of labels beside `le`. Its buckets there count all below, here each
/// its own.
fn histograms(name: &str, samples: &[Sample], start: &str, now: &str) -> Vec<Value> {
    let mut points: Vec<(Vec<Value>, Map<String, Value>, f64)> = Vec::new();
    for sample in samples {
        let attributes = sample.attributes(Some("le"));
        let at = points.iter().position(|(known, ..)| *known == attributes).unwrap_or_else(|| {
            let point = json!({ "startTimeUnixNano": start, "timeUnixNano": now, "attributes": attributes, "bucketCounts": [], "explicitBounds": [] });
            points.push((attributes, point.as_object().cloned().unwrap_or_default(), 0.0));
            points.len() - 1
        });
        let (_, point, below) = &mut points[at];
        let push = |point: &mut Map<String, Value>, list: &str, value: Value| {
            if let Some(Value::Array(items)) = point.get_mut(list) {
                items.push(value);
            }
        };
        match sample.name.strip_prefix(name) {
            Some("_sum") => drop(point.insert("sum".to_owned(), Value::from(sample.value))),
            Some("_count") => drop(point.insert("count".to_owned(), Value::from((sample.value as u64).to_string()))),
            Some("_bucket") => {
                let own = (sample.value - *below).max(0.0) as u64;
                *below = sample.value;
                push(point, "bucketCounts", Value::from(own.to_string()));
                if let Some(bound) =
                    sample.label("le").and_then(|le| le.parse::<f64>().ok()).filter(|le| le.is_finite())
                {
                    push(point, "explicitBounds", Value::from(bound));
                }
            }
            _ => {}
        }
    }
    points.into_iter().map(|(_, point, _)| Value::Object(point)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_metrics_becomes_points() {
        let counted = Metrics::new(None);
        counted.refuse("busy");
        counted.calls.inc();
        counted.speech_to_assessment_s.observe(0.45);
        counted.speech_to_assessment_s.observe(99.0);
        let metrics = metrics(&counted.page(), 1, 2);
        let find = |name: &str| metrics.iter().find(|metric| metric["name"] == name).unwrap();
        let refused = &find("ruhepol_refused")["sum"]["dataPoints"][0];
        assert_eq!((&refused["asDouble"], &refused["attributes"]), (&json!(1.0), &json!([text("kind", "busy")])));
        assert_eq!(find("ruhepol_calls")["gauge"]["dataPoints"][0]["asDouble"], 1.0);
        let delay = &find("ruhepol_speech_to_assessment_seconds")["histogram"]["dataPoints"][0];
        let (bounds, counts) = (delay["explicitBounds"].as_array().unwrap(), delay["bucketCounts"].as_array().unwrap());
        assert_eq!(counts.len(), bounds.len() + 1, "{delay}");
        let at = bounds.iter().position(|bound| *bound == 0.5).unwrap();
        assert_eq!((&counts[at], &counts[bounds.len()], &delay["count"]), (&json!("1"), &json!("1"), &json!("2")));
    }
}
