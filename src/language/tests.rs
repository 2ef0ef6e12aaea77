use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

static LANGUAGE: LazyLock<Language> = LazyLock::new(|| Language::embedded().unwrap());

fn severity(text: &str) -> Option<u8> {
    LANGUAGE.read(Lang::De, Channel::Customer, text, &Names::default()).severity
}

#[test]
fn embedded_files_pass_their_own_examples() {
    let errors = Language::embedded().err().unwrap_or_default();
    assert!(errors.is_empty(), "{}", errors.iter().map(|error| format!("{error}\n")).collect::<String>());
}

#[test]
fn offsets_and_words_of_a_cue_are_those_of_the_text() {
    let text = "🙂 Äh, dann kündige ich eben, größer geht's nicht.";
    let reading = LANGUAGE.read(Lang::De, Channel::Customer, text, &Names::default());
    assert!(reading.cues.iter().any(|cue| cue.kind == CueKind::ChurnThreat), "{reading:?}");
    for cue in &reading.cues {
        let words: String = text.chars().skip(cue.start).take(cue.end - cue.start).collect();
        assert_eq!(words, cue.text);
    }
}

#[test]
fn a_threat_is_not_a_fact_a_profession_or_somebody_elses_word() {
    assert_eq!(severity("Ich gehe zum Anwalt!"), Some(3));
    // The text model alone may hear mild friction, never a complaint.
    for text in [
        "Ich bin Anwältin von Beruf.",
        "Ich habe zum ersten März gekündigt.",
        "Meine Nachbarin sagt, Sie wären Idioten.",
    ] {
        assert!(severity(text) < Some(2), "{text}");
    }
}

#[test]
fn what_the_model_names_alone_is_no_act_in_calm_words_and_no_belittling_in_a_refusal() {
    let kinds = |speaker: Channel, text: &str| -> Vec<CueKind> {
        LANGUAGE.read(Lang::De, speaker, text, &Names::default()).cues.iter().map(|cue| cue.kind).collect()
    };
    assert!(!kinds(Channel::Customer, "Die Wand, von Haushofer.").contains(&CueKind::ViolenceThreat));
    for name in ["Guten Tag, hier spricht Thomas Richter.", "Hier ist Anwalt, Peter Anwalt ist mein Name."] {
        assert_eq!(kinds(Channel::Customer, name), [], "a name is no threat: {name}");
    }
    assert_eq!(kinds(Channel::Customer, "Der Hof liegt gleich hinter der Kirche."), []);
    let read = LANGUAGE.read(Lang::En, Channel::Customer, "Nobody called me back.", &Names::default());
    assert!(read.cues.iter().all(|cue| cue.kind != CueKind::Shouting), "words alone are not loud: {:?}", read.cues);
    let refusal = kinds(Channel::Agent, "Ich kann da leider nichts machen.");
    assert!(refusal.contains(&CueKind::Refusal) && !refusal.contains(&CueKind::SelfBelittling), "{refusal:?}");
}

#[test]
fn the_agent_is_never_scored_but_named_customers_are_noticed() {
    let names = Names { customer: Some("Frau Keller") };
    let reading = LANGUAGE.read(Lang::De, Channel::Agent, "Keller, das haben wir gleich.", &names);
    assert_eq!(reading.severity, None);
    assert!(reading.cues.iter().any(|cue| cue.kind == CueKind::NameUsed), "{:?}", reading.cues);
}

#[test]
fn a_broken_file_is_refused_with_line_and_remedy() {
    let broken = "lang = \"de\"\n\n[[cue]]\nid = \"x\"\nkind = \"rage\"\npatterns = [\"(a\"]\nmatch = [\"a\"]\n";
    let errors = Language::from_files(&[("broken.toml", broken)]).err().unwrap_or_default();
    assert!(errors.iter().any(|error| error.line == 5 && error.message.contains("rage")), "{errors:?}");
    assert!(errors.iter().all(|error| !error.remedy.is_empty()));
    let not_toml = Language::from_files(&[("broken.toml", "lang = \"de\"\n[[cue]\n")]).err().unwrap_or_default();
    assert_eq!((not_toml.len(), not_toml[0].line), (1, 2), "{not_toml:?}");
}

