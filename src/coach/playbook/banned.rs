//! What no line may say: data, checked when a playbook is loaded and once more when the slots of a line are filled.
//!
//! The list is shipped (`models/playbook/banned.toml`) and no file of one's own changes it: promises nobody may give,
//! what the customer never said, feelings and marks of the agent, contempt, abuse, hollow phrases.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{Pattern, Seen, WordLists};
use crate::terms::Lang;

/// What the shipped file is called. It stands among those of the playbook and is none of them.
pub const FILE_NAME: &str = "banned.toml";
const FILE: &str = include_str!("../../../models/playbook/banned.toml");

static CLAIMS: LazyLock<Claims> = LazyLock::new(|| match read(FILE) {
    Ok(claims) => claims,
    Err(error) => unreachable!("models/playbook/banned.toml, which a test reads: {error}"),
});

struct Claims {
    claims: Vec<Claim>,
    /// The words of all of them.
    words: WordLists,
}

/// One kind of claim that no line may make.
#[derive(Debug)]
pub struct Claim {
    pub id: String,
    /// What a line that makes it does: "promises what nobody may give".
    pub says: String,
    /// What to write instead.
    pub remedy: String,
    part: Part,
    filled: bool,
    /// Numbers of its lists of words.
    lists: BTreeMap<Lang, usize>,
}

/// Where in a line it is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    #[default]
    All,
    /// Outside the quotation marks.
    Advice,
    /// Inside them.
    Spoken,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClaim {
    id: String,
    says: String,
    remedy: String,
    #[serde(default)]
    part: Part,
    #[serde(default)]
    filled: bool,
    de: Vec<String>,
    en: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    claim: Vec<RawClaim>,
}

fn read(text: &str) -> Result<Claims, String> {
    let raw: Raw = toml::from_str(text).map_err(|error| error.to_string())?;
    let (mut claims, mut words) = (Vec::new(), Vec::new());
    for RawClaim { id, says, remedy, part, filled, de, en } in raw.claim {
        let mut lists = BTreeMap::new();
        for (lang, patterns) in [(Lang::De, de), (Lang::En, en)] {
            let read: Result<Vec<Pattern>, _> = patterns.iter().map(|pattern| Pattern::new(pattern)).collect();
            lists.insert(lang, words.len());
            words.push((format!("{id} {}", lang.as_str()), read.map_err(|error| error.to_string())?));
        }
        claims.push(Claim { id, says, remedy, part, filled, lists });
    }
    Ok(Claims { claims, words: WordLists::new(words) })
}

/// The claim that a phrasing makes by itself; its slots are passed over.
pub fn in_phrasing(lang: Lang, say: &str) -> Option<&'static Claim> {
    let line = Line::new(&without_slots(say));
    CLAIMS.claims.iter().find(|claim| claim.lists.get(&lang).is_some_and(|list| line.holds(*list, claim.part)))
}

/// The claim that a line makes with what was said in its slots, in whichever language; what was configured is to be
/// left out of it.
pub fn in_line(text: &str) -> Option<&'static Claim> {
    let line = Line::new(text);
    let made = |claim: &&Claim| claim.lists.values().any(|list| line.holds(*list, claim.part));
    CLAIMS.claims.iter().filter(|claim| claim.filled).find(made)
}

/// A line in lower case, and its parts.
struct Line {
    all: Words,
    advice: Words,
    spoken: Words,
}

/// Words in lower case, and what is seen of the claims in them.
#[derive(Default)]
struct Words {
    lower: String,
    seen: OnceCell<Seen>,
}

impl Line {
    fn new(text: &str) -> Self {
        let all = text.to_lowercase();
        // The English opening mark is the German closing one.
        let (open, close) = if all.contains('„') { ('„', '“') } else { ('“', '”') };
        let (mut advice, mut spoken) = (String::new(), String::new());
        let mut quoted = false;
        for c in all.chars() {
            match c {
                _ if !quoted && c == open => {
                    quoted = true;
                    advice.push('…');
                    spoken.push('\n');
                }
                _ if quoted && c == close => quoted = false,
                _ if quoted => spoken.push(c),
                _ => advice.push(c),
            }
        }
        let [all, advice, spoken] = [all, advice, spoken].map(|lower| Words { lower, ..Words::default() });
        Self { all, advice, spoken }
    }

    fn holds(&self, list: usize, part: Part) -> bool {
        let Words { lower, seen } = match part {
            Part::All => &self.all,
            Part::Advice => &self.advice,
            Part::Spoken => &self.spoken,
        };
        CLAIMS.words.found(list, seen.get_or_init(|| CLAIMS.words.look(lower)), lower)
    }
}

