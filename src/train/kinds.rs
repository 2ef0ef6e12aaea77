//! Trains the heads of the kinds of cue and what joins them with the patterns.
//!
//! Heads learn from our lines, from the examples in the cue files and from word sequences drawn from the patterns. What
//! joins heads and patterns, and the judge of severity, are fitted to scores of lines that the heads had not seen. Their
//! cuts are chosen on lines that they had not seen either and of which the cue authors had seen none: on lines they knew the
//! patterns look better than they are.

use std::panic::resume_unwind;
use std::thread;

use super::boost::boost;
use super::data::{FOLDS, Part, Row, Set};
use super::phrases::Phrase;
use super::solver::{Example, Settings, solve};
use super::stack::{Tally, ridge};
use crate::language::classifier::ModelScores;
use crate::language::classifier::kinds::{Column, KindHeads, Question, Stack};
use crate::language::cues::{Engine, Findings};
use crate::language::evidence::evidence;
use crate::language::severity;
use crate::terms::CueKind;

/// Weights of lessons: a line of ours counts 1.
const WRITTEN: f32 = 0.5;
const DRAWN: f32 = 0.3;
const CALM_REQUEST: f32 = 0.1;
/// Cuts tried for the probability of a kind.
const CUTS: std::ops::RangeInclusive<u32> = 15..=75;
/// The cut of a kind is drawn to the best common cut as if so many lines had voted for that.
const COMMON_VOTES: f64 = 15.0;
/// Least precision of what heads find without a pattern.
const ADDED_PRECISION: f64 = 0.55;
/// How strongly the weights of a stack are drawn to 0, for numbers of variance 1; the constant's hardly.
const STACK_STRENGTH: f64 = 50.0;
const CONSTANT_STRENGTH: f64 = 0.01;

/// One text and everything known about it.
pub struct Lesson<'a> {
    pub features: &'a [u32],
    pub source: Source<'a>,
}

pub enum Source<'a> {
    Row(&'a Row),
    Phrase(&'a Phrase),
}

impl Lesson<'_> {
    /// What the lesson says of a column, and how much that counts.
    fn answer(&self, column: Column) -> Option<(bool, f32)> {
        match (&self.source, column) {
            (Source::Row(row), Column::Kind(kind)) if row.set == Set::Lines => Some((row.cues().contains(&kind), 1.0)),
            (Source::Row(row), Column::Severity(least)) if row.set == Set::Lines => {
                Some((row.severity()? >= least, 1.0))
            }
            (Source::Row(_), Column::Kind(kind)) if relieves(kind) => None,
            (Source::Row(_), _) => Some((false, CALM_REQUEST)),
            (Source::Phrase(phrase), Column::Kind(kind)) => {
                Some((phrase.yes && phrase.kind == kind, if phrase.drawn { DRAWN } else { WRITTEN }))
            }
            (Source::Phrase(phrase), Column::Severity(least)) => {
                let weight = if phrase.drawn { DRAWN } else { WRITTEN };
                phrase.yes.then_some((phrase.severity >= least, weight))
            }
        }
    }

    fn fold(&self) -> Option<usize> {
        match &self.source {
            Source::Row(row) if row.set == Set::Lines => Some(row.fold),
            _ => None,
        }
    }
}

fn relieves(kind: CueKind) -> bool {
    (CueKind::Gratitude..=CueKind::Humour).contains(&kind)
}

/// What to train.
pub struct Plan {
    pub agent: bool,
    pub bits: u32,
}

/// A line of ours with what heads and patterns say of it, neither having seen it (heads by cross-validation).
pub struct Witness<'a> {
    pub row: &'a Row,
    /// By question, whether a pattern of the kind was found.
    pub found: Vec<bool>,
    pub evidence: Vec<f32>,
}

impl Witness<'_> {
    fn is(&self, kind: CueKind) -> bool {
        self.row.cues().contains(&kind)
    }

    fn is_complaint(&self) -> bool {
        self.row.severity() >= Some(2)
    }

    /// Severity by the patterns' cues alone.
    fn by_cues(&self) -> usize {
        (1..4).find(|by| self.evidence.get(*by) == Some(&1.0)).unwrap_or(0)
    }
}

/// What stacks and judge say of a line.
pub struct Verdict<'a> {
    pub line: &'a Witness<'a>,
    /// Probability by question.
    kinds: Vec<f32>,
    /// Probability of a complaint.
    pub judged: f32,
}

/// Figures by name.
pub type Figures = Vec<(String, f32)>;

