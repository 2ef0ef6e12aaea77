//! The same in English: where each practice speaks, where it is silent, where its limit bites.

use super::cases::{self, Case};
use super::*;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "safety",
        speaks: (
            "A [] Good morning, you're through to Rowan.\nC 3 90 [violence_threat] I'm coming down there and I'll smash the place up.",
            2,
        ),
        silent: "A [] Good morning, you're through to Rowan.\nC 3 60 [insult] You're useless, the lot of you.",
        limit: (
            "C 3 90 [violence_threat] I know where your office is, and I'm coming over.\nA [] Please don't threaten me.\nC 3 90 [violence_threat] I'll break your door down.\nA [] I can't carry on like this.\nC 3 90 [violence_threat] You just wait till I get there.",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-1",
        speaks: ("A [] Good morning, how can I help?\nC 3 60 [insult] You're a complete idiot, do you know that?", 2),
        silent: "A [] Good morning, how can I help?\nC 1 15 [dissatisfaction] It's a bit of a shame, to be honest.",
        limit: (
            "C 3 60 [insult] You lot are useless.\nA [question] Could I take your order number?\n~ 40\nC 3 60 [insult] Are you thick or what?\n~ 40\nA [] It left us on Monday.\nC 3 60 [insult] What a bunch of clowns.",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "002-4",
        speaks: ("A [] Good afternoon, how can I help?\nC 0 0 [] Oh, hello.", 1),
        silent: "A [thanks] Good afternoon, and thanks for waiting.\nC 0 0 [] Oh, hello.",
        limit: (
            "A [] Good afternoon, how can I help?\nC 1 10 [long_wait] I've been waiting for three weeks.\nA [question] Could I take your name?\n~ 21\nC 1 10 [long_wait] And I've been hanging on here for ages.\nA [] Right.",
            1,
        ),
        facts: waited_four_minutes,
        live: true,
    },
    Case {
        id: "001-6",
        speaks: (
            "A [] Good morning.\nC 2 30 [dissatisfaction] My router hasn't been working for two weeks.\nA [generic_empathy] I understand.",
            3,
        ),
        silent: "A [] Good morning.\nC 2 30 [dissatisfaction] My router hasn't been working for two weeks.\nA [specific_empathy] Two weeks without internet, I'd be fed up too.",
        limit: (
            "C 2 30 [dissatisfaction] My delivery still hasn't arrived.\nA [generic_empathy] I understand.\n~ 61\nA [generic_empathy] I can see where you're coming from.\n~ 61\nA [generic_empathy] I do understand.\n~ 61\nA [generic_empathy] Yes, I understand.",
            2,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "002-6",
        speaks: (
            "C 2 30 [dissatisfaction] My delivery still hasn't arrived.\nA [justification] That's the courier, they're short of drivers at the moment.",
            2,
        ),
        silent: "C 2 30 [dissatisfaction] My delivery still hasn't arrived.\nA [apology] I'm so sorry about that.\nC 1 20 [] Right.\nA [justification] The courier's van broke down.",
        limit: (
            "C 2 30 [dissatisfaction] My delivery still hasn't arrived.\nA [justification] That'll be the courier.\n~ 95\nA [justification] It's been very busy this week.\n~ 95\nA [justification] They're short of drivers as well.",
            2,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "000-a",
        speaks: (
            "C 0 0 [] Can you sort that out for me?\nA [self_belittling] I'm just on the phones, I can only tell you what it says here.",
            2,
        ),
        silent: "C 0 0 [] Can you sort that out for me?\nA [solution_offer] I'll send you a new one today.\nC 0 0 [] The big one?\nA [self_belittling] No, I only meant the small one.",
        limit: (
            "A [self_belittling] I'm only the trainee.\nC 0 0 [] Okay.\nA [self_belittling] I'm just a temp.\nC 0 0 [] Right.\nA [self_belittling] Nobody asks me, I only work here.",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-3",
        speaks: ("~ 1\nA [] Good morning.", 1),
        silent: "A [] Good morning.\nC 0 0 [] Hello.",
        limit: ("A [disparaging] People like that never read anything.\n~ 61\nA [disparaging] Typical customers.", 1),
        facts: after_a_hard_call,
        live: true,
    },
    Case {
        id: "003-a",
        speaks: ("C 0 0 [] Hello?\nA [disparaging] Pensioners never listen, do they.", 2),
        silent: "C 0 0 [] Hello?\nA [] A lot of people ask that.",
        limit: (
            "A [disparaging] People never read the letter.\n~ 61\nA [disparaging] Typical customers.\n~ 61\nA [disparaging] They're all the same.",
            2,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-8",
        speaks: ("C 0 0 [] Do you still have it in blue?\nA [refusal] I'm afraid it's sold out.", 2),
        silent: "C 0 0 [] Do you still have it in blue?\nA [refusal question] It's sold out in blue, would the green one do?",
        limit: ("A [refusal] That one's sold out.\nC 0 0 [] Oh.\n~ 5\nA [] The grey one's out of stock too.", 1),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "000-b",
        speaks: ("C 0 0 [] When will it be here?\nA [] I don't know, I'm afraid.", 2),
        silent: "C 0 0 [] When will it be here?\nA [callback_offer] I don't know, so I'll find out and ring you back.",
        limit: ("A [] I don't know.\n~ 30\nA [] I've really no idea, sorry.", 1),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-5",
        speaks: (
            "C 0 0 [] I'd like to cancel my contract.\nA [] I see.\nC 0 0 [] Yes.\nA [wrong_department] You've come through to the wrong department.",
            4,
        ),
        silent: "C 0 0 [] I'd like to cancel my contract.\nA [] I see.\nC 0 0 [] Yes.\nA [wrong_department solution_offer] That's another department, so I'll put you through.",
        limit: (
            "A [] Hello.\nC 0 0 [] Hi, I'd like to cancel.\nA [wrong_department] You've come through to the wrong team.\nC 0 0 [] Oh.\nA [wrong_department] We don't deal with that here.",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "002-7",
        speaks: (
            "C 2 30 [dissatisfaction] My boiler packed up on Monday.\nA [specific_empathy thanks] No heating since Monday, that's grim. Thanks for telling me.\nA [] So, the way it works is that the engineers go out by region.\nA [] And in your region there happen to be two of them.",
            4,
        ),
        silent: "C 2 30 [dissatisfaction] My boiler packed up on Monday.\nA [] Which one is it?\nC 2 30 [] The big one in the cellar.\nA [] Right.\nC 2 30 [] And it's freezing in here.\nA [] I see.",
        limit: (
            "C 2 30 [dissatisfaction] My boiler packed up on Monday.\nA [specific_empathy] No heating since Monday, that's grim.\nA [] So, the way it works is this.\nA [] The engineers go out by region.\nA [] In your region there are two of them.\nA [] One does the old boilers.\nA [] The other one does the new ones.\nA [] And both of them do tanks.",
            1,
        ),
        facts: nothing_known,
        live: false,
    },
    Case {
        id: "003-b",
        speaks: ("C 0 0 [] Where's my parcel?\nA [] There's a bit of a delay at the warehouse.", 2),
        silent: "C 0 0 [] Where's my parcel?\nA [next_step] There's a delay, so I'll check and let you know on Friday.",
        limit: ("A [] There's a bit of a delay.\n~ 40\nA [] They've got quite a backlog there.", 1),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "004-c",
        speaks: (
            "A [question] Could I take your customer number?\nC 0 0 [] Yes, it's four, seven, one, one, oh, eight.",
            2,
        ),
        silent: "A [question] Could I take your customer number?\nC 0 0 [] I haven't got it to hand.",
        limit: ("C 0 0 [] Four seven one one oh eight.\n~ 30\nC 0 0 [] That was on the third of March.", 1),
        facts: after_seven_hours,
        live: true,
    },
    Case {
        id: "002-1",
        speaks: (
            "A [] Good morning, how can I help?\nC 0 0 [] It's about my bill.\nA [] I'll pull it up.\nC 0 0 [] Lovely.\nA [] Here it is.",
            5,
        ),
        silent: "A [] Good morning, how can I help?\nC 0 0 [] It's about my bill.\nA [name_used] I'll pull it up, Mrs Miller.\nC 0 0 [] Lovely.\nA [] Here it is.",
        limit: (
            "A [] Good morning.\nC 0 0 [] It's about my bill.\nA [] I'll pull it up.\nC 0 0 [] Lovely.\nA [] Here it is.\n~ 61\nC 0 0 [] Right.\nA [] It's the one from March.\n~ 61\nC 0 0 [] I see.\nA [] And this is the meter reading.\n~ 61\nC 0 0 [] Yes.\nA [] That's the whole of it.",
            2,
        ),
        facts: mrs_miller,
        live: true,
    },
    Case {
        id: "002-2",
        speaks: ("A [solution_offer] There, that's sorted for you.\nC 0 0 [relief] Oh, wonderful.", 2),
        silent: "A [solution_offer] There, that's sorted for you.\nC 2 30 [dissatisfaction] About time too.",
        limit: (
            "A [solution_offer] There, that's sorted.\nC 0 0 [relief] Oh, wonderful.\n~ 40\nA [solution_offer] And so is the other one.\nC 0 0 [gratitude] Thank you ever so much.",
            1,
        ),
        facts: not_a_member,
        live: true,
    },
    Case {
        id: "002-3",
        speaks: (
            "C 1 20 [dissatisfaction] It's broken again.\nA [solution_offer apology] I'm sorry, I'll send you a new one.\nC 0 0 [gratitude] Oh, thank you so much.\nA [question] Is there anything else I can help you with?\nC 0 0 [] No, that's everything.",
            5,
        ),
        silent: "C 2 30 [dissatisfaction] It's broken again.\nA [] I see.\nC 1 20 [gratitude] Well, thanks for that.\nA [question] Is there anything else I can help you with?\nC 0 0 [] No, that's everything.",
        limit: (
            "C 1 20 [dissatisfaction] It's broken again.\nA [solution_offer apology] I'm sorry, I'll send you a new one.\nC 0 0 [gratitude] Oh, thank you so much.\nA [question] Anything else?\nC 0 0 [] No, that's everything.\n~ 61\nC 0 0 [] Right, that's all, then.",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "002-5",
        speaks: (
            "C 2 30 [long_wait] I've been waiting for three weeks.\nA [specific_empathy apology] Three weeks is far too long, I'm sorry.\n~ 21\nC 0 25 [] It is.\nA [] Let me have a look.",
            3,
        ),
        silent: "C 2 30 [dissatisfaction] It's the wrong colour.\nA [apology] I'm sorry about that.\n~ 21\nC 0 25 [] Yes.\nA [] Let me have a look.",
        limit: (
            "C 2 30 [long_wait] I've been waiting for three weeks.\nA [specific_empathy apology] Three weeks is far too long, I'm sorry.\n~ 61\nC 2 30 [long_wait] Three weeks!\nA [] Let me have a look.\n~ 61\nC 2 30 [long_wait] I can't wait any longer.\nA [] No.\n~ 30",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-7",
        speaks: (
            "A [] Good morning.\nC 1 20 [repeat_contact] I rang last week, and I'm just checking in again.\nA [specific_empathy] Having to ring again is a nuisance.",
            2,
        ),
        silent: "A [] Good morning.\nC 0 0 [] Hello.\nA [thanks] Thank you for coming back to us.\nC 1 20 [repeat_contact] Yes, I'm just calling to ask again.",
        limit: (
            "C 1 20 [repeat_contact] I'm just following up on last week.\n~ 61\nC 1 20 [repeat_contact] I'm just checking in again about that.",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "004-d",
        speaks: ("A [question] Could I take the reference?\nC 0 0 [] It's four, seven and one.\n~ 8", 3),
        silent: "A [question] Could I take the reference?\nC 0 0 [] Hang on, I'll just fetch the letter.\n~ 8",
        limit: (
            "A [question] Could I take the reference?\nC 0 0 [] It's four, seven and one.\n~ 15\nA [question] And your name?\nC 0 0 [] Miller.\n~ 15",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-9",
        speaks: (
            "C 2 45 [dissatisfaction] The dog's bed still isn't here.\nA [solution_offer] I'll send one out to you today.\nC 0 30 [humour] Good, because he's moved into my armchair.",
            3,
        ),
        silent: "C 2 45 [dissatisfaction] The dog's bed still isn't here.\nA [] Let me see.\nC 0 30 [humour] Good, because he's moved into my armchair.",
        limit: (
            "C 2 45 [dissatisfaction] The dog's bed still isn't here.\nA [solution_offer] I'll send one out to you today.\nC 0 35 [humour] Good, because he's moved into my armchair.\nA [next_step] It'll be with you tomorrow.\n~ 30\nC 0 28 [humour] I'll have my chair back, then.",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-4",
        speaks: (
            "A [] Good morning, how can I help?\nC 2 30 [sarcasm] Well, you've made a wonderful mess of that, haven't you.",
            2,
        ),
        silent: "A [] Good morning.\nC 1 30 [dissatisfaction] That's a shame.\nA [] I see.\nC 3 30 [legal_threat] Then you'll be hearing from my solicitor.",
        limit: (
            "A [] Good morning.\nC 2 30 [sarcasm] Oh, isn't that just wonderful.\n~ 30\nC 2 30 [sarcasm] How very reassuring.\nA [] Well.",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-10",
        speaks: (
            "A [] Good morning.\nC 0 0 [] Hello.\nA [hold_announcement] One moment, that's just printing.\n~ 6",
            4,
        ),
        silent: "A [] Good morning.\nC 2 30 [dissatisfaction] My order's wrong.\nA [hold_announcement] One moment, the system's just loading.\n~ 6",
        limit: (
            "A [] Good morning.\nC 0 0 [] Hello.\nA [hold_announcement] One moment, that's just printing.\n~ 70\nA [hold_announcement] One more moment.\n~ 10",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "000-c",
        speaks: (
            "C 3 60 [anger] This is an absolute disgrace!\nA [apology] I'm really sorry about that.\nC 0 30 [apology_accepted] All right, apology accepted.",
            3,
        ),
        silent: "C 3 60 [anger] This is an absolute disgrace!\nA [apology] I'm really sorry about that.\nC 0 30 [] So what's the catch?",
        limit: (
            "C 3 60 [anger] This is an absolute disgrace!\nA [apology] I'm really sorry about that.\nC 0 30 [apology_accepted] All right, apology accepted.\nC 3 60 [anger] But the bill is outrageous!\nA [apology] I'm sorry about the bill as well.\nC 0 30 [apology_accepted] Fine, no hard feelings.",
            1,
        ),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "004-a",
        speaks: ("A [] There you go.\nC 0 0 [gratitude] Thank you, that's really kind of you.", 2),
        silent: "A [] There you go.\nC 0 0 [gratitude] Thanks, bye.\nA [] Bye.\nC 2 30 [gratitude sarcasm] Well, thanks a lot for nothing.",
        limit: ("C 0 0 [praise] You've been brilliant.\nC 0 0 [praise] Best service I've had in years.", 1),
        facts: nothing_known,
        live: true,
    },
    Case {
        id: "001-2",
        speaks: ("C 3 60 [anger] This is an absolute disgrace!\nA [apology] I'm really sorry about that.\nend", 3),
        silent: "C 1 30 [] Not ideal, is it.\nA [apology] I'm sorry about that.\nend",
        limit: ("C 3 60 [anger] This is an absolute disgrace!\nend\nend", 1),
        facts: nothing_known,
        live: true,
    },
];

fn mrs_miller() -> CallFacts {
    CallFacts { customer_name: Some("Mrs Miller".into()), ..CallFacts::default() }
}

fn not_a_member() -> CallFacts {
    CallFacts { metadata: BTreeMap::from([("member".to_owned(), "no".to_owned())]), ..CallFacts::default() }
}

/// In these the program finds by itself what the scripts say of the words: cues, severity, level.
const BY_EAR: [&str; 16] = [
    "safety", "001-1", "002-4", "002-6", "000-a", "001-3", "003-a", "001-8", "000-b", "004-c", "002-1", "002-2",
    "002-3", "002-5", "001-7", "004-a",
];

fn heard(case: &Case, script: &str, facts: CallFacts) -> usize {
    let mut stage = cases::stage(Lang::En, case, facts);
    stage.ears = Some(Ears::new(Lang::En));
    stage.play(script).prompts(case.id).len()
}

#[test]
fn practices_speak_by_the_words_alone() {
    for case in CASES.iter().filter(|case| BY_EAR.contains(&case.id)) {
        let (script, line) = case.speaks;
        let lines = |lines: usize| script.lines().take(lines).collect::<Vec<_>>().join("\n");
        let before = heard(case, &lines(line - 1), (case.facts)());
        assert_eq!(before, usize::from(case.id == "001-3"), "{} before line {line} of\n{script}", case.id);
        assert_eq!(heard(case, &lines(line), (case.facts)()), 1, "{} in line {line} of\n{script}", case.id);
        let facts = if case.id == "001-3" { nothing_known() } else { (case.facts)() };
        assert_eq!(heard(case, case.silent, facts), 0, "{} in\n{}", case.id, case.silent);
    }
}
