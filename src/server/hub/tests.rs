use super::*;
use crate::call::event::{CallSummary, Log};
use crate::coach::PromptState;
use crate::terms::Lang;

fn hub(change: impl FnOnce(&mut config::Feeds)) -> Hub {
    let mut settings = config::Feeds::default();
    change(&mut settings);
    Hub::new(settings, Arc::new(Metrics::new(None)), 0)
}

fn tell(hub: &Hub, events: Vec<Event>) {
    let mut position = hub.lock().cursor;
    let publications = events.into_iter().map(|mut event| {
        position += u64::from(event.log == Log::Call);
        event.durable = Some(false).filter(|_| event.log == Log::Call);
        Publication { position: (event.log == Log::Call).then_some(position), event }
    });
    hub.publish(publications.collect());
}

fn event(call: &str, log: Log, seq: u64, kind: EventKind) -> Event {
    Event { call: call.to_owned(), log, seq, at: String::new(), t_ms: seq * 100, kind, durable: None }
}

fn started(call: &str) -> Event {
    let kind = EventKind::CallStarted {
        agent: Some("a7".to_owned()),
        queue: None,
        team: Some("nord".to_owned()),
        language: Lang::De,
        rules: String::new(),
    };
    event(call, Log::Call, 1, kind)
}

fn ended(call: &str, seq: u64) -> Event {
    let kind = EventKind::CallEnded { reason: EndReason::Stop, summary: CallSummary::default() };
    event(call, Log::Call, seq, kind)
}

fn whispered(call: &str, seq: u64) -> Event {
    let kind = EventKind::Whisper { from: "s1".to_owned(), text: "hold on".to_owned() };
    event(call, Log::Agent, seq, kind)
}

