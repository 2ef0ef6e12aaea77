//! The cue files the program is built with.

/// Names and contents.
pub const FILES: &[(&str, &str)] = &[
    ("de_agent.toml", include_str!("../../models/language/de_agent.toml")),
    ("de_agent_good.toml", include_str!("../../models/language/de_agent_good.toml")),
    ("de_anger.toml", include_str!("../../models/language/de_anger.toml")),
    ("de_classes.toml", include_str!("../../models/language/de_classes.toml")),
    ("de_complaint.toml", include_str!("../../models/language/de_complaint.toml")),
    ("de_good.toml", include_str!("../../models/language/de_good.toml")),
    ("de_insult.toml", include_str!("../../models/language/de_insult.toml")),
    ("de_threats.toml", include_str!("../../models/language/de_threats.toml")),
    ("de_words.toml", include_str!("../../models/language/de_words.toml")),
];
