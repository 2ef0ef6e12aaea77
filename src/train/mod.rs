//! Trains the embedded text model from public sets and our own lines; the same data give the same bytes.
//!
//! Each head is trained five times for scores of texts it has not seen, which set its curve from score to probability,
//! and once on everything but the held-out parts. Heads of the kinds of cue are joined with the patterns in `kinds`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::language::FILES;
use crate::language::classifier::features::{Features, WordListError};
use crate::language::classifier::kinds::KindHeads;
use crate::language::classifier::{Classifier, Head, HeadKind, LanguageHeads, ModelScores, logistic};
use crate::language::cues::Engine;
use crate::language::lexicon::{self, DataError};
use crate::terms::Lang;

mod boost;
mod data;
mod figures;
mod kinds;
mod phrases;
mod solver;
mod stack;

use self::data::{FOLDS, Part, Row, Set};
use self::figures::{Scored, auroc, best_cut, cut_below, logistic_curve, macro_f1, share_above};
use self::kinds::{Figures, Lesson as KindLesson, Source, Verdict, Witness};
use self::phrases::{Phrase, phrases};
use self::solver::{Example, Settings, Weights, solve};

const WORDS_DE: &str = include_str!("../../models/text/words_de.txt");
const WORDS_EN: &str = include_str!("../../models/text/words_en.txt");
const TAGS_DE: &str = include_str!("../../models/text/tags_de.txt");
const TAGS_EN: &str = include_str!("../../models/text/tags_en.txt");

/// One head to train.
struct Plan {
    lang: Lang,
    kind: HeadKind,
    settings: Settings,
    /// Our lines and the calm requests are trained apart from the other public sets, whose weights are added this many
    /// times. `None`: all together.
    background: Option<f32>,
}

/// Chosen by cross-validation and the dev lines; the model card has the figures.
const PLAN: [Plan; 5] = [
    Plan {
        lang: Lang::De,
        kind: HeadKind::Offence,
        settings: Settings { bits: 16, smoothing: 0.5, ratio_power: 1.0, cost: 8.0, yes_cost: 1.8, rounds: 30 },
        background: None,
    },
    Plan {
        lang: Lang::De,
        kind: HeadKind::Negative,
        settings: Settings { bits: 16, smoothing: 0.5, ratio_power: 0.5, cost: 8.0, yes_cost: 1.5, rounds: 20 },
        background: Some(0.2),
    },
    Plan {
        lang: Lang::De,
        kind: HeadKind::Positive,
        settings: Settings { bits: 16, smoothing: 0.5, ratio_power: 0.5, cost: 8.0, yes_cost: 1.5, rounds: 20 },
        background: Some(0.3),
    },
    Plan {
        lang: Lang::En,
        kind: HeadKind::Negative,
        settings: Settings { bits: 15, smoothing: 0.5, ratio_power: 0.5, cost: 8.0, yes_cost: 1.5, rounds: 15 },
        background: Some(2.0),
    },
    Plan {
        lang: Lang::En,
        kind: HeadKind::Positive,
        settings: Settings { bits: 15, smoothing: 0.5, ratio_power: 0.5, cost: 8.0, yes_cost: 1.5, rounds: 15 },
        background: Some(1.0),
    },
];

/// Buckets of the heads of the customer's and the agent's kinds, as powers of two.
const KIND_BITS_DE: [u32; 2] = [14, 13];
const KIND_BITS_EN: [u32; 2] = [12, 11];

/// At most this share of calm requests not seen in training scores 0.5 or more with the heads other than offence.
const CALM_SHARE: f32 = 0.003;

/// Why nothing was trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error("cannot read {}: {source}; give the folder of the public sets and the folder of our lines", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}, line {line}: {message}", path.display())]
    Line { path: PathBuf, line: usize, message: String },
    #[error("{}", list(errors))]
    Cues { errors: Vec<DataError> },
    #[error("words_{0}.txt or tags_{0}.txt: {error}", lang.as_str())]
    Words { lang: Lang, error: WordListError },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

/// Figures of one head: names and values, shares as fractions of 1.
#[derive(Debug, Clone, Serialize)]
pub struct HeadReport {
    pub lang: Lang,
    pub head: String,
    pub yes: usize,
    pub no: usize,
    pub figures: Vec<(String, f32)>,
}

