//! Every phrasing with every value.

use super::*;

/// Every phrasing with every kind of value its slots may hold: long and short, feminine, neuter, plural, titles.
#[test]
fn every_phrasing_can_be_read_with_every_value() {
    let things = [
        ("der Router", "Ihren Router", "Ihrem Router"),
        ("Ihre Rechnung", "Ihre Rechnung", "Ihrer Rechnung"),
        ("Ihr Paket", "Ihr Paket", "Ihrem Paket"),
        ("Ihre Möbel", "Ihre Möbel", "Ihren Möbeln"),
    ];
    let names = ["Frau Keller", "Herrn Dr. Jan Weber", "Frau Prof. Anna von Berg", "Müller-Lüdenscheidt"];
    for lang in [Lang::De, Lang::En] {
        for (what, what_acc, what_dat) in things {
            for name in names {
                let mut slots = slots::Slots::default();
                for slot in slots::SLOTS {
                    slots.set(slot, "zwölf lange Wochen");
                }
                slots.set("what", what);
                slots.set("what_acc", what_acc);
                slots.set("what_dat", what_dat);
                slots.know_name(lang, name);
                let rules = SHIPPED.for_queue(None);
                let phrases = rules
                    .practices
                    .iter()
                    .flat_map(|p| p.say.get(&lang).into_iter().chain(p.say_supervisor.get(&lang)));
                for phrase in phrases.flatten() {
                    let asks_name =
                        phrase.parts.iter().any(|p| matches!(p, playbook::Part::Slot { name, .. } if name == "name"));
                    let Some(text) = slots.fill(phrase) else {
                        assert!(asks_name && slots.get("name").is_none(), "too long or unfilled: {phrase:?}");
                        continue;
                    };
                    assert!(text.chars().count() <= slots::MAX_CHARS, "{text}");
                    let (open, close) = if lang == Lang::De { ('„', '“') } else { ('“', '”') };
                    assert_eq!(text.matches(open).count(), text.matches(close).count(), "{text}");
                    let first = text.trim_start_matches(open).chars().next();
                    assert!(first.is_some_and(|c| !c.is_lowercase()), "begins with a capital: {text}");
                    assert!(!text.contains("  ") && !text.contains("..") && !text.contains(" ,"), "{text}");
                }
            }
        }
    }
}