#[test]
fn a_reader_gets_a_snapshot_and_then_what_follows() {
    let hub = hub(|_| {});
    tell(&hub, vec![started("c"), event("c", Log::Call, 2, EventKind::Hold)]);
    let mut reader = hub.subscribe(None);
    assert_eq!((reader.cursor, reader.calls[0].seq), (2, 2));
    tell(&hub, vec![event("c", Log::Call, 3, EventKind::Resumed)]);
    let Ok(FeedItem::Event(item)) = reader.items.try_recv() else { panic!("no event") };
    assert_eq!((item.cursor, item.event.seq), (3, 3));
    assert!(item.json.contains(r#""durable":false"#) && item.json.contains(r#""cursor":3"#), "{}", item.json);
}

#[test]
fn a_reader_that_comes_back_sees_the_calls_as_they_were() {
    let hub = hub(|_| {});
    tell(&hub, vec![started("c"), started("d"), event("c", Log::Call, 2, EventKind::Hold), ended("d", 2)]);
    let reader = hub.subscribe(Some(2));
    let seqs: Vec<_> = reader.calls.iter().map(|view| (view.call.as_str(), view.seq)).collect();
    assert_eq!(seqs, [("c", 1), ("d", 1)]);
    let missed: Vec<_> = reader.missed.iter().map(|item| (item.event.call.as_str(), item.event.seq)).collect();
    assert_eq!(missed, [("c", 2), ("d", 2)]);
    let from_the_start = hub.subscribe(Some(0));
    assert!(from_the_start.calls.is_empty());
    assert_eq!(from_the_start.missed.len(), 4);
}

#[test]
fn a_cursor_that_is_forgotten_or_foreign_gets_the_present() {
    let hub = hub(|settings| settings.history_events = 2);
    tell(
        &hub,
        vec![started("c"), event("c", Log::Call, 2, EventKind::Hold), event("c", Log::Call, 3, EventKind::Resumed)],
    );
    for after in [0, 99] {
        let reader = hub.subscribe(Some(after));
        assert_eq!((reader.cursor, reader.calls[0].seq, reader.missed.len()), (3, 3, 0), "after {after}");
    }
    assert_eq!(hub.subscribe(Some(1)).missed.len(), 2);
}

#[test]
fn the_agents_log_goes_to_that_agent_only() {
    let hub = hub(|_| {});
    tell(&hub, vec![started("c")]);
    let mut supervisor = hub.subscribe(None);
    let (views, mut own) = hub.subscribe_agent("a7");
    let (foreign_views, mut foreign) = hub.subscribe_agent("a8");
    assert_eq!((views.len(), foreign_views.len()), (1, 0));
    tell(&hub, vec![whispered("c", 1)]);
    assert!(matches!(own.try_recv(), Ok(AgentItem::Event(event)) if event.seq == 1));
    assert!(foreign.try_recv().is_err());
    let Ok(FeedItem::Colleagues { colleagues, .. }) = supervisor.items.try_recv() else { panic!("no whisper") };
    assert_eq!((colleagues.whispers[0].from.as_str(), colleagues.whispers[0].text.as_str()), ("s1", "hold on"));
    let prompt = EventKind::Prompt {
        id: "c:p1".to_owned(),
        practice: "001-6".to_owned(),
        text: "Breathe.".to_owned(),
        state: PromptState::Shown,
    };
    tell(&hub, vec![event("c", Log::Agent, 2, prompt)]);
    assert!(own.try_recv().is_ok() && supervisor.items.try_recv().is_err());
    assert_eq!(hub.events("c", 0, 9).unwrap().len(), 1);
}

#[test]
fn colleagues_see_the_last_whispers_and_who_looks() {
    let hub = hub(|_| {});
    assert_eq!(hub.colleagues("c"), None);
    tell(&hub, vec![started("c")]);
    let watching = |who: &str, on| EventKind::Watching { who: who.to_owned(), on };
    tell(&hub, vec![event("c", Log::Agent, 1, watching("s1", true)), event("c", Log::Agent, 2, watching("s2", true))]);
    tell(&hub, (3..40).map(|seq| whispered("c", seq)).collect());
    tell(&hub, vec![event("c", Log::Agent, 40, watching("s2", false))]);
    let seen = hub.colleagues("c").unwrap();
    assert_eq!((seen.watching.as_slice(), seen.whispers.len()), (&["s1".to_owned()][..], WHISPERS));
    assert_eq!(seen.whispers.last().unwrap().t_ms, 3_900);
}

#[test]
fn who_looks_on_two_screens_leaves_with_the_second() {
    let hub = hub(|_| {});
    tell(&hub, vec![started("c")]);
    assert_eq!([hub.watch("c", "s1"), hub.watch("c", "s1"), hub.watch("c", "s2")], [true, false, true]);
    assert_eq!([hub.unwatch("c", "s1"), hub.unwatch("c", "s2"), hub.unwatch("c", "s1")], [false, true, true]);
    assert!(hub.watch("c", "s1"));
}

#[test]
fn a_slow_reader_is_told() {
    let hub = hub(|settings| settings.behind_events = 2);
    tell(&hub, vec![started("c")]);
    let mut reader = hub.subscribe(None);
    for seq in 2..9 {
        tell(&hub, vec![event("c", Log::Call, seq, EventKind::Hold)]);
    }
    assert!(matches!(reader.items.try_recv(), Err(broadcast::error::TryRecvError::Lagged(_))));
}

#[test]
fn ended_calls_are_kept_for_a_while_and_can_be_erased() {
    let hub = hub(|settings| settings.ended_calls = 1);
    tell(&hub, vec![started("c")]);
    tell(&hub, vec![ended("c", 2), started("d"), ended("d", 2)]);
    assert!(hub.call("c").is_none() && hub.call("d").is_some());
    assert!(hub.subscribe(None).calls.is_empty());
    let mut reader = hub.subscribe(None);
    hub.erase(&hub.call("d").unwrap());
    assert!(hub.call("d").is_none() && hub.subscribe(Some(0)).missed.is_empty());
    assert!(matches!(reader.items.try_recv(), Ok(FeedItem::Erased { call, .. }) if call == "d"));
}

#[test]
fn a_dead_call_is_given_an_end() {
    let hub = hub(|_| {});
    tell(&hub, vec![started("c"), event("c", Log::Call, 2, EventKind::Hold)]);
    tell(&hub, hub.fault("c").into_iter().collect());
    let view = hub.call("c").unwrap();
    assert_eq!((view.seq, view.ended), (3, Some(EndReason::Fault)));
    assert_eq!(hub.fault("c"), None, "once");
}

#[test]
fn a_restart_continues_cursors_of_what_was_kept_and_of_nothing_else() {
    let logged = |events: Vec<(u64, Event)>, ended| Logged { agent_seq: 7, ended, events };
    let calls = [
        logged(vec![(101, started("c")), (103, event("c", Log::Call, 2, EventKind::Hold))], false),
        logged(vec![(102, started("d")), (104, ended("d", 2))], true),
    ];
    let hub = Hub::new(config::Feeds::default(), Arc::new(Metrics::new(None)), 1_000);
    hub.restore(&calls, 90);
    let fresh = hub.subscribe(None);
    assert_eq!((fresh.cursor, fresh.calls.len(), fresh.calls[0].seq), (1_000, 1, 2));
    assert_eq!(hub.subscribe_agent("a7").0[0].seq, 7, "the agent's numbers go on");
    tell(&hub, vec![event("c", Log::Call, 3, EventKind::Resumed)]);
    let missed = |after| {
        let reader = hub.subscribe(Some(after));
        let cursors: Vec<u64> = reader.missed.iter().map(|item| item.cursor).collect();
        (reader.cursor, cursors)
    };
    assert_eq!(missed(102), (102, vec![103, 104, 1_001]));
    assert_eq!(missed(90), (90, vec![101, 102, 103, 104, 1_001]));
    assert_eq!(missed(104), (104, vec![1_001]));
    assert_eq!(missed(1_000), (1_000, vec![1_001]));
    for unknown in [89, 105, 999, 1_002] {
        assert_eq!(missed(unknown), (1_001, Vec::new()), "{unknown}");
    }
}