/// What a training run did.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub bytes: usize,
    pub heads: Vec<HeadReport>,
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for head in &self.heads {
            writeln!(out, "{} {}: {} yes, {} no", head.lang.as_str(), head.head, head.yes, head.no)?;
            for (name, value) in &head.figures {
                writeln!(out, "  {name:<44} {value:.4}")?;
            }
        }
        write!(out, "{} bytes", self.bytes)
    }
}

/// Trains all heads and writes them to `out`. `data` holds the public sets, `lines` our own (`docs/lines.md`).
pub fn train(data: &Path, lines: &Path, out: &Path) -> Result<Report, TrainError> {
    train_with(data, lines, out, 1)
}

/// The same with every so manieth phrase of the cue files only: tests have no time for all.
fn train_with(data: &Path, lines: &Path, out: &Path, every: usize) -> Result<Report, TrainError> {
    let rows = data::rows(data, lines)?;
    let (classifier, heads) = fit(&rows, every)?;
    let bytes = classifier.to_bytes();
    fs::write(out, &bytes).map_err(|source| TrainError::Write { path: out.to_owned(), source })?;
    Ok(Report { bytes: bytes.len(), heads })
}

fn list(errors: &[DataError]) -> String {
    errors.iter().map(|error| format!("{error}\n")).collect::<String>().trim_end().to_owned()
}

fn fit(rows: &[Row], every: usize) -> Result<(Classifier, Vec<HeadReport>), TrainError> {
    let (mut languages, mut reports) = (Vec::new(), Vec::new());
    for (lang, words, tags) in [(Lang::De, WORDS_DE, TAGS_DE), (Lang::En, WORDS_EN, TAGS_EN)] {
        let engine = lexicon::compile(lang, FILES).map_err(|errors| TrainError::Cues { errors })?;
        let teachings = lexicon::teachings(lang, FILES).map_err(|errors| TrainError::Cues { errors })?;
        let phrases = phrases(&teachings, lang == Lang::De);
        let mut language = LanguageHeads::new(lang, words.to_owned(), tags.to_owned(), Vec::new())
            .map_err(|error| TrainError::Words { lang, error })?;
        let read = |text: &str| language.features(engine.normalize(text).text());
        let texts: Vec<Text<'_>> = rows
            .iter()
            .filter(|row| row.lang == lang)
            .map(|row| Text { row, features: read(&row.text) })
            .filter(|text| !text.features.is_empty())
            .collect();
        let drawn: Vec<Drawn<'_>> = phrases
            .iter()
            .step_by(every)
            .map(|phrase| Drawn { phrase, features: read(&phrase.text) })
            .filter(|drawn| !drawn.features.is_empty())
            .collect();
        let mut general = vec![ModelScores::default(); texts.len()];
        for plan in PLAN.iter().filter(|plan| plan.lang == lang) {
            let (head, report) = fit_head(&texts, plan, &mut general);
            language.heads.push(head);
            reports.push(report);
        }
        for agent in [false, true] {
            let room = Room { lang, agent, engine: &engine, texts: &texts, drawn: &drawn, general: &general };
            let (heads, report) = fit_kinds(&room);
            *if agent { &mut language.agent } else { &mut language.customer } = heads;
            reports.push(report);
        }
        languages.push(language);
    }
    Ok((Classifier::new(languages), reports))
}

struct Text<'a> {
    row: &'a Row,
    features: Features,
}

struct Drawn<'a> {
    phrase: &'a Phrase,
    features: Features,
}

/// What the heads of one party's kinds are made from.
struct Room<'a> {
    lang: Lang,
    agent: bool,
    engine: &'a Engine,
    texts: &'a [Text<'a>],
    drawn: &'a [Drawn<'a>],
    /// By text, the general heads that have not seen it.
    general: &'a [ModelScores],
}

