//! Trains the heads of the kinds of cue and what joins them with the patterns.
//!
//! Heads learn from our lines, from the examples in the cue files and from word sequences drawn from the patterns. What
//! joins a head with its pattern, and the judge of severity, are fitted to scores of lines that the head had not seen and
//! of which the cue authors had seen none: on lines they knew the patterns look better than they are.

use std::thread;

use super::data::{FOLDS, Part, Row, Set};
use super::phrases::Phrase;
use super::solver::{Example, Settings, solve};
use super::stack::{Tally, ridge};
use crate::language::classifier::ModelScores;
use crate::language::classifier::kinds::{Column, KindHeads, Question, Stack};
use crate::language::cues::{Engine, Findings};
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
/// Towards what the stacks are drawn, and how strongly: bias, head, pattern, withheld.
const STACK_PRIOR: [f64; 4] = [-2.0, 1.0, 2.0, -0.3];
const STACK_STRENGTH: [f64; 4] = [0.02, 0.2, 0.2, 3.0];
const JUDGE_STRENGTH: f64 = 1.0;
/// Strength of German coefficients as a prior where a language has no unseen lines.
const BORROWED_STRENGTH: f64 = 30.0;

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
    pub raw: Vec<f32>,
    pub found: Vec<bool>,
    pub withheld: bool,
    pub evidence: Vec<f32>,
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
    let workers = thread::available_parallelism().map_or(1, usize::from).min(columns.len());
    let mut trained: Vec<(usize, Trained)> = thread::scope(|scope| {
        let of_worker = |worker: usize| {
            let columns = &columns;
            scope.spawn(move || {
                let own = columns.iter().enumerate().skip(worker).step_by(workers);
                own.map(|(index, &column)| (index, train_column(lessons, column, plan))).collect::<Vec<_>>()
            })
        };
        let workers: Vec<_> = (0..workers).map(of_worker).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    trained.sort_by_key(|(index, _)| *index);
    let size = 1usize << plan.bits;
    let mut weights = vec![0i8; size * columns.len()];
    let mut questions = Vec::new();
    let mut unseen = vec![Vec::with_capacity(columns.len()); lessons.len()];
    for (index, one) in trained {
        for (bucket, &weight) in one.weights.iter().enumerate() {
            weights[bucket * columns.len() + index] = weight;
        }
        let stack = Stack { add_from: 2.0, ..Stack::default() };
        questions.push(Question { column: columns[index], scale: one.scale, bias: one.bias, stack });
        unseen.iter_mut().zip(one.unseen).for_each(|(row, score)| row.push(score));
    }
    (KindHeads { questions, weights, ..KindHeads::default() }, unseen)
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
    let evidence = if row.is_agents() { Vec::new() } else { severity::evidence(&findings, general, heads, &raw) };
    Witness { row, raw, found, withheld: findings.withheld, evidence }
}

/// Fits the stacks of all kinds and their cuts. `prior`: heads of another language, where this one has no unseen lines.
pub fn fit_stacks(heads: &mut KindHeads, lines: &[&Witness<'_>], prior: Option<&KindHeads>) {
    let mut stacks: Vec<Stack> = Vec::new();
    for (column, question) in heads.questions.iter().enumerate() {
        let Column::Kind(kind) = question.column else {
            stacks.push(question.stack);
            continue;
        };
        let borrowed = prior.and_then(|prior| Some(prior.questions[prior.column(kind)?].stack));
        stacks.push(fit_stack(lines, column, kind, borrowed));
    }
    let common = common_scores(heads, &stacks, lines);
    for (column, question) in heads.questions.iter_mut().enumerate() {
        question.stack = stacks[column];
        if let Column::Kind(kind) = question.column {
            set_cuts(&mut question.stack, lines, column, kind, &common);
        }
    }
}

fn fit_stack(lines: &[&Witness<'_>], column: usize, kind: CueKind, borrowed: Option<Stack>) -> Stack {
    let rows: Vec<Vec<f64>> = lines
        .iter()
        .map(|line| {
            let of = |yes: bool| f64::from(u8::from(yes));
            vec![1.0, f64::from(line.raw[column]), of(line.found[column]), of(line.withheld)]
        })
        .collect();
    let yes: Vec<bool> = lines.iter().map(|line| line.row.cues().contains(&kind)).collect();
    let (prior, strength) = match borrowed {
        Some(stack) => {
            let prior = [stack.bias, stack.head, stack.found, stack.withheld].map(f64::from);
            (prior, [1.0, BORROWED_STRENGTH, BORROWED_STRENGTH, BORROWED_STRENGTH])
        }
        None => (STACK_PRIOR, STACK_STRENGTH),
    };
    let beta = ridge(&rows, &yes, &prior, &strength);
    let [bias, head, found, withheld] = [0, 1, 2, 3].map(|index| beta[index] as f32);
    Stack { bias, head: head.max(0.0), found: found.max(0.0), withheld, add_from: 2.0, keep_from: 0.0 }
}

fn probability(stack: &Stack, line: &Witness<'_>, column: usize) -> f32 {
    stack.probability(line.raw[column], line.found[column], line.withheld)
}

fn at_cut(stack: &Stack, lines: &[&Witness<'_>], column: usize, kind: CueKind, cut: f32) -> Tally {
    Tally::of(lines.iter().map(|line| (probability(stack, line, column) >= cut, line.row.cues().contains(&kind))))
}

fn cut_of(step: u32) -> f32 {
    step as f32 / 100.0
}

/// Mean F1 over all kinds by cut.
fn common_scores(heads: &KindHeads, stacks: &[Stack], lines: &[&Witness<'_>]) -> Vec<f64> {
    CUTS.map(|step| {
        let (mut sum, mut kinds) = (0.0, 0);
        for (column, question) in heads.questions.iter().enumerate() {
            if let Column::Kind(kind) = question.column {
                let tally = at_cut(&stacks[column], lines, column, kind, cut_of(step));
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
fn set_cuts(stack: &mut Stack, lines: &[&Witness<'_>], column: usize, kind: CueKind, common: &[f64]) {
    let mut best = (f64::NEG_INFINITY, 0.5);
    for (step, common) in CUTS.zip(common) {
        let tally = at_cut(stack, lines, column, kind, cut_of(step));
        let votes = tally.support();
        let value = (votes * tally.f1() + COMMON_VOTES * common) / (votes + COMMON_VOTES);
        if value > best.0 {
            best = (value, cut_of(step));
        }
    }
    let added = |cut: f32| {
        Tally::of(
            lines
                .iter()
                .filter(|line| !line.found[column])
                .map(|line| (probability(stack, line, column) >= cut, line.row.cues().contains(&kind))),
        )
    };
    let precise = |cut: &f32| {
        let tally = added(*cut);
        (tally.hit + ADDED_PRECISION) / (tally.hit + tally.wrong + 1.0) >= ADDED_PRECISION
    };
    let cut = best.1;
    let add_from = CUTS.map(cut_of).filter(|step| *step >= cut).find(precise).unwrap_or(0.9);
    stack.add_from = if severity::model_may_add(kind) { add_from } else { 2.0 };
    stack.keep_from = cut.min(severity::model_may_drop_below(kind));
}

/// The answers of heads and patterns together, as in use.
pub fn answers(heads: &KindHeads, line: &Witness<'_>) -> Vec<bool> {
    let of = |(column, question): (usize, &Question)| {
        let probability = probability(&question.stack, line, column);
        probability >= if line.found[column] { question.stack.keep_from } else { question.stack.add_from }
    };
    heads.questions.iter().enumerate().map(of).collect()
}

/// Fits the judge of severity 2 and more.
pub fn fit_judge(lines: &[&Witness<'_>], prior: Option<&[f32]>) -> Vec<f32> {
    let rows: Vec<Vec<f64>> =
        lines.iter().map(|line| line.evidence.iter().map(|&number| f64::from(number)).collect()).collect();
    let yes: Vec<bool> = lines.iter().map(|line| line.row.severity() >= Some(2)).collect();
    let size = rows.first().map_or(0, Vec::len);
    let (prior, strength) = match prior {
        Some(prior) => (prior.iter().map(|&number| f64::from(number)).collect(), BORROWED_STRENGTH),
        None => (vec![0.0; size], JUDGE_STRENGTH),
    };
    let mut strength = vec![strength; size];
    if let Some(bias) = strength.first_mut() {
        *bias = 0.01;
    }
    ridge(&rows, &yes, &prior, &strength).into_iter().map(|number| number as f32).collect()
}

/// Share of calm look-alikes that may be flagged as complaints; on lines not fitted to it is somewhat more.
const LOOK_ALIKES_FLAGGED: f64 = 0.05;
/// A complaint by cues is doubted at most below this probability.
const DOUBT_MAX: f32 = 0.5;

/// Chooses the cuts of the judge. A complaint by cues is doubted where that makes most answers right; one is heard
/// without such cues where F1 is best with few look-alikes flagged; friction where most answers without a cue are right.
pub fn set_severity_cuts(heads: &mut KindHeads, lines: &[(&Witness<'_>, f32)]) {
    let by_cues = |line: &Witness<'_>| (1..4).find(|by| line.evidence.get(*by) == Some(&1.0)).unwrap_or(0);
    let bad = |line: &Witness<'_>| line.row.severity() >= Some(2);
    let steps = |value: &dyn Fn(f32) -> f64| {
        let better = |best: (f64, f32), cut: f32| if value(cut) > best.0 { (value(cut), cut) } else { best };
        (5..=95).map(cut_of).fold((f64::NEG_INFINITY, 0.5), better).1
    };
    heads.doubt_below = steps(&|cut| {
        let own = lines.iter().filter(|(line, _)| by_cues(line) == 2);
        own.filter(|(line, score)| (*score >= cut) == bad(line)).count() as f64
    })
    .min(DOUBT_MAX);
    let doubt_below = heads.doubt_below;
    let said = |line: &Witness<'_>, score: f32, cut: f32| match by_cues(line) {
        3 => true,
        2 => score >= doubt_below,
        _ => score >= cut,
    };
    let look_alikes = || lines.iter().filter(|(line, _)| line.row.hard_negative && by_cues(line) < 3);
    let most = (look_alikes().count() as f64 * LOOK_ALIKES_FLAGGED).max(0.5);
    heads.complaint_from = steps(&|cut| {
        let flagged = look_alikes().filter(|(line, score)| said(line, *score, cut)).count() as f64;
        let tally = Tally::of(lines.iter().map(|(line, score)| (said(line, *score, cut), bad(line))));
        if flagged <= most { tally.f1() } else { -flagged }
    });
    heads.friction_from = steps(&|cut| {
        let calm = lines.iter().filter(|(line, _)| by_cues(line) == 0);
        calm.filter(|(line, score)| (*score >= cut) == (line.row.severity() >= Some(1))).count() as f64
    })
    .min(heads.complaint_from);
}

/// What the program says of a line: a complaint or more.
pub fn flagged(heads: &KindHeads, line: &Witness<'_>) -> bool {
    let score = judged(&heads.judge, line);
    match (1..4).find(|by| line.evidence.get(*by) == Some(&1.0)) {
        Some(3) => score >= severity::judge_may_drop_below(CueKind::LegalThreat),
        Some(2) => score >= heads.doubt_below,
        _ => score >= heads.complaint_from,
    }
}

/// Probability of a complaint by the judge.
pub fn judged(judge: &[f32], line: &Witness<'_>) -> f32 {
    let log_odds: f32 = judge.iter().zip(&line.evidence).map(|(weight, number)| weight * number).sum();
    1.0 / (1.0 + (-log_odds).exp())
}

/// Macro F1 over the kinds with at least three lines: patterns alone, and with the model.
pub fn macro_f1(heads: &KindHeads, lines: &[(&Witness<'_>, Vec<bool>)]) -> [f32; 2] {
    let mut sums = [0.0; 2];
    let mut kinds = 0;
    for (column, question) in heads.questions.iter().enumerate() {
        let Column::Kind(kind) = question.column else { continue };
        let truth = |line: &Witness<'_>| line.row.cues().contains(&kind);
        let alone = Tally::of(lines.iter().map(|(line, _)| (line.found[column], truth(line))));
        let joined = Tally::of(lines.iter().map(|(line, said)| (said[column], truth(line))));
        if alone.support() >= 3.0 {
            sums[0] += alone.f1();
            sums[1] += joined.f1();
            kinds += 1;
        }
    }
    sums.map(|sum| (sum / f64::from(kinds.max(1))) as f32)
}
