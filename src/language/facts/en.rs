//! English.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::gate::{Gate, Seen, may_spell};
use super::{FactKind, Possible, Raw, Shared, pattern, sentences, shared, squeeze};

/// Things people call about, singular; compounds are found by their last word ("washing machine").
const NOUN: &str = r"(?:(?:washing|coffee|credit|debit|sim|internet|broadband|phone|mobile|gas|electricity|energy|water|direct|replacement|customer|online|final|last|first|second)\s+)*(?:delivery|order|parcel|package|shipment|invoice|bill|router|modem|internet|broadband|connection|wifi|wi-fi|phone|telephone|landline|line|refund|payment|contract|account|card|machine|dishwasher|fridge|freezer|boiler|heating|tv|television|laptop|computer|printer|tablet|appointment|engineer|technician|driver|ticket|booking|reservation|flight|subscription|meter|password|replacement|insurance|policy|claim|reminder|cancellation|application|app|website|debit|deposit|sofa|bed|mattress|table|chair|lamp|oven|cooker|heater|suitcase|voucher|battery|charger|callback|repair|confirmation|part)";

static THING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(r"(?i)\b(my|our|the|this|a|an)\s+(?:(?:new|old|brand new|whole|entire)\s+)?({NOUN})\b"))
});

const NUMBER: &str = r"(?:\d+(?:,\d{3})*(?:\.\d+)?|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand)(?:(?:[ -]| and )(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand))*)";

static FOR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\bfor\s+((?:(?:over|more than|almost|nearly|about|at least)\s+)?(?:{NUMBER}|an|a|several|a few|half an)\s+(?:whole\s+)?(?:minutes?|hours?|days?|weeks?|months?|years?)|(?:days|weeks|months|ages|hours)(?:\s+now)?)\b"
    ))
});

static SINCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bsince\s+((?:last|this)\s+(?:week|month|year|night|morning|monday|tuesday|wednesday|thursday|friday|saturday|sunday)|yesterday(?:\s+(?:morning|afternoon|evening))?|the day before yesterday|(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|june|july|august|september|october|november|december|christmas|easter)|the\s+\w+(?:th|st|nd|rd|first|second|third)(?:\s+of\s+\w+)?)\b",
    )
});

static WAITED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\b(?:waiting|waited|on hold|in (?:the|your) queue)\s+({NUMBER}|an|half an)\s+(minutes?|hours?|days?|weeks?|months?)\b"
    ))
});

static HARMLESS_DURATION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(customer|member|with you|loyal|married|lived|living|retired|on holiday|on vacation|worked|known|lawyer|insured|happy)\b",
    )
});

static ON_THE_LINE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(wait\w*|on hold|holding|queue|on (?:the|this) (?:line|phone)|get through|hanging on|music)\b")
});

static NTH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:(?:for\s+)?(?:the|my)\s+|now\s+)(?:now\s+)?(second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|umpteenth)\s+(?:(time|call|attempt)|(?:phone\s+)(call))\b",
    )
});

static TIMES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:called|phoned|rung|rang|written|emailed|contacted|asked|explained|complained|reported|spoken|told)\b[^.!?]{0,40}?\b(twice|three times|four times|five times|six times|seven times|several times|many times|repeatedly|\d times)\b",
    )
});

static CONTACT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(call\w*|ring\w*|phon\w*|writ\w*|email\w*|contact\w*|ask\w*|explain\w*|report\w*|complain\w*)\b")
});

static AMOUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)(?:\b{NUMBER}\s+(?:euros?|pounds?|dollars?|quid)\b(?:\s+{NUMBER}\b)?|[€£$]\s?\d+(?:,\d{{3}})*(?:\.\d\d)?)"
    ))
});

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:[Mm]y name is|[Mm]y name's|[Tt]his is (?:Mr|Mrs|Ms|Miss|Dr)\.?|[Ii]t's (?:Mr|Mrs|Ms|Miss|Dr)\.?)(?: (Mr|Mrs|Ms|Miss|Dr)\.?)? ([A-Z][a-z]+(?:[-'][A-Z]?[a-z]+)?(?: [A-Z][a-z]+(?:[-'][A-Z]?[a-z]+)?)?)",
    )
});