/// Heads, stacks and judge of one party.
fn fit_kinds(room: &Room<'_>) -> (KindHeads, HeadReport) {
    let wanted = |row: &Row| match row.set {
        Set::Lines => row.is_agents() == room.agent,
        Set::Woz | Set::Banking => !room.agent && row.part != Part::Held,
        _ => false,
    };
    let taken: Vec<usize> = (0..room.texts.len()).filter(|&index| wanted(room.texts[index].row)).collect();
    let of_rows = taken.iter().map(|&index| KindLesson {
        features: room.texts[index].features.of_kinds(),
        source: Source::Row(room.texts[index].row),
    });
    let own = room.drawn.iter().filter(|drawn| drawn.phrase.kind.is_agents() == room.agent);
    let of_phrases =
        own.map(|drawn| KindLesson { features: drawn.features.of_kinds(), source: Source::Phrase(drawn.phrase) });
    let lessons: Vec<KindLesson<'_>> = of_rows.chain(of_phrases).collect();
    let bits = if room.lang == Lang::De { KIND_BITS_DE } else { KIND_BITS_EN };
    let plan = kinds::Plan { agent: room.agent, bits: bits[usize::from(room.agent)] };
    let (mut heads, unseen) = kinds::heads(&lessons, &plan);

    let witnesses: Vec<Witness<'_>> = taken
        .iter()
        .zip(unseen)
        .filter(|&(&index, _)| room.texts[index].row.set == Set::Lines)
        .map(|(&index, raw)| {
            let Text { row, features } = &room.texts[index];
            let raw = if row.part == Part::Held { heads.raw(features.of_kinds()) } else { raw };
            kinds::witness(row, raw, room.general[index], &heads, room.engine)
        })
        .collect();
    let (held, in_use): (Vec<&Witness<'_>>, Vec<&Witness<'_>>) =
        witnesses.iter().partition(|line| line.row.part == Part::Held);
    let verdicts = unseen_verdicts(&heads, &in_use);
    let fresh: Vec<&Verdict<'_>> = verdicts.iter().filter(|said| said.line.row.unseen).collect();
    let fresh = if fresh.is_empty() { verdicts.iter().collect() } else { fresh };

    kinds::join(&mut heads, &in_use);
    let mut figures = Figures::new();
    cross_validated(&heads, &fresh, &mut figures);
    kinds::set_cuts(&mut heads, &fresh);
    let held: Vec<Verdict<'_>> = held.into_iter().map(|line| kinds::verdict(&heads, line)).collect();
    let held: Vec<&Verdict<'_>> = held.iter().collect();
    let [alone, joined] = kinds::macro_f1(&kinds::tallies(&heads, &held));
    figures.push(("lines held: macro F1, patterns alone".to_owned(), alone));
    figures.push(("lines held: macro F1, with the model".to_owned(), joined));
    if !room.agent {
        figures.extend(judge_auroc(&held).map(|area| ("lines held: AUROC of the judge".to_owned(), area)));
        figures.push(("cut for a complaint".to_owned(), heads.complaint_from));
        figures.push(("cut for friction".to_owned(), heads.friction_from));
        figures.push(("complaints by cues doubted below".to_owned(), heads.doubt_below));
    }
    let name = if room.agent { "agent's kinds" } else { "customer's kinds" };
    let report = HeadReport {
        lang: room.lang,
        head: name.to_owned(),
        yes: taken.len(),
        no: lessons.len() - taken.len(),
        figures,
    };
    (heads, report)
}