#[test]
fn shouting_shows_in_the_writing_but_not_in_a_recogniser_of_capitals() {
    let shouts = |text: &str| {
        let normalized = LANGUAGE.normalize(Lang::De, text);
        let hits = LANGUAGE.engine(Lang::De).find(&normalized, false).hits;
        let shouting = hits.iter().filter(|hit| hit.entry.kind == CueKind::Shouting);
        shouting
            .map(|hit| (hit.found.first..hit.found.end).map(|at| normalized.word(at)).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    assert_eq!(shouts("Ich will jetzt SOFORT MEIN GELD zurück."), ["sofort mein geld"]);
    assert_eq!(shouts("Geben Sie mir endlich mein Geld!!").len(), 1);
    for calm in [
        "ICH WILL JETZT SOFORT MEIN GELD ZURÜCK",
        "Ich will jetzt sofort mein Geld zurück!",
        "Ich möchte die IBAN für die SEPA-Lastschrift ändern.",
    ] {
        assert!(shouts(calm).is_empty(), "{calm}");
    }
}

#[test]
fn a_guard_of_another_clause_does_not_silence_a_text_without_punctuation() {
    let threatens = |text: &str| {
        let findings = LANGUAGE.engine(Lang::De).find(&LANGUAGE.normalize(Lang::De, text), false);
        findings.hits.iter().any(|hit| hit.entry.kind == CueKind::LegalThreat)
    };
    assert!(threatens(
        "ich bin anwältin von beruf und habe den vertrag mit dem router damals ganz normal abgeschlossen \
         und jetzt gehe ich zum anwalt"
    ));
    assert!(!threatens("ich bin anwältin von beruf und gehe jetzt zum anwalt"));
}

fn sound(lang: Lang, speaker: Channel, text: &str) {
    let reading = LANGUAGE.read(lang, speaker, text, &Names { customer: Some("Frau Öz") });
    assert_eq!(reading.severity.is_some(), speaker == Channel::Customer);
    assert!(reading.severity.is_none_or(|severity| severity <= 3));
    assert!((0.0..=1.0).contains(&reading.severity_score), "{}", reading.severity_score);
    assert_eq!(reading.cues.len(), reading.entries.len());
    for cue in &reading.cues {
        let words: String = text.chars().skip(cue.start).take(cue.end - cue.start).collect();
        assert_eq!(words, cue.text);
        assert!(!words.is_empty());
    }
}

/// Words of both languages, other scripts, emoji, marks and signs that do not show.
const PIECES: &[&str] = &[
    "ich",
    "Ich",
    "kündige",
    "KÜNDIGE",
    "anwalt",
    "Anwalt!",
    "nicht",
    "Sie",
    "Idiot",
    "unverschämt",
    "you",
    "idiot",
    "refund",
    "lawyer",
    "zum dritten Mal",
    "seit 3 Wochen",
    "3.",
    "14.30",
    "danke",
    "„",
    "“",
    "\"",
    "'",
    "’s",
    "!!",
    "?",
    ".",
    ",",
    ":",
    "–",
    "…",
    "\n",
    "😀",
    "👩\u{200d}👩\u{200d}👧",
    "🏳️\u{fe0f}\u{200d}🌈",
    "שלום",
    "مرحبا",
    "\u{202e}",
    "\u{200f}",
    "\u{308}",
    "Mu\u{308}ll",
    "ﬀ",
    "İ",
    "ǅ",
    "漢字",
    "\u{0}",
    "\u{1}",
    "\u{feff}",
    "aaaaaaaaaaaa",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_read_and_cues_are_its_words(text in any::<String>(), german in any::<bool>()) {
        sound(if german { Lang::De } else { Lang::En }, Channel::Customer, &text);
    }

    #[test]
    fn any_mixture_of_words_and_signs_is_read(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40),
        glue in prop::sample::select(&["", " ", "-"][..]),
        german in any::<bool>(),
        speaker in prop::sample::select(&[Channel::Customer, Channel::Agent, Channel::Mixed][..]),
    ) {
        sound(if german { Lang::De } else { Lang::En }, speaker, &pieces.join(glue));
    }
}

#[test]
fn very_long_texts_are_read() {
    for piece in
        ["ich ", "kündige nicht ", "a", "😀", "nicht zum anwalt und dann ", "! ", "(", "seit drei wochen warte ich "]
    {
        sound(Lang::De, Channel::Customer, &piece.repeat(100_000 / piece.chars().count()));
    }
}
