//! One receiver's task: what is next, one attempt, and the pause after one that failed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tracing::{error, info, warn};

use super::message::{Item, signature};
use super::{Sources, Target};
use crate::call::event::parse_rfc3339;
use crate::metrics::Metrics;
use crate::wall_clock::{unix_ms, unix_s};

/// Events read from the journal at a time.
const PAGE: usize = 100;

/// First pause after a failure; each further one doubles it.
const PAUSE: Duration = Duration::from_secs(1);

/// Longest pause: a receiver that is back is noticed within a minute.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Longest pause a receiver may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// How often a journal that cannot be read is tried.
const JOURNAL: Duration = Duration::from_secs(1);

/// Why the receiver does not have an event.
struct Failure {
    why: String,
    /// It will never take this one.
    for_good: bool,
    /// As it asked.
    retry_after: Option<Duration>,
}

pub(super) async fn run(sources: Sources, target: Arc<Target>) {
    loop {
        let next = target.lock().outbox.next().map(|(item, _)| item.clone());
        match next {
            Some(item) => attempt(&sources.metrics, &target, item).await,
            None => look_for_more(&sources, &target).await,
        }
        target.count(&sources.metrics);
    }
}

/// Reads on in the journal, or waits for the next event.
async fn look_for_more(sources: &Sources, target: &Target) {
    let after = target.lock().outbox.wants_more();
    let Some(after) = after else {
        target.wake.notified().await;
        return;
    };
    // Before reading: what comes into the journal afterwards also comes live.
    let is_up = sources.journal.is_up();
    let kinds: Vec<&'static str> = target.settings.events.iter().map(|event| event.as_str()).collect();
    match sources.journal.read(move |reader| reader.of_kinds(&kinds, after, PAGE)).await {
        Ok(Some(found)) => {
            let is_all = is_up && found.len() < PAGE;
            let is_stuck = !is_up && found.is_empty();
            let items = found.into_iter().map(|(position, event, view)| Item {
                position,
                event,
                agent: view.agent,
                queue: view.queue,
                team: view.team,
                lang: view.language.unwrap_or(sources.lang),
            });
            let items: Vec<Item> = items.collect();
            let last = items.last().map(|item| item.position);
            let wanted =
                items.into_iter().filter(|item| target.wants(&item.event, item.team.as_deref(), item.queue.as_deref()));
            let mut wanted: Vec<Item> = wanted.collect();
            wanted.iter_mut().for_each(|item| target.prepare(item));
            target.lock().outbox.refill(wanted, last, is_all);
            if is_stuck {
                wait(target, JOURNAL).await;
            }
        }
        Ok(None) => target.lock().outbox.give_up_reading(),
        Err(_) => wait(target, JOURNAL).await,
    }
}

/// Waits for the time or for a live event.
async fn wait(target: &Target, time: Duration) {
    // Either is as good.
    let _ = timeout(time, target.wake.notified()).await;
}

async fn attempt(all: &Metrics, target: &Target, item: Item) {
    let metrics = &all.webhooks;
    let name = &target.settings.name;
    let place = item.position;
    let made_ms = parse_rfc3339(&item.event.at).unwrap_or(0);
    let started = Instant::now();
    match send(target, &item).await {
        Ok(()) => {
            metrics.sent.get_or_create(&target.label()).inc();
            metrics.delay_s.observe(unix_ms().saturating_sub(made_ms) as f64 / 1e3);
            let recovered = {
                let mut state = target.lock();
                state.outbox.done(place);
                state.error = None;
                std::mem::take(&mut state.failures) > 0
            };
            if recovered {
                info!(webhook = name, "the receiver takes messages again");
            }
            target.save(all).await;
        }
        Err(failure) => {
            metrics.failures.get_or_create(&target.label()).inc();
            let too_old = unix_ms().saturating_sub(made_ms) >= target.settings.give_up_s.saturating_mul(1_000);
            let (failures, buried) = {
                let mut state = target.lock();
                state.error = Some(failure.why.clone());
                if failure.for_good || too_old {
                    state.outbox.bury(place, failure.why.clone());
                } else {
                    state.outbox.failed(place);
                }
                // A message that is refused says nothing about the next one.
                state.failures = state.failures.saturating_add(u32::from(!failure.for_good));
                (state.failures, failure.for_good || too_old)
            };
            if failures == 1 && !failure.for_good {
                warn!(webhook = name, why = failure.why, "the receiver does not take messages; trying again");
            }
            if buried {
                metrics.dead.get_or_create(&target.label()).inc();
                let (call, seq) = (&item.event.call, item.event.seq);
                error!(webhook = name, call, seq, why = failure.why, "a message is given up: a dead letter");
                target.save(all).await;
            }
            if !failure.for_good {
                let pause = failure.retry_after.unwrap_or_else(|| pause(failures, jitter()));
                sleep(pause.saturating_sub(started.elapsed().min(pause / 2))).await;
            }
        }
    }
}

/// One attempt.
async fn send(target: &Target, item: &Item) -> Result<(), Failure> {
    let id = item.id(&target.node);
    let body = item.body(&target.node, target.template.as_ref());
    let now_s = unix_s();
    let mut request = target
        .client
        .post(target.url.clone())
        .header("content-type", "application/json")
        .header("webhook-id", &id)
        .header("idempotency-key", &id)
        .header("webhook-timestamp", now_s);
    if !target.keys.is_empty() {
        request = request.header("webhook-signature", signature(&target.keys, &id, now_s, &body));
    }
    let later = |why: String| Failure { why, for_good: false, retry_after: None };
    let response = request.body(body).send().await.map_err(|error| later(told(&error, target.settings.timeout_s)))?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let retry_after = retry_after.map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
    if status.is_redirection() {
        return Err(later(format!("answered {}: redirections are not followed; set the new address", status.as_u16())));
    }
    // These speak of the message, all others of the receiver or of the way there.
    let for_good = matches!(status.as_u16(), 400 | 405 | 406 | 411 | 413 | 414 | 415 | 422 | 431);
    Err(Failure { why: format!("answered {}", status.as_u16()), for_good, retry_after })
}

/// What went wrong on the way, without the address.
fn told(error: &reqwest::Error, timeout_s: u64) -> String {
    if error.is_connect() {
        "cannot be connected to".to_owned()
    } else if error.is_timeout() {
        format!("did not answer within {timeout_s} s")
    } else {
        "broke the connection off".to_owned()
    }
}

/// The pause after so many failures in a row; `jitter` (0 to 1) spreads those of several servers.
fn pause(failures: u32, jitter: f64) -> Duration {
    let doubled = PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(6)).min(PAUSE_MAX);
    doubled.mul_f64(0.5 + jitter / 2.0)
}

/// Between 0 and 1. Without random numbers all would wait alike, no more.
fn jitter() -> f64 {
    let mut bytes = [0_u8; 2];
    let _ = getrandom::fill(&mut bytes);
    f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_never_agree() {
        assert_eq!(pause(1, 1.0), Duration::from_secs(1));
        assert_eq!(pause(1, 0.0), Duration::from_millis(500));
        assert_eq!(pause(4, 1.0), Duration::from_secs(8));
        assert_eq!(pause(7, 1.0), PAUSE_MAX);
        assert_eq!(pause(u32::MAX, 1.0), PAUSE_MAX);
        assert!((0.0..=1.0).contains(&jitter()));
    }
}