fn without_slots(say: &str) -> Cow<'_, str> {
    if !say.contains('{') {
        return Cow::Borrowed(say);
    }
    let mut out = String::with_capacity(say.len());
    let mut inside = false;
    for c in say.chars() {
        match c {
            '{' => {
                inside = true;
                out.push('…');
            }
            '}' => inside = false,
            _ if !inside => out.push(c),
            _ => {}
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caught(lang: Lang, say: &str) -> Option<&'static str> {
        in_phrasing(lang, say).map(|claim| claim.id.as_str())
    }

    #[test]
    fn every_kind_of_claim_is_caught_in_both_languages() {
        let said: [(&str, &[&str], &[&str]); 12] = [
            (
                "promise",
                &["„Das garantiere ich Ihnen.“", "„Das passiert nicht wieder.“", "„Sie bekommen Ihr Geld zurück.“"],
                &["“I promise.”", "“That won't happen again.”", "“We'll refund you.”", "“You're entitled to that.”"],
            ),
            (
                "gesture",
                &["„Darf ich Ihnen zehn Euro anbieten?“", "Einen Gutschein anbieten.", "„Das ist kostenlos.“"],
                &["“Can I offer you ten euros?”", "Offer a voucher.", "“That's £10 off.”"],
            ),
            (
                "time",
                &["„Ich rufe Sie morgen an.“", "„In zwei Stunden wissen wir mehr.“", "„Bis Freitag ist es da.“"],
                &["“I'll call you tomorrow.”", "“It takes effect within an hour.”", "“You'll hear by Friday.”"],
            ),
            (
                "invented",
                &["„Das geht seit drei Wochen so?“", "„Sie rufen zum dritten Mal an.“", "„Ihr Router streikt?“"],
                &["“It's been for three weeks?”", "“For the third time!”", "“Is it about your router?”"],
            ),
            (
                "blame",
                &["„Das war unser Fehler.“", "Wer zu spät zahlt, ist selbst schuld."],
                &["“That was our fault.”"],
            ),
            ("but", &["„Das tut mir leid, aber wir haben viel zu tun.“"], &["“I'm sorry, but we're busy.”"]),
            (
                "feelings",
                &["Sie klingen gestresst.", "Ihre Ungeduld ist zu hören."],
                &["You sound stressed.", "Watch your mood."],
            ),
            (
                "mark",
                &[
                    "Sie haben sich nicht entschuldigt.",
                    "8 von 10 Punkten.",
                    "Besser als gestern.",
                    "Das war unhöflich.",
                ],
                &["You forgot to apologise.", "Your score: 8.", "Better than yesterday.", "That was rude."],
            ),
            ("contempt", &["Ein schwieriger Kunde. Ruhig bleiben."], &["A difficult caller. Take it slowly."]),
            (
                "cliche",
                &["„Entschuldigen Sie die Unannehmlichkeiten.“", "Kopf hoch!", "„Das kann ich gut verstehen.“"],
                &["“We apologise for any inconvenience.”", "Chin up!", "“Please calm down.”"],
            ),
            ("abuse", &["„So ein Mistding.“", "„Verdammt ärgerlich.“"], &["“That's bloody annoying.”"]),
            (
                "",
                &["„Das tut mir leid.“ Aber nicht zu oft.", "Was Sie jetzt sagen, zählt."],
                &["“I'm sorry that {problem}.”"],
            ),
        ];
        let named: Vec<&str> = said.iter().map(|(id, ..)| *id).filter(|id| !id.is_empty()).collect();
        assert_eq!(
            named,
            CLAIMS.claims.iter().map(|claim| claim.id.as_str()).collect::<Vec<_>>(),
            "each has its examples"
        );
        for (id, german, english) in said {
            for (lang, says) in [(Lang::De, german), (Lang::En, english)] {
                for say in says {
                    assert_eq!(caught(lang, say), Some(id).filter(|id| !id.is_empty()), "{say}");
                }
            }
        }
    }

    #[test]
    fn slots_and_what_others_feel_are_no_claims() {
        assert_eq!(caught(Lang::De, "„Sie haben {wait} gewartet, das tut mir leid.“"), None);
        assert_eq!(caught(Lang::En, "“You're angry, and I can hear why.”"), None, "said to the customer");
        assert_eq!(caught(Lang::En, "You sound angry."), Some("feelings"), "said to the agent");
    }

    #[test]
    fn what_a_slot_brings_in_is_looked_at_too() {
        assert!(in_line("„Für den Ärger mit Ihrem Scheißrouter entschuldige ich mich.“").is_some());
        assert!(in_line("“I'm sorry about your router.”").is_none());
        assert!(in_line("„Um dreihundert Euro geht es also.“").is_none(), "the customer said so");
    }
}
