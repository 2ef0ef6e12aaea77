use super::*;

fn head(kind: HeadKind, weight: i8) -> Head {
    Head { kind, weights: vec![weight; 1 << 10], scale: 0.1, bias: 0.5, slope: 1.5, offset: -0.25 }
}

fn small() -> Classifier {
    let heads = vec![head(HeadKind::Offence, 3), head(HeadKind::Positive, -7)];
    let lists = "[a]\n=abc".to_owned();
    let mut language = LanguageHeads::new(Lang::De, lists.clone(), lists, heads).unwrap();
    let stack = Stack::of(&[-1.0, 1.0, 2.0, -0.5]);
    let question =
        |column| Question { column, scale: 0.1, bias: 0.5, stack: stack.clone(), add_from: 0.5, keep_from: 0.1 };
    let tree = Tree { splits: [Split { number: 1, most: -7 }; SPLITS], leaves: [-300, 1, 2, 3, 4, 5, 6, 500] };
    language.customer = KindHeads {
        questions: vec![question(Column::Kind(CueKind::Anger)), question(Column::Severity(2))],
        weights: vec![5; 2 << 10],
        judge: Trees { bias: -0.25, trees: vec![tree] },
        complaint_from: 0.5,
        doubt_below: 0.3,
        friction_from: 0.25,
    };
    Classifier::new(vec![language])
}

#[test]
fn the_embedded_model_reads_and_stays_below_one_megabyte() {
    assert!(EMBEDDED.len() <= 1_000_000, "{} bytes", EMBEDDED.len());
    assert_eq!(Classifier::embedded().to_bytes(), EMBEDDED);
}

#[test]
fn the_embedded_model_has_the_promised_heads() {
    let model = Classifier::embedded();
    let kinds = |lang| -> Vec<HeadKind> {
        let language = model.languages.iter().find(|language| language.lang == lang).unwrap();
        language.heads.iter().map(|head| head.kind).collect()
    };
    assert_eq!(kinds(Lang::De), [HeadKind::Offence, HeadKind::Negative, HeadKind::Positive]);
    assert!(kinds(Lang::En).ends_with(&[HeadKind::Negative, HeadKind::Positive]));
}

#[test]
fn written_and_read_again_it_scores_the_same() {
    let (before, after) = (small(), Classifier::from_bytes(&small().to_bytes()).unwrap());
    for text in ["abc", "Guten Tag, wie geht es?", "42"] {
        assert_eq!(before.score(Lang::De, text), after.score(Lang::De, text));
    }
    assert_eq!(before.read(Lang::De, false, "abc"), after.read(Lang::De, false, "abc"));
    assert_eq!(before.read(Lang::De, false, "abc").raw.len(), 2);
    let scores = before.score(Lang::De, "abc");
    assert!(scores.offence > 0.5 && scores.positive < 0.5 && scores.negative == 0.0, "{scores:?}");
}

#[test]
fn a_language_without_heads_scores_nothing() {
    assert_eq!(small().score(Lang::En, "abc"), ModelScores::default());
}

#[test]
fn broken_files_are_refused_with_the_reason() {
    let good = small().to_bytes();
    assert_eq!(Classifier::from_bytes(b"GGUF and more").unwrap_err(), WeightsError::Foreign);
    for length in 0..good.len() {
        assert!(Classifier::from_bytes(&good[..length]).is_err(), "{length} bytes of {}", good.len());
    }
    assert!(matches!(Classifier::from_bytes(&good[..good.len() - 1]), Err(WeightsError::Truncated { .. })));
    let mut flipped = good.clone();
    flipped[100] ^= 1;
    assert!(matches!(Classifier::from_bytes(&flipped), Err(WeightsError::Damaged { .. })));
    let longer = [good, vec![0]].concat();
    assert!(matches!(Classifier::from_bytes(&longer), Err(WeightsError::Damaged { .. })));
}

#[test]
fn a_question_of_a_later_version_is_named() {
    let mut bytes = small().to_bytes();
    // Magic, checksum and length, number of languages, language, length and text of both lists, number of heads.
    let kind_at = 8 + 8 + 1 + 1 + 2 * (4 + "[a]\n=abc".len()) + 1;
    bytes[kind_at] = 9;
    let sum = checksum(&bytes[16..]);
    bytes[8..12].copy_from_slice(&sum.to_le_bytes());
    let error = Classifier::from_bytes(&bytes).unwrap_err();
    assert!(error.to_string().contains("question 9"), "{error}");
}

#[test]
fn any_text_scores_between_zero_and_one_and_twice_the_same() {
    let model = Classifier::embedded();
    let long = "Das ist sehr ärgerlich. ".repeat(4_200);
    let unbroken = "ä".repeat(100_000);
    for text in ["", "\n\t ", "👩‍👩‍👧🎉", "مرحبا كيف الحال", "שלום 12 hello", "\u{0}\u{feff}", "ẞß", &long, &unbroken]
    {
        for lang in [Lang::De, Lang::En] {
            let scores = model.score(lang, text);
            for score in [scores.offence, scores.negative, scores.positive] {
                assert!((0.0..=1.0).contains(&score), "{scores:?}");
            }
            assert_eq!(scores, model.score(lang, text));
        }
    }
    assert_eq!(model.score(Lang::De, "🎉 …"), ModelScores::default());
}

#[test]
fn anger_scores_above_calm_and_thanks() {
    let model = Classifier::embedded();
    for (lang, angry, calm, glad) in [
        (
            Lang::De,
            "Das ist eine Unverschämtheit, ich lasse mir das von Ihnen nicht länger bieten!",
            "Guten Tag, ich möchte meine neue Adresse durchgeben.",
            "Vielen herzlichen Dank, Sie haben mir sehr geholfen.",
        ),
        (
            Lang::En,
            "This is outrageous, I am furious and I won't put up with you people any longer!",
            "Good morning, I'd like to give you my new address.",
            "Thank you so much, you have been very helpful.",
        ),
    ] {
        let [angry, calm, glad] = [angry, calm, glad].map(|text| model.score(lang, text));
        assert!(angry.negative > 0.5 && calm.negative < 0.5 && glad.negative < 0.5, "{angry:?} {calm:?} {glad:?}");
        assert!(glad.positive > 0.5 && angry.positive < 0.5 && calm.positive < 0.6, "{angry:?} {calm:?} {glad:?}");
    }
    let insult = model.score(Lang::De, "Sie sind doch ein kompletter Vollidiot.");
    let calm = model.score(Lang::De, "Ich bin den ganzen Tag zu Hause.");
    assert!(insult.offence > 0.5 && calm.offence < 0.5, "{insult:?} {calm:?}");
}