/// What stacks and judge say of lines of folds they were not fitted to; the heads had not seen these either.
fn unseen_verdicts<'a>(heads: &KindHeads, lines: &[&'a Witness<'a>]) -> Vec<Verdict<'a>> {
    let of_fold = |fold: usize| {
        let (own, others): (Vec<&'a Witness<'a>>, Vec<&Witness<'_>>) =
            lines.iter().copied().partition(|line| line.row.fold == fold);
        let mut heads = heads.clone();
        kinds::join(&mut heads, &others);
        own.into_iter().map(move |line| kinds::verdict(&heads, line))
    };
    (0..FOLDS).flat_map(of_fold).collect()
}

/// Figures of verdicts on unseen lines, the cuts of each fold chosen on the others.
fn cross_validated(heads: &KindHeads, verdicts: &[&Verdict<'_>], figures: &mut Figures) {
    let (mut by_kind, mut complaints, mut alike) = (Vec::new(), stack::Tally::default(), 0.0);
    for fold in 0..FOLDS {
        let (own, others): (Vec<&Verdict<'_>>, Vec<&Verdict<'_>>) =
            verdicts.iter().copied().partition(|said| said.line.row.fold == fold);
        let mut heads = heads.clone();
        kinds::set_cuts(&mut heads, &others);
        let tallies = kinds::tallies(&heads, &own);
        by_kind.resize(tallies.len(), [stack::Tally::default(); 2]);
        by_kind.iter_mut().zip(tallies).for_each(|(sums, both)| [0, 1].into_iter().for_each(|n| sums[n].add(both[n])));
        let (of_fold, flagged) = kinds::complaints(&heads, &own);
        complaints.add(of_fold);
        alike += flagged / FOLDS as f32;
    }
    let [alone, joined] = kinds::macro_f1(&by_kind);
    figures.push((format!("{} lines: macro F1, patterns alone", verdicts.len()), alone));
    figures.push(("cross-validated: macro F1, with the model".to_owned(), joined));
    if heads.judge.trees.is_empty() {
        return;
    }
    figures.extend(judge_auroc(verdicts).map(|area| ("cross-validated: AUROC of the judge".to_owned(), area)));
    let share = |part: f64, all: f64| (part / all.max(1.0)) as f32;
    let precision = share(complaints.hit, complaints.hit + complaints.wrong);
    figures.push(("cross-validated: precision of complaints".to_owned(), precision));
    figures.push(("cross-validated: recall of complaints".to_owned(), share(complaints.hit, complaints.support())));
    figures.push(("cross-validated: look-alikes flagged".to_owned(), alike));
}

fn judge_auroc(verdicts: &[&Verdict<'_>]) -> Option<f32> {
    let scored = verdicts.iter().map(|said| (said.judged, said.line.row.severity() >= Some(2)));
    auroc(&scored.collect::<Vec<Scored>>())
}

/// An example with its row.
struct Lesson<'a> {
    /// Place among the texts.
    text: usize,
    row: &'a Row,
    example: Example<'a>,
}

/// Trains one general head; what it says of texts it has not seen goes into `general`.
fn fit_head(texts: &[Text<'_>], plan: &Plan, general: &mut [ModelScores]) -> (Head, HeadReport) {
    let kind = plan.kind;
    let lessons: Vec<Lesson<'_>> = texts
        .iter()
        .enumerate()
        .filter_map(|(index, text)| {
            let (yes, weight) = text.row.lesson(kind)?;
            Some(Lesson {
                text: index,
                row: text.row,
                example: Example { features: text.features.general(), yes, weight },
            })
        })
        .collect();
    let unseen = unseen_scores(&lessons, plan);
    let (slope, offset) = curve(&unseen, kind);

    let all: Vec<&Lesson<'_>> = lessons.iter().filter(|lesson| lesson.row.part != Part::Held).collect();
    let weights = weights(&all, plan);
    let (small, scale) = weights.quantised();
    let head = Head { kind, weights: small, scale, bias: weights.bias, slope, offset };
    for (scores, text) in general.iter_mut().zip(texts) {
        set_score(scores, kind, head.probability(text.features.general()));
    }
    for (lesson, score) in &unseen {
        set_score(&mut general[lesson.text], kind, logistic(slope * score + offset));
    }

    let yes = all.iter().filter(|lesson| lesson.example.yes).count();
    let figures = figures(&lessons, &unseen, &head);
    (head, HeadReport { lang: plan.lang, head: format!("{kind:?}").to_lowercase(), yes, no: all.len() - yes, figures })
}

fn set_score(scores: &mut ModelScores, kind: HeadKind, probability: f32) {
    match kind {
        HeadKind::Offence => scores.offence = probability,
        HeadKind::Negative => scores.negative = probability,
        HeadKind::Positive => scores.positive = probability,
    }
}

/// Weights of a head from these lessons.
fn weights(lessons: &[&Lesson<'_>], plan: &Plan) -> Weights {
    let solve_for = |keep: &dyn Fn(Set) -> bool| {
        let kept: Vec<Example<'_>> =
            lessons.iter().filter(|lesson| keep(lesson.row.set)).map(|lesson| lesson.example).collect();
        solve(&kept, &plan.settings)
    };
    let Some(share) = plan.background else { return solve_for(&|_| true) };
    let calm = |set| matches!(set, Set::Woz | Set::Banking);
    let mut weights = solve_for(&|set| set == Set::Lines || calm(set));
    weights.add(&solve_for(&|set| set != Set::Lines), share);
    weights
}

/// Scores by weights trained without the row's fold, without dev and held-out rows.
fn unseen_scores<'a>(lessons: &'a [Lesson<'a>], plan: &Plan) -> Vec<(&'a Lesson<'a>, f32)> {
    let mut scores = Vec::new();
    for fold in 0..FOLDS {
        let others: Vec<&Lesson<'_>> =
            lessons.iter().filter(|lesson| matches!(lesson.row.part, Part::Fold(other) if other != fold)).collect();
        let weights = weights(&others, plan);
        let own = lessons.iter().filter(|lesson| lesson.row.part == Part::Fold(fold));
        scores.extend(own.map(|lesson| (lesson, weights.score(lesson.example.features))));
        if fold == 0 {
            let dev = lessons.iter().filter(|lesson| lesson.row.part == Part::Dev);
            scores.extend(dev.map(|lesson| (lesson, weights.score(lesson.example.features))));
        }
    }
    scores
}

/// The curve of a head. Offence: 0.5 is the cut with the best macro F1 on GermEval. The others: fitted to customer lines
/// of ours, both answers counting the same, and moved until at most [`CALM_SHARE`] of the calm requests reach 0.5.
fn curve(unseen: &[(&Lesson<'_>, f32)], kind: HeadKind) -> (f32, f32) {
    let of = |keep: &dyn Fn(&Row) -> bool| -> Vec<Scored> {
        unseen
            .iter()
            .filter(|(lesson, _)| keep(lesson.row))
            .map(|(lesson, score)| (*score, lesson.example.yes))
            .collect()
    };
    if kind == HeadKind::Offence {
        let tweets = of(&|row| row.set == Set::GermEval);
        let (slope, _) = logistic_curve(&tweets);
        return (slope, -slope * best_cut(&tweets));
    }
    let calm: Vec<f32> =
        of(&|row| matches!(row.set, Set::Woz | Set::Banking)).iter().map(|(score, _)| *score).collect();
    let (slope, offset) = logistic_curve(&of(&Row::is_customer_line));
    (slope, offset.min(-slope * cut_below(&calm, CALM_SHARE)))
}

fn figures(lessons: &[Lesson<'_>], unseen: &[(&Lesson<'_>, f32)], head: &Head) -> Vec<(String, f32)> {
    let mut out = Vec::new();
    let cut = -head.offset / head.slope;
    let mut add = |name: &str, scored: &[Scored]| {
        if let Some(area) = auroc(scored) {
            out.push((format!("{name}: AUROC"), area));
            out.push((format!("{name}: macro F1 at 0.5"), macro_f1(scored, cut)));
        } else if !scored.is_empty() {
            let scores: Vec<f32> = scored.iter().map(|(score, _)| *score).collect();
            out.push((format!("{name}: share at or above 0.5"), share_above(&scores, cut)));
        }
    };
    for set in [Set::GermEval, Set::InsultsPraise, Set::Potts, Set::Xed, Set::GoEmotions] {
        add(&format!("{set:?} cross-validated"), &scored(unseen, |row| row.set == set));
    }
    add("lines cross-validated", &scored(unseen, |row| row.is_customer_line() && row.part != Part::Dev));
    add("lines dev", &scored(unseen, |row| row.is_customer_line() && row.part == Part::Dev));
    let held: Vec<(&Lesson<'_>, f32)> = lessons
        .iter()
        .filter(|lesson| lesson.row.part == Part::Held)
        .map(|lesson| (lesson, head.raw(lesson.example.features)))
        .collect();
    add("lines held", &scored(&held, Row::is_customer_line));
    add("calm requests held", &scored(&held, |row| matches!(row.set, Set::Woz | Set::Banking)));
    out
}

fn scored(scores: &[(&Lesson<'_>, f32)], keep: impl Fn(&Row) -> bool) -> Vec<Scored> {
    let kept = scores.iter().filter(|(lesson, _)| keep(lesson.row));
    kept.map(|(lesson, score)| (*score, lesson.example.yes)).collect()
}

#[cfg(test)]
mod tests;
