//! Figures of an offence set such as GermEval 2018, subtask 1.

use serde::Serialize;

use super::metrics::{Counts, auroc, mean};
use super::records::OffenceLine;
use crate::language::Language;
use crate::terms::{Channel, Lang};

/// From this probability on the offence head says yes.
const OFFENCE_MIN: f32 = 0.5;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OffenceReport {
    pub name: String,
    pub lines: usize,
    pub offence_f1: Option<f64>,
    pub other_f1: Option<f64>,
    /// The shared task's figure: the mean of both.
    pub macro_f1: Option<f64>,
    pub auroc: Option<f64>,
}

/// Offence sets are German; the text model's offence head alone decides.
pub fn report(language: &Language, name: &str, lines: &[OffenceLine]) -> OffenceReport {
    let (mut offence, mut other, mut scored) = (Counts::default(), Counts::default(), Vec::new());
    for line in lines {
        let names = crate::language::Names::default();
        let probability = language.read(Lang::De, Channel::Customer, &line.text, &names).model.offence;
        let found = probability >= OFFENCE_MIN;
        offence.add(line.offence, found);
        other.add(!line.offence, !found);
        scored.push((probability, line.offence));
    }
    let both: Vec<f64> = [offence.f1(), other.f1()].into_iter().flatten().collect();
    OffenceReport {
        name: name.to_owned(),
        lines: lines.len(),
        offence_f1: offence.f1(),
        other_f1: other.f1(),
        macro_f1: mean(&both),
        auroc: auroc(&scored),
    }
}