/// First name and surname behind a greeting: "Hi, Tom Aldridge, my meter …", "Good afternoon, Oliver. Margaret Ellison.";
/// or said as such: "it's Moira Kelly", "name's Duggan".
static NAME_OPENING: LazyLock<Regex> = LazyLock::new(|| {
    const NAME: &str = r"[A-Z][a-z]+(?:[-'][A-Z]?[a-z]+)?";
    pattern(&format!(
        r"(?:^(?:[Hh]i|[Hh]ello|[Hh]iya|(?:[Gg]ood )?(?:[Mm]orning|[Aa]fternoon|[Ee]vening))(?:[,.!] {NAME})?[,.!] (?:[Ii]t's |[Tt]his is )?{NAME} ({NAME})[,.]|\b[Nn]ame's (?:{NAME} )?({NAME})\b|\b[Ii]t's {NAME} ({NAME})[,.])"
    ))
});

static TITLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(Mr|Mrs|Ms|Miss|Dr)\.?\s"));

static DATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:(?:on|by|until|next|this coming)\s+(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)|(?:the\s+)?\w+(?:th|st|nd|rd|first|second|third)\s+of\s+(?:january|february|march|april|may|june|july|august|september|october|november|december)|(?:january|february|march|april|june|july|august|september|october|november|december)\s+(?:the\s+)?(?:\d{1,2}(?:th|st|nd|rd)?|\w+(?:th|st|first|second|third))|\d{1,2}/\d{1,2}(?:/\d{2,4})?)\b",
    )
});

static DIGITS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:[A-Z]{2}\s?\d{2}(?:\s?[A-Z0-9]{4}){2,7}|\d(?:[ /-]?\d){3,}|(?:(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple|\d)[\s,]+){3,}(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|\d))\b",
    )
});

static SPELLED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(?:[A-Z]\s+(?:for|as in)\s+[A-Z]?[a-z]+|(?:[A-Z][\s,.-]+){3,}[A-Z])\b"));

static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b[\w.+-]+@[\w-]+\.[a-z]{2,}\b|\b[\w.+-]+\s+at\s+[\w-]+\s+dot\s+(?:com|net|org|uk|co|de|ie)\b")
});

const FILL: &str =
    r"(?:(?:just|simply|now|currently|apparently|really|actually|completely|totally|obviously|clearly)\s+)*";

static STATE_REST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)^\s*(is|was|'s|has been)\s+{FILL}((?:still|already|once again|again)\s+)?{FILL}(not working|not here|not right|broken|down|missing|late|wrong|damaged|faulty|dead|too high|gone|empty|delayed|blocked|locked|cut off|too slow|cancelled|lost|scratched|leaking|overdue)(\s+again)?\b"
    ))
});

static NOT_REST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)^\s+{FILL}((?:still\s+)?(?:isn't|is not|doesn't|does not|hasn't|has not|won't|didn't|did not|wasn't|was not|has never|never|keeps|kept)(?:\s+been)?(?:\s+even)?)\s+(working|work|arrived|arrive|come through|come|came|shown up|show up|showed up|turned up|turn up|been delivered|delivered|been fixed|fixed|been refunded|refunded|been paid|paid|been processed|switch on|turn on|connect|charge|print|breaking down|breaking|dropping|cutting out|crashing)\b( properly| again| anymore| at all)?"
    ))
});

static BROKE_REST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)^\s+(?:has\s+)?{FILL}(?:just\s+)?(stopped working|broke down|broken down|broke|never arrived|never came|never turned up|went missing|went down|gone missing)(\s+again)?\b"
    ))
});

static WAITING_FOR: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(?:waiting|waited)\b[^.!?]{0,30}?\bfor\s+$"));

static WITHOUT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:i|we)\s+(?:still\s+)?(?:have|have got|'ve got|'ve had|have had|had)\s+no\s+(internet|heating|hot water|power|electricity|phone|signal|connection|reply|answer|refund|money|confirmation|response)\b",
    )
});

static CHARGED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:i|we|you|they)(?:\s+(?:was|were|have|have been|'ve been|'ve|got))?\s+(charged|billed|debited)\s+(?:me\s+|us\s+|my account\s+)?(twice|too much|double|by mistake|for nothing)\b",
    )
});

