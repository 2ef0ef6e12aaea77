//! The network itself, run by tract: one utterance at a time, in the caller's thread.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tract_onnx::prelude::*;

use super::wordpiece::WordPiece;
use super::{OnnxError, OnnxSettings};
use crate::language::ModelScores;

/// A classifier of the user's own, ready to run.
pub struct Onnx {
    plan: TypedRunnableModel<TypedModel>,
    /// In the order of the model's inputs.
    inputs: Vec<Input>,
    words: WordPiece,
    settings: OnnxSettings,
}

#[derive(Debug, Clone, Copy)]
enum Input {
    /// Numbers of the pieces.
    Ids,
    /// 1 where there is a piece, 0 behind them.
    Mask,
    /// 0: all pieces are of one text.
    Types,
}

impl Onnx {
    /// From the bytes of the model and the text of its vocabulary. The model is run once, so that what cannot run is
    /// known now.
    ///
    /// # Errors
    /// Whatever does not fit together: model, vocabulary and settings.
    pub fn new(model: &[u8], vocabulary: &str, settings: OnnxSettings) -> Result<Self, OnnxError> {
        settings.check()?;
        let words = WordPiece::new(vocabulary, settings.lowercase)?;
        // Models that tract never saw end some of its code in a panic; here that is a model it cannot run.
        let made = catch_unwind(AssertUnwindSafe(|| {
            let (plan, inputs) = compile(model, settings.tokens)?;
            let own = Self { plan, inputs, words, settings };
            let found = own.run(&[own.words.last]).map_err(unusable)?.len();
            let named = own.settings.outputs.len();
            if found != named {
                return Err(OnnxError::Outputs { found, named });
            }
            Ok(own)
        }));
        made.unwrap_or_else(|_| {
            Err(OnnxError::Unusable("it breaks on it, or the vocabulary is of another model".into()))
        })
    }

    pub fn settings(&self) -> &OnnxSettings {
        &self.settings
    }

    /// The embedded model's scores of an utterance with this model's part.
    pub fn mix(&self, embedded: ModelScores, text: &str) -> ModelScores {
        let ids = self.words.encode(text, self.settings.tokens);
        // Every input has the same shape, so that what ran at start runs now; were it otherwise, the embedded model holds.
        self.run(&ids).map_or(embedded, |outputs| self.settings.mix(embedded, &outputs))
    }

    /// The outputs for the numbers of at most as many pieces as the model reads.
    fn run(&self, ids: &[i64]) -> TractResult<Vec<f32>> {
        let tokens = self.settings.tokens;
        let tensor = |input: &Input| {
            let values: Vec<i64> = (0..tokens)
                .map(|at| match input {
                    Input::Ids => ids.get(at).copied().unwrap_or(self.words.padding),
                    Input::Mask => i64::from(at < ids.len()),
                    Input::Types => 0,
                })
                .collect();
            Ok(Tensor::from_shape(&[1, tokens], &values)?.into_tvalue())
        };
        let inputs = self.inputs.iter().map(tensor).collect::<TractResult<TVec<TValue>>>()?;
        let outputs = self.plan.run(inputs)?;
        Ok(outputs[0].cast_to::<f32>()?.as_slice::<f32>()?.to_vec())
    }
}

impl fmt::Debug for Onnx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Onnx").field("inputs", &self.inputs).field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn compile(model: &[u8], tokens: usize) -> Result<(TypedRunnableModel<TypedModel>, Vec<Input>), OnnxError> {
    let mut bytes = model;
    let mut model = tract_onnx::onnx().model_for_read(&mut bytes).map_err(unusable)?;
    let outlets = model.input_outlets().map_err(unusable)?.to_vec();
    let mut inputs = Vec::new();
    for (at, outlet) in outlets.iter().enumerate() {
        let name = model.node(outlet.node).name.clone();
        inputs.push(match name.as_str() {
            "input_ids" => Input::Ids,
            "attention_mask" => Input::Mask,
            "token_type_ids" => Input::Types,
            _ => return Err(OnnxError::Input { name }),
        });
        model.set_input_fact(at, i64::fact([1, tokens]).into()).map_err(unusable)?;
    }
    // Further outputs are of no use and take time.
    let first = model.output_outlets().map_err(unusable)?.first().copied();
    let Some(first) = first else { return Err(OnnxError::Unusable("it has no output".into())) };
    model.set_output_outlets(&[first]).map_err(unusable)?;
    let plan = model.into_optimized().and_then(|model| model.into_runnable()).map_err(unusable)?;
    Ok((plan, inputs))
}

/// In one line: tract says where, in many.
fn unusable(error: TractError) -> OnnxError {
    OnnxError::Unusable(format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::onnx::{Activation, Output};

    const MODEL: &[u8] = include_bytes!("../../../tests/onnx/tiny.onnx");
    const VOCABULARY: &str = include_str!("../../../tests/onnx/vocab.txt");

    fn settings() -> OnnxSettings {
        let outputs = vec![Output::Negative, Output::Positive];
        OnnxSettings { outputs, activation: Activation::Sigmoid, lowercase: true, tokens: 8, share: 1.0 }
    }

    #[test]
    fn a_model_reads_what_its_vocabulary_knows() {
        let own = Onnx::new(MODEL, VOCABULARY, settings()).unwrap();
        let read = |text| own.mix(ModelScores { negative: 0.5, positive: 0.5, offence: 0.25 }, text);
        let (cold, angry, kind) = (read("Das ist."), read("Das ist Frechheit!"), read("Danke!"));
        assert!((cold.negative - 0.5).abs() < 1e-3 && (cold.positive - 0.5).abs() < 1e-3, "{cold:?}");
        assert!(angry.negative > 0.97 && angry.positive < 0.3, "{angry:?}");
        assert!(kind.negative < 0.2 && kind.positive > 0.97, "{kind:?}");
        assert_eq!(angry.offence, 0.25);
        // What stands behind the last token that is read says nothing.
        assert_eq!(read(&format!("{}Frechheit", "das ".repeat(20))), read(&"das ".repeat(20)));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let error = |model: &[u8], vocabulary: &str, settings| Onnx::new(model, vocabulary, settings).err();
        let three = OnnxSettings { outputs: vec![Output::Negative; 3], ..settings() };
        assert_eq!(error(MODEL, VOCABULARY, three), Some(OnnxError::Outputs { found: 2, named: 3 }));
        assert!(matches!(error(b"no model", VOCABULARY, settings()), Some(OnnxError::Unusable(_))));
        assert!(matches!(error(MODEL, "a\nb", settings()), Some(OnnxError::Vocabulary(_))));
        let larger = format!("{VOCABULARY}{}", "more\n".repeat(50));
        assert!(matches!(error(MODEL, &larger, settings()), Some(OnnxError::Unusable(_))));
    }
}