/// Columns of a party: its kinds, and for the customer the severities.
pub fn columns(agent: bool) -> Vec<Column> {
    let kinds = CueKind::ALL.iter().filter(|kind| kind.is_agents() == agent).map(|&kind| Column::Kind(kind));
    let severities = if agent { &[][..] } else { &[Column::Severity(1), Column::Severity(2), Column::Severity(3)] };
    kinds.chain(severities.iter().copied()).collect()
}

/// Trains the heads, without stacks and judge, and scores every line of ours by heads that had not seen its fold.
pub fn heads<'a>(lessons: &[Lesson<'a>], plan: &Plan) -> (KindHeads, Vec<Vec<f32>>) {
    let columns = columns(plan.agent);
    let trained = in_parallel(columns.len(), |index| train_column(lessons, columns[index], plan));
    let size = 1usize << plan.bits;
    let mut weights = vec![0i8; size * columns.len()];
    let mut questions = Vec::new();
    let mut unseen = vec![Vec::with_capacity(columns.len()); lessons.len()];
    for (index, one) in trained.into_iter().enumerate() {
        for (bucket, &weight) in one.weights.iter().enumerate() {
            weights[bucket * columns.len() + index] = weight;
        }
        questions.push(Question {
            column: columns[index],
            scale: one.scale,
            bias: one.bias,
            stack: Stack::default(),
            add_from: 2.0,
            keep_from: 0.0,
        });
        unseen.iter_mut().zip(one.unseen).for_each(|(row, score)| row.push(score));
    }
    (KindHeads { questions, weights, ..KindHeads::default() }, unseen)
}