static NOBODY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:nobody|no one|no-one|noone)\s+(?:has\s+|have\s+|ever\s+|even\s+|bothered to\s+|from \w+\s+)*(called|calls|rang|rung|phoned|replied|replies|answered|answers|came|turned up|showed up|got back|gets back|been in touch|come)\b",
    )
});

const FOR_WORD: u32 = 1;
const SINCE_WORD: u32 = 1 << 1;
const WAITED_WORD: u32 = 1 << 2;
const ORDINAL: u32 = 1 << 3;
const TIME: u32 = 1 << 4;
const OFTEN: u32 = 1 << 5;
const MONEY: u32 = 1 << 6;
const NAMED: u32 = 1 << 7;
const DAY: u32 = 1 << 8;
const DIGIT_WORD: u32 = 1 << 9;
const AT: u32 = 1 << 10;
const NOUN_WORD: u32 = 1 << 11;
const UNIT: u32 = 1 << 12;
const NONE: u32 = 1 << 13;
const TAKEN: u32 = 1 << 14;
const NO_ONE: u32 = 1 << 15;

pub(super) static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let stems = [
        (FOR_WORD, "for"),
        (SINCE_WORD, "since"),
        (WAITED_WORD, "waiting waited hold queue"),
        (ORDINAL, "second third fourth fifth sixth seventh eighth ninth tenth umpteenth"),
        (TIME, "time call attempt"),
        (OFTEN, "twice times repeatedly"),
        (MONEY, "euro pound dollar quid € £ $"),
        (NAMED, "name this_is it's hi, hello hiya morning afternoon evening"),
        (
            DAY,
            "january february march april may june july august september october november december monday tuesday \
             wednesday thursday friday saturday sunday",
        ),
        (DIGIT_WORD, "zero oh one two three four five six seven eight nine double triple"),
        (AT, "@ dot"),
        (UNIT, "minute hour day week month year ages"),
        (NONE, "no"),
        (TAKEN, "charged billed debited"),
        (NO_ONE, "nobody no_one no-one noone"),
        (
            NOUN_WORD,
            "delivery order parcel package shipment invoice bill router modem internet broadband connection wifi wi-fi \
             phone landline line refund payment contract account card machine dishwasher fridge freezer boiler heating \
             tv television laptop computer printer tablet appointment engineer technician driver ticket booking \
             reservation flight subscription meter password replacement insurance policy claim reminder cancellation \
             app website debit deposit sofa bed mattress table chair lamp oven cooker heater suitcase voucher battery \
             charger callback repair confirmation part",
        ),
    ];
    Gate::new(&stems, DIGIT_WORD)
});

const SHARED: Shared = Shared { spoken_digits: &DIGITS, spelled: &SPELLED, email: &EMAIL };

pub(super) fn find(text: &str, seen: Seen, found: &mut Vec<Raw>) {
    // Typographic and plain apostrophes are the same to the patterns; both are matched over a text of equal length
    // in characters but not in bytes, so offsets are mapped back.
    let plain = match text.contains('\u{2019}') {
        true => Cow::Owned(text.replace('\u{2019}', "'")),
        false => Cow::Borrowed(text),
    };
    let first = found.len();
    if seen.any(FOR_WORD | SINCE_WORD | WAITED_WORD | NOUN_WORD | NONE | TAKEN | NO_ONE) {
        for (offset, sentence) in sentences(&plain) {
            durations(offset, sentence, seen, found);
            things(offset, sentence, seen, found);
        }
    }
    how_often(&plain, seen, found);
    if seen.any(MONEY) {
        for hit in AMOUNT.find_iter(&plain) {
            found.push(Raw::new(FactKind::Amount, hit.range(), vec![("amount", squeeze(hit.as_str()))]));
        }
    }
    if seen.any(NAMED) || plain.len() != text.len() {
        own_names(&plain, found);
    }
    if seen.any(DAY) || seen.digits > 0 {
        for hit in DATE.find_iter(&plain) {
            found.push(Raw::new(FactKind::Date, hit.range(), Vec::new()));
        }
    }
    let possible = Possible {
        digits: seen.numbers >= 4 || seen.digits >= 2,
        spelled: may_spell(&plain, &["for", "as"]),
        email: seen.any(AT),
    };
    shared(&plain, possible, &SHARED, found);
    if plain.len() != text.len() {
        let bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        for raw in &mut found[first..] {
            raw.start = bytes[plain[..raw.start].chars().count()];
            raw.end = bytes[plain[..raw.end].chars().count()];
        }
    }
}

