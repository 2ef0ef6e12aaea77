//! Trains the embedded text model from public sets and our own lines; the same data give the same bytes.
//!
//! Each head is trained five times for scores of texts it has not seen, which set its curve from score to probability,
//! and once on everything but the held-out parts.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::language::classifier::features::{WordListError, WordLists, features};
use crate::language::classifier::{Classifier, Head, HeadKind, LanguageHeads};
use crate::terms::Lang;

mod data;
mod figures;
mod solver;

use self::data::{FOLDS, Part, Row, Set};
use self::figures::{Scored, auroc, best_cut, cut_below, logistic_curve, macro_f1, share_above};
use self::solver::{Example, Settings, Weights, solve};

const WORDS_DE: &str = include_str!("../../models/text/words_de.txt");
const WORDS_EN: &str = include_str!("../../models/text/words_en.txt");

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
        settings: Settings { bits: 18, smoothing: 0.5, ratio_power: 1.0, cost: 8.0, yes_cost: 1.8, rounds: 30 },
        background: None,
    },
    Plan {
        lang: Lang::De,
        kind: HeadKind::Negative,
        settings: Settings { bits: 17, smoothing: 0.5, ratio_power: 0.5, cost: 8.0, yes_cost: 1.5, rounds: 30 },
        background: Some(0.2),
    },
    Plan {
        lang: Lang::De,
        kind: HeadKind::Positive,
        settings: Settings { bits: 17, smoothing: 0.5, ratio_power: 0.5, cost: 8.0, yes_cost: 1.5, rounds: 30 },
        background: Some(0.3),
    },
    Plan {
        lang: Lang::En,
        kind: HeadKind::Negative,
        settings: Settings { bits: 17, smoothing: 0.5, ratio_power: 0.5, cost: 8.0, yes_cost: 1.5, rounds: 15 },
        background: Some(2.0),
    },
    Plan {
        lang: Lang::En,
        kind: HeadKind::Positive,
        settings: Settings { bits: 17, smoothing: 0.5, ratio_power: 0.5, cost: 8.0, yes_cost: 1.5, rounds: 15 },
        background: Some(1.0),
    },
];

/// At most this share of calm requests not seen in training scores 0.5 or more with the heads other than offence.
const CALM_SHARE: f32 = 0.003;

/// Why nothing was trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error("cannot read {}: {source}; give the folder of the public sets and the folder of our lines", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}, line {line}: {message}", path.display())]
    Line { path: PathBuf, line: usize, message: String },
    #[error("words_{}.txt: {error}", lang.as_str())]
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
    let rows = data::rows(data, lines)?;
    let (classifier, heads) = fit(&rows)?;
    let bytes = classifier.to_bytes();
    fs::write(out, &bytes).map_err(|source| TrainError::Write { path: out.to_owned(), source })?;
    Ok(Report { bytes: bytes.len(), heads })
}

fn fit(rows: &[Row]) -> Result<(Classifier, Vec<HeadReport>), TrainError> {
    let (mut languages, mut reports) = (Vec::new(), Vec::new());
    for (lang, words) in [(Lang::De, WORDS_DE), (Lang::En, WORDS_EN)] {
        let lists = WordLists::parse(words).map_err(|error| TrainError::Words { lang, error })?;
        let texts: Vec<Text<'_>> = rows
            .iter()
            .filter(|row| row.lang == lang)
            .map(|row| Text { row, features: features(&row.text, &lists) })
            .filter(|text| !text.features.is_empty())
            .collect();
        let mut heads = Vec::new();
        for plan in PLAN.iter().filter(|plan| plan.lang == lang) {
            let (head, report) = fit_head(&texts, plan);
            heads.push(head);
            reports.push(report);
        }
        let heads = LanguageHeads::new(lang, words.to_owned(), heads);
        languages.push(heads.map_err(|error| TrainError::Words { lang, error })?);
    }
    Ok((Classifier::new(languages), reports))
}

struct Text<'a> {
    row: &'a Row,
    features: Vec<u32>,
}

/// An example with its row.
struct Lesson<'a> {
    row: &'a Row,
    example: Example,
}

fn fit_head(texts: &[Text<'_>], plan: &Plan) -> (Head, HeadReport) {
    let kind = plan.kind;
    let lessons: Vec<Lesson<'_>> = texts
        .iter()
        .filter_map(|text| {
            let (yes, weight) = text.row.lesson(kind)?;
            Some(Lesson { row: text.row, example: Example { features: text.features.clone(), yes, weight } })
        })
        .collect();
    let unseen = unseen_scores(&lessons, plan);
    let (slope, offset) = curve(&unseen, kind);

    let all: Vec<&Lesson<'_>> = lessons.iter().filter(|lesson| lesson.row.part != Part::Held).collect();
    let weights = weights(&all, plan);
    let (small, scale) = weights.quantised();
    let head = Head { kind, weights: small, scale, bias: weights.bias, slope, offset };

    let yes = all.iter().filter(|lesson| lesson.example.yes).count();
    let figures = figures(&lessons, &unseen, &head);
    (head, HeadReport { lang: plan.lang, head: format!("{kind:?}").to_lowercase(), yes, no: all.len() - yes, figures })
}

/// Weights of a head from these lessons.
fn weights(lessons: &[&Lesson<'_>], plan: &Plan) -> Weights {
    let solve_for = |keep: &dyn Fn(Set) -> bool| {
        let kept: Vec<&Example> =
            lessons.iter().filter(|lesson| keep(lesson.row.set)).map(|lesson| &lesson.example).collect();
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
        scores.extend(own.map(|lesson| (lesson, weights.score(&lesson.example.features))));
        if fold == 0 {
            let dev = lessons.iter().filter(|lesson| lesson.row.part == Part::Dev);
            scores.extend(dev.map(|lesson| (lesson, weights.score(&lesson.example.features))));
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
        .map(|lesson| (lesson, head.raw(&lesson.example.features)))
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