/// What `of` gives for each number below `count`, on all cores.
fn in_parallel<T: Send>(count: usize, of: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut made: Vec<(usize, T)> = thread::scope(|scope| {
        let of_worker = |worker: usize| {
            let of = &of;
            scope.spawn(move || (worker..count).step_by(workers).map(|number| (number, of(number))).collect::<Vec<_>>())
        };
        let running: Vec<_> = (0..workers).map(of_worker).collect();
        running.into_iter().flat_map(|one| one.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    made.sort_by_key(|(number, _)| *number);
    made.into_iter().map(|(_, one)| one).collect()
}

struct Trained {
    weights: Vec<i8>,
    scale: f32,
    bias: f32,
    /// By lesson; 0 for those that are no line of ours.
    unseen: Vec<f32>,
}

fn train_column(lessons: &[Lesson<'_>], column: Column, plan: &Plan) -> Trained {
    let settings = Settings { bits: plan.bits, smoothing: 0.5, ratio_power: 0.5, cost: 8.0, yes_cost: 1.5, rounds: 12 };
    let solve_for = |wanted: &dyn Fn(&Lesson<'_>) -> bool| {
        let examples: Vec<Example<'_>> = lessons
            .iter()
            .filter(|lesson| wanted(lesson) && !is_held(lesson))
            .filter_map(|lesson| {
                let (yes, weight) = lesson.answer(column)?;
                Some(Example { features: lesson.features, yes, weight })
            })
            .collect();
        solve(&examples, &settings)
    };
    let mut unseen = vec![0.0; lessons.len()];
    for fold in 0..FOLDS {
        let weights = solve_for(&|lesson| lesson.fold() != Some(fold));
        for (score, lesson) in unseen.iter_mut().zip(lessons).filter(|(_, lesson)| lesson.fold() == Some(fold)) {
            *score = weights.score(lesson.features);
        }
    }
    let weights = solve_for(&|_| true);
    let (small, scale) = weights.quantised();
    Trained { weights: small, scale, bias: weights.bias, unseen }
}

fn is_held(lesson: &Lesson<'_>) -> bool {
    matches!(&lesson.source, Source::Row(row) if row.part == Part::Held)
}

/// What patterns and heads say of a line.
pub fn witness<'a>(
    row: &'a Row,
    raw: Vec<f32>,
    general: ModelScores,
    heads: &KindHeads,
    engine: &Engine,
) -> Witness<'a> {
    let normalized = engine.normalize(&row.text);
    let findings: Findings<'_> = engine.find(&normalized, row.is_agents());
    let found = heads
        .questions
        .iter()
        .map(|question| matches!(question.column, Column::Kind(kind) if findings.hits.iter().any(|hit| hit.entry.kind == kind)))
        .collect();
    let evidence = evidence(&findings, general, heads, &raw, &row.text, &normalized);
    Witness { row, found, evidence }
}

/// Fits the stacks of all kinds, and for customers the judge, to these lines.
pub fn join(heads: &mut KindHeads, lines: &[&Witness<'_>]) {
    let rows: Vec<&[f32]> = lines.iter().map(|line| &line.evidence[..]).collect();
    let strength = strengths(&rows);
    let stacks = in_parallel(heads.questions.len(), |column| {
        let kind = heads.questions[column].column.kind()?;
        let yes: Vec<bool> = lines.iter().map(|line| line.is(kind)).collect();
        Some(Stack::of(&ridge(&rows, &yes, &strength)))
    });
    for (question, stack) in heads.questions.iter_mut().zip(stacks) {
        question.stack = stack.unwrap_or_default();
    }
    if heads.questions.iter().any(|question| question.column == Column::Severity(2)) {
        let yes: Vec<bool> = lines.iter().map(|line| line.is_complaint()).collect();
        heads.judge = boost(&rows, &yes);
    }
}

/// By number, how strongly its weight is drawn to 0: as if it had a variance of 1. The first is the constant.
fn strengths(rows: &[&[f32]]) -> Vec<f64> {
    let count = rows.len().max(1) as f64;
    let of = |number: usize| {
        let mean = rows.iter().map(|row| f64::from(row[number])).sum::<f64>() / count;
        rows.iter().map(|row| (f64::from(row[number]) - mean).powi(2)).sum::<f64>() / count
    };
    let mut strength: Vec<f64> =
        (0..rows.first().map_or(0, |row| row.len())).map(|number| STACK_STRENGTH * of(number) + 1e-6).collect();
    strength.first_mut().into_iter().for_each(|constant| *constant = CONSTANT_STRENGTH);
    strength
}

/// What stacks and judge say of a line.
pub fn verdict<'a>(heads: &KindHeads, line: &'a Witness<'a>) -> Verdict<'a> {
    let kinds = heads.questions.iter().map(|question| question.stack.probability(&line.evidence)).collect();
    Verdict { line, kinds, judged: heads.judge.probability(&line.evidence) }
}

/// Chooses all cuts by verdicts on lines that neither heads nor stacks nor judge had seen.
pub fn set_cuts(heads: &mut KindHeads, verdicts: &[&Verdict<'_>]) {
    let common = common_scores(heads, verdicts);
    for (column, question) in heads.questions.iter_mut().enumerate() {
        if let Some(kind) = question.column.kind() {
            set_kind_cuts(question, verdicts, column, kind, &common);
        }
    }
    if !heads.judge.trees.is_empty() {
        set_severity_cuts(heads, verdicts);
    }
}

fn at_cut(verdicts: &[&Verdict<'_>], column: usize, kind: CueKind, cut: f32) -> Tally {
    Tally::of(verdicts.iter().map(|said| (said.kinds[column] >= cut, said.line.is(kind))))
}

fn cut_of(step: u32) -> f32 {
    step as f32 / 100.0
}

/// Mean F1 over all kinds by cut.
fn common_scores(heads: &KindHeads, verdicts: &[&Verdict<'_>]) -> Vec<f64> {
    CUTS.map(|step| {
        let (mut sum, mut kinds) = (0.0, 0);
        for (column, question) in heads.questions.iter().enumerate() {
            if let Some(kind) = question.column.kind() {
                let tally = at_cut(verdicts, column, kind, cut_of(step));
                if tally.support() > 0.0 {
                    sum += tally.f1();
                    kinds += 1;
                }
            }
        }
        sum / f64::from(kinds.max(1))
    })
    .collect()
}

/// The cut with the best F1, drawn to the common one; a kind without a pattern needs a fair precision besides.
fn set_kind_cuts(question: &mut Question, verdicts: &[&Verdict<'_>], column: usize, kind: CueKind, common: &[f64]) {
    let mut best = (f64::NEG_INFINITY, 0.5);
    for (step, common) in CUTS.zip(common) {
        let tally = at_cut(verdicts, column, kind, cut_of(step));
        let votes = tally.support();
        let value = (votes * tally.f1() + COMMON_VOTES * common) / (votes + COMMON_VOTES);
        if value > best.0 {
            best = (value, cut_of(step));
        }
    }
    let unnamed: Vec<&Verdict<'_>> = verdicts.iter().copied().filter(|said| !said.line.found[column]).collect();
    let precise = |cut: &f32| {
        let tally = at_cut(&unnamed, column, kind, *cut);
        (tally.hit + ADDED_PRECISION) / (tally.hit + tally.wrong + 1.0) >= ADDED_PRECISION
    };
    let cut = best.1;
    let add_from = CUTS.map(cut_of).filter(|step| *step >= cut).find(precise).unwrap_or(0.9);
    question.add_from = if severity::model_may_add(kind) { add_from } else { 2.0 };
    question.keep_from = cut.min(severity::model_may_drop_below(kind));
}

/// By question, whether heads and patterns together find the kind, as in use.
fn answers(heads: &KindHeads, said: &Verdict<'_>) -> Vec<bool> {
    let of = |(column, question): (usize, &Question)| {
        said.kinds[column] >= if said.line.found[column] { question.keep_from } else { question.add_from }
    };
    heads.questions.iter().enumerate().map(of).collect()
}

/// Least precision of complaints that the judge hears without a cue of friction.
const UNNAMED_PRECISION: f64 = 0.9;
/// A complaint by cues is doubted at most below this probability.
const DOUBT_MAX: f32 = 0.6;

/// Chooses the cuts of the judge. A complaint by cues is doubted where that makes most answers right; one is heard
/// without a cue where nine in ten are right; friction where most answers without a cue are right.
fn set_severity_cuts(heads: &mut KindHeads, verdicts: &[&Verdict<'_>]) {
    let steps = |value: &dyn Fn(f32) -> f64| {
        let better = |best: (f64, f32), cut: f32| if value(cut) > best.0 { (value(cut), cut) } else { best };
        (5..=95).map(cut_of).fold((f64::NEG_INFINITY, 0.5), better).1
    };
    heads.doubt_below = steps(&|cut| {
        let own = verdicts.iter().filter(|said| said.line.by_cues() == 2);
        own.filter(|said| (said.judged >= cut) == said.line.is_complaint()).count() as f64
    })
    .min(DOUBT_MAX);
    heads.complaint_from = steps(&|cut| {
        let unnamed = verdicts.iter().filter(|said| said.line.by_cues() == 0);
        let tally = Tally::of(unnamed.map(|said| (said.judged >= cut, said.line.is_complaint())));
        let precise = tally.hit >= UNNAMED_PRECISION * (tally.hit + tally.wrong);
        if precise { tally.hit } else { -1.0 }
    });
    heads.friction_from = steps(&|cut| {
        let calm = verdicts.iter().filter(|said| said.line.by_cues() == 0);
        calm.filter(|said| (said.judged >= cut) == (said.line.row.severity() >= Some(1))).count() as f64
    })
    .min(heads.complaint_from);
}

/// Whether the program flags a line as a complaint or more.
fn flagged(heads: &KindHeads, said: &Verdict<'_>) -> bool {
    match said.line.by_cues() {
        3 => said.judged >= severity::judge_may_drop_below(CueKind::LegalThreat),
        2 => said.judged >= heads.doubt_below,
        _ => said.judged >= heads.complaint_from,
    }
}

/// Right, wrong and missed complaints, and the share of look-alikes flagged.
pub fn complaints(heads: &KindHeads, verdicts: &[&Verdict<'_>]) -> (Tally, f32) {
    let tally = Tally::of(verdicts.iter().map(|said| (flagged(heads, said), said.line.is_complaint())));
    let alike: Vec<bool> =
        verdicts.iter().filter(|said| said.line.row.hard_negative).map(|said| flagged(heads, said)).collect();
    (tally, alike.iter().filter(|said| **said).count() as f32 / alike.len().max(1) as f32)
}

/// By question of a kind, right, wrong and missed findings of patterns alone, and with the model.
pub fn tallies(heads: &KindHeads, verdicts: &[&Verdict<'_>]) -> Vec<[Tally; 2]> {
    let said: Vec<Vec<bool>> = verdicts.iter().map(|said| answers(heads, said)).collect();
    let kinds =
        heads.questions.iter().enumerate().filter_map(|(column, question)| Some((column, question.column.kind()?)));
    kinds
        .map(|(column, kind)| {
            let alone = verdicts.iter().map(|said| (said.line.found[column], said.line.is(kind)));
            let joined = verdicts.iter().zip(&said).map(|(verdict, said)| (said[column], verdict.line.is(kind)));
            [Tally::of(alone), Tally::of(joined)]
        })
        .collect()
}

/// Macro F1 over the kinds with at least three lines: patterns alone, and with the model.
pub fn macro_f1(tallies: &[[Tally; 2]]) -> [f32; 2] {
    let known: Vec<&[Tally; 2]> = tallies.iter().filter(|[alone, _]| alone.support() >= 3.0).collect();
    [0, 1].map(|which| (known.iter().map(|both| both[which].f1()).sum::<f64>() / known.len().max(1) as f64) as f32)
}