fn own_names(text: &str, found: &mut Vec<Raw>) {
    for hit in NAME.captures_iter(text) {
        let (Some(whole), Some(name)) = (hit.get(0), hit.get(2)) else { continue };
        let Some(surname) = name.as_str().split(' ').next_back() else { continue };
        let mut slots = vec![("surname", surname.to_owned())];
        if let Some(title) = TITLE.captures(whole.as_str()).and_then(|title| title.get(1)) {
            slots.push(("name", format!("{} {surname}", title.as_str())));
        }
        found.push(Raw::new(FactKind::Name, name.range(), slots));
    }
    for hit in NAME_OPENING.captures_iter(text) {
        for surname in [hit.get(1), hit.get(2), hit.get(3)].into_iter().flatten() {
            let slots = vec![("surname", surname.as_str().to_owned())];
            found.push(Raw::new(FactKind::Name, surname.range(), slots));
        }
    }
}

fn durations(offset: usize, sentence: &str, seen: Seen, found: &mut Vec<Raw>) {
    let span = seen.all(FOR_WORD | UNIT) || seen.all(WAITED_WORD | UNIT);
    if !(span || seen.any(SINCE_WORD)) || HARMLESS_DURATION.is_match(sentence) {
        return;
    }
    let on_the_line = ON_THE_LINE.is_match(sentence);
    for hit in FOR.captures_iter(sentence) {
        let (Some(whole), Some(core)) = (hit.get(0), hit.get(1)) else { continue };
        let core = squeeze(core.as_str()).to_lowercase();
        let core = core.trim_end_matches(" now");
        duration(offset + whole.start()..offset + whole.end(), core, on_the_line, found);
    }
    for hit in WAITED.captures_iter(sentence) {
        let (Some(whole), Some(count), Some(unit)) = (hit.get(0), hit.get(1), hit.get(2)) else { continue };
        let core = squeeze(&format!("{} {}", count.as_str(), unit.as_str()));
        duration(offset + whole.start()..offset + whole.end(), &core, true, found);
    }
    for hit in SINCE.find_iter(sentence) {
        let since = format!("since {}", squeeze(&hit.as_str()[5..]));
        found.push(Raw::new(FactKind::Since, offset + hit.start()..offset + hit.end(), vec![("since", since)]));
    }
}

fn duration(range: std::ops::Range<usize>, core: &str, on_the_line: bool, found: &mut Vec<Raw>) {
    let short = core.contains("minute") || core.contains("hour");
    if short && on_the_line {
        if core.contains(' ') {
            found.push(Raw::new(FactKind::Wait, range, vec![("wait", core.to_owned())]));
        }
        return;
    }
    let since = format!("for {core}");
    let long = ["week", "month", "year"].iter().any(|unit| core.contains(unit));
    let mut slots = vec![("since", since.clone())];
    if long {
        slots.push(("since_long", since));
    }
    found.push(Raw::new(FactKind::Since, range, slots));
}

fn how_often(text: &str, seen: Seen, found: &mut Vec<Raw>) {
    if seen.all(ORDINAL | TIME) {
        nths(text, found);
    }
    if seen.any(OFTEN) {
        times(text, found);
    }
}

fn nths(text: &str, found: &mut Vec<Raw>) {
    for hit in NTH.captures_iter(text) {
        let (Some(whole), Some(ordinal)) = (hit.get(0), hit.get(1)) else { continue };
        let ordinal = ordinal.as_str().to_lowercase();
        if ordinal == "umpteenth" {
            continue;
        }
        let call = hit.get(3).is_some() || hit.get(2).is_some_and(|what| !what.as_str().eq_ignore_ascii_case("time"));
        let nth = format!("for the {ordinal} time");
        let mut slots = vec![("nth", nth.clone())];
        if call || CONTACT.is_match(text) {
            slots.push(("nth_contact", nth));
        }
        found.push(Raw::new(FactKind::HowOften, whole.range(), slots));
    }
}

