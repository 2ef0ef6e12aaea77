//! A classifier of the user's own, as its owner meets it on the command line.

use std::path::Path;

use assert_cmd::Command;

const ANGRY: &str = r#"{"speaker":"customer","text":"Das ist Frechheit, nie ist das da."}"#;

/// A configuration with the tiny model of `tests/onnx`, and lines of its own.
fn config(outputs: &str, more: &str) -> tempfile::NamedTempFile {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx");
    let text = format!(
        "[language.onnx.de]\nmodel = {:?}\nvocabulary = {:?}\noutputs = [{outputs}]\nactivation = \"sigmoid\"\n\
         lowercase = true\n{more}\n[speech]\nengine = \"none\"\n",
        files.join("tiny.onnx"),
        files.join("vocab.txt"),
    );
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// What a command says of a configuration, on both ways out.
fn says(command: &str, config: &Path, input: &str) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_ruhepol"));
    program.env_remove("RUST_LOG").env("NO_COLOR", "1").arg(command).arg("--config").arg(config);
    if command == "score" {
        program.arg("--explain");
    }
    let output = program.write_stdin(input).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[cfg(not(feature = "onnx"))]
#[test]
fn a_program_built_without_onnx_says_how_to_build_it() {
    let config = config("\"negative\", \"positive\"", "");
    for command in ["check", "score"] {
        let said = says(command, config.path(), ANGRY);
        assert!(said.contains("[language.onnx.de]") && said.contains("--features onnx"), "{said}");
    }
}

#[cfg(feature = "onnx")]
#[test]
fn an_own_model_is_heard_beside_the_embedded_one() {
    let negative = |said: &str| {
        let rest = said.split("negative ").nth(1).unwrap_or_else(|| panic!("{said}"));
        rest.split(',').next().unwrap().parse::<f32>().unwrap()
    };
    let alone = config("\"negative\", \"positive\"", "share = 1.0");
    assert!(negative(&says("score", alone.path(), ANGRY)) > 0.98);
    let reversed = config("\"positive\", \"negative\"", "share = 1.0");
    assert!(negative(&says("score", reversed.path(), ANGRY)) < 0.2);
    let said = says("check", alone.path(), "");
    assert!(said.contains("ONNX classifier of your own for de"), "{said}");
}

#[cfg(feature = "onnx")]
#[test]
fn a_model_that_does_not_fit_is_named_with_what_to_do() {
    for (outputs, more, wanted) in [
        ("\"negative\"", "", "it has 2 outputs and `outputs` names 1"),
        ("\"ignored\", \"ignored\"", "", "`outputs` names no head"),
        ("\"negative\", \"positive\"", "tokens = 4", "choose 8 to 512"),
        ("\"negative\", \"positive\"", "share = 2.0", "at most 1"),
    ] {
        let said = says("check", config(outputs, more).path(), "");
        assert!(said.contains(wanted) && said.contains("[language.onnx.de]"), "{said}");
    }
}
