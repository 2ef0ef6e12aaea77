//! The cue files the program is built with.

/// Names and contents.
pub const FILES: &[(&str, &str)] = &[
    ("de_agent_good.toml", include_str!("../../models/language/de_agent_good.toml")),
    ("de_agent_slips.toml", include_str!("../../models/language/de_agent_slips.toml")),
    ("de_anger.toml", include_str!("../../models/language/de_anger.toml")),
    ("de_classes.toml", include_str!("../../models/language/de_classes.toml")),
    ("de_danger.toml", include_str!("../../models/language/de_danger.toml")),
    ("de_disbelief.toml", include_str!("../../models/language/de_disbelief.toml")),
    ("de_dissatisfaction.toml", include_str!("../../models/language/de_dissatisfaction.toml")),
    ("de_good.toml", include_str!("../../models/language/de_good.toml")),
    ("de_insult.toml", include_str!("../../models/language/de_insult.toml")),
    ("de_sarcasm.toml", include_str!("../../models/language/de_sarcasm.toml")),
    ("de_shouting.toml", include_str!("../../models/language/de_shouting.toml")),
    ("de_threats.toml", include_str!("../../models/language/de_threats.toml")),
    ("de_waiting.toml", include_str!("../../models/language/de_waiting.toml")),
    ("de_words.toml", include_str!("../../models/language/de_words.toml")),
    ("en_agent.toml", include_str!("../../models/language/en_agent.toml")),
    ("en_agent_good.toml", include_str!("../../models/language/en_agent_good.toml")),
    ("en_anger.toml", include_str!("../../models/language/en_anger.toml")),
    ("en_classes.toml", include_str!("../../models/language/en_classes.toml")),
    ("en_complaint.toml", include_str!("../../models/language/en_complaint.toml")),
    ("en_good.toml", include_str!("../../models/language/en_good.toml")),
    ("en_insult.toml", include_str!("../../models/language/en_insult.toml")),
    ("en_shouting.toml", include_str!("../../models/language/en_shouting.toml")),
    ("en_threats.toml", include_str!("../../models/language/en_threats.toml")),
    ("en_words.toml", include_str!("../../models/language/en_words.toml")),
];