fn times(text: &str, found: &mut Vec<Raw>) {
    for hit in TIMES.captures_iter(text) {
        if let (Some(whole), Some(times)) = (hit.get(0), hit.get(1)) {
            let times = squeeze(times.as_str()).to_lowercase();
            found.push(Raw::new(FactKind::HowOften, whole.range(), vec![("times_contact", times)]));
        }
    }
}

fn things(offset: usize, sentence: &str, seen: Seen, found: &mut Vec<Raw>) {
    let opening = sentence.trim_start().split(' ').next().unwrap_or_default();
    let asked = sentence.ends_with('?') && !["why", "how", "what"].iter().any(|w| opening.eq_ignore_ascii_case(w));
    let mut problems = Vec::new();
    let hits = seen.any(NOUN_WORD).then(|| THING.captures_iter(sentence));
    for hit in hits.into_iter().flatten() {
        let (Some(whole), Some(determiner), Some(noun)) = (hit.get(0), hit.get(1), hit.get(2)) else { continue };
        let own = matches!(determiner.as_str().to_lowercase().as_str(), "my" | "our");
        let noun = squeeze(noun.as_str());
        let noun = if noun.chars().all(|c| c.is_uppercase()) { noun } else { noun.to_lowercase() };
        let what = format!("{} {noun}", if own { "your" } else { "the" });
        let (head, rest) = (&sentence[..whole.start()], &sentence[whole.end()..]);
        let known = problems.len();
        if !asked {
            if let Some((trouble, length)) = trouble_with(&what, rest) {
                problems.push((whole.start(), whole.end() + length, trouble));
            } else if WAITING_FOR.is_match(head) {
                problems.push((whole.start(), whole.end(), format!("you're still waiting for {what}")));
            }
        }
        // "On the line" one waits: a line it is only if something is wrong with it.
        if what == "the line" && problems.len() == known {
            continue;
        }
        let slots = vec![("what", what.clone()), ("what_acc", what.clone()), ("what_dat", what)];
        found.push(Raw::new(FactKind::What, offset + whole.start()..offset + whole.end(), slots));
    }
    if seen.any(NONE)
        && let Some(hit) = WITHOUT.captures(sentence)
        && let Some(whole) = hit.get(0)
    {
        problems.push((whole.start(), whole.end(), format!("you have no {}", hit[1].to_lowercase())));
    }
    if seen.any(TAKEN)
        && let Some(hit) = CHARGED.captures(sentence)
        && let Some(whole) = hit.get(0)
    {
        let problem = format!("you were {} {}", hit[1].to_lowercase(), hit[2].to_lowercase());
        problems.push((whole.start(), whole.end(), problem));
    }
    if seen.any(NO_ONE)
        && let Some(hit) = NOBODY.captures(sentence)
        && let Some(whole) = hit.get(0)
    {
        let problem = match hit[1].to_lowercase().as_str() {
            "came" | "come" | "turned up" | "showed up" => "nobody came",
            _ => "nobody got back to you",
        };
        problems.push((whole.start(), whole.end(), problem.to_owned()));
    }
    for (start, end, problem) in problems {
        found.push(Raw::new(FactKind::Problem, offset + start..offset + end, vec![("problem", squeeze(&problem))]));
    }
}

/// What is wrong with a thing, as a clause after *that*, and how many bytes behind the thing it took.
fn trouble_with(what: &str, rest: &str) -> Option<(String, usize)> {
    let group = |hit: &regex::Captures<'_>, at: usize| hit.get(at).map_or("", |part| part.as_str()).to_lowercase();
    if let Some(hit) = STATE_REST.captures(rest) {
        let (verb, still, state, again) = (group(&hit, 1), group(&hit, 2), group(&hit, 3), group(&hit, 4));
        let verb = if verb == "'s" { "is".to_owned() } else { verb };
        return Some((format!("{what} {verb} {still} {state} {again}"), hit[0].len()));
    }
    if let Some(hit) = NOT_REST.captures(rest) {
        return Some((format!("{what} {} {} {}", group(&hit, 1), group(&hit, 2), group(&hit, 3)), hit[0].len()));
    }
    let hit = BROKE_REST.captures(rest)?;
    let verb = group(&hit, 1);
    let verb = match verb.as_str() {
        "broken down" => "has broken down",
        "gone missing" => "has gone missing",
        other => other,
    };
    Some((format!("{what} {verb} {}", group(&hit, 2)), hit[0].len()))
}
