//! `ruhepol privacy`: what a works council or a data protection officer asks for, from the configuration in force.

use std::path::PathBuf;

use super::{Failure, Outcome};
use crate::call::AgentChannel;
use crate::config::{Config, Consent, Engine, Overrides};
use crate::server::TEAM_MIN_AGENTS;
use crate::terms::Lang;

/// Data protection
///
/// Example: ruhepol privacy report --config ruhepol.toml --lang de
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Write the annex for works council and data protection officer, from the configuration (Markdown)
    Report {
        /// Configuration file; without, the defaults
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Language of the annex
        #[arg(long, default_value = "de", value_parser = ["de", "en"])]
        lang: String,
        /// As for `serve`: consent is taken care of before the stream reaches us
        #[arg(long)]
        consent_elsewhere: bool,
    },
}

pub fn run(args: Args) -> Outcome {
    let Command::Report { config: file, lang, consent_elsewhere } = args.command;
    let overrides = Overrides { consent_elsewhere, ..Overrides::default() };
    let config = Config::load(file.as_deref(), &overrides).map_err(Failure::usage)?;
    let lang = Lang::from_tag(&lang).unwrap_or_default();
    let source = file.map(|path| path.display().to_string());
    let text = annex(lang, source.as_deref(), &config)?;
    use std::io::Write as _;
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// The annex in Markdown. Every statement that depends on a setting is chosen here; the rest is text.
fn annex(lang: Lang, source: Option<&str>, config: &Config) -> anyhow::Result<String> {
    let mut text = match lang {
        Lang::De => include_str!("privacy/annex_de.md"),
        Lang::En => include_str!("privacy/annex_en.md"),
    }
    .to_owned();
    let settings = toml::to_string(config)?;
    for (name, value) in values(lang, source, config) {
        text = text.replace(&format!("{{{name}}}"), &value);
    }
    // Last, so that nothing in a file's own words is taken for a name of ours.
    Ok(text.replace("{config}", &settings))
}

fn values(lang: Lang, source: Option<&str>, config: &Config) -> Vec<(&'static str, String)> {
    let say = |de: &str, en: &str| match lang {
        Lang::De => de.to_owned(),
        Lang::En => en.to_owned(),
    };
    let quoted = |path: &str| format!("`{path}`");
    let mut values = vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("source", source.map_or_else(|| say("(Voreinstellungen)", "(defaults)"), quoted)),
        ("break_calls", config.feeds.break_calls.to_string()),
        ("break_minutes", config.feeds.break_minutes.to_string()),
        ("team_min", TEAM_MIN_AGENTS.to_string()),
        ("agent_channel", channel_name(config.agent.channel).to_owned()),
        ("listen", config.server.listen.to_string()),
        ("consent", consent(lang, config)),
        ("audio_kept", audio_kept(lang, config)),
        ("receivers", receivers(lang, config)),
    ];
    let loopback = config.server.listen.ip().is_loopback();
    values.push((
        "network",
        if loopback {
            say(
                "von anderen Maschinen aus nur über einen vorgeschalteten Proxy erreichbar",
                "reached from other machines only through a proxy in front",
            )
        } else {
            say(
                "von anderen Maschinen aus erreichbar, verschlüsselt (TLS)",
                "reached from other machines, encrypted (TLS)",
            )
        },
    ));
    let (names, names_short) = match config.privacy.redact_names {
        true => (
            say(
                "wird in allem, was die Teamleitung sieht, durch „[Name]“ ersetzt; die Agentin, der Agent sieht ihn",
                "is replaced by \"[Name]\" in all that supervisors see; the agent sees it",
            ),
            say("werden ebenso ersetzt", "are replaced as well"),
        ),
        false => (
            say(
                "erscheint, wo er fällt, in den Worten und in Vorschlägen (`privacy.redact_names = false`)",
                "appears where it is said, in the words and in suggestions (`privacy.redact_names = false`)",
            ),
            say("bleiben stehen (`privacy.redact_names = false`)", "stay (`privacy.redact_names = false`)"),
        ),
    };
    values.extend([("names", names), ("names_short", names_short)]);
    let (text_kept, figures_kept) = kept(lang, config);
    values.extend(voice(lang, config, &figures_kept));
    let never = say("nicht", "not at all");
    let own = say("für die Hinweise an diese Person selbst", "for the prompts to this person alone");
    let nobody = say("niemand", "nobody");
    let (purpose, audio, text, seen, meaning) = match config.agent.channel {
        AgentChannel::Off => (
            say(
                "erkennen, wer gerade spricht; keine Umwandlung in Text",
                "to tell who is speaking; it is not turned into text",
            ),
            never.clone(),
            never,
            nobody,
            say(
                "die Stimme wird nie in Text gewandelt; nur Anfang und Ende des Sprechens werden erkannt",
                "the voice is never turned into text; only when speech begins and ends is noticed",
            ),
        ),
        AgentChannel::Coach => (
            say(
                "Umwandlung in Text, nur für die Hinweise an diese Person",
                "to be turned into text, for this person's own prompts alone",
            ),
            values_of(&values, "audio_kept"),
            say(
                "im Arbeitsspeicher, während des Gesprächs; nie gespeichert",
                "in memory, during the call; never stored",
            ),
            say("nur diese Person", "this person alone"),
            say(
                "die Worte dienen im Arbeitsspeicher den Hinweisen an diese Person und erscheinen sonst nirgends",
                "the words serve this person's own prompts in memory and appear nowhere else",
            ),
        ),
        AgentChannel::Full => (
            say("Umwandlung in Text", "to be turned into text"),
            values_of(&values, "audio_kept"),
            text_kept.clone(),
            say("diese Person und die Teamleitung", "this person and supervisors of the team or queue"),
            say(
                "die Worte stehen im Protokoll des Gesprächs und werden der Teamleitung gezeigt; dies geht über die Voreinstellung hinaus und ist mit dem Betriebsrat zu vereinbaren",
                "the words are in the call's log and shown to supervisors; this goes beyond the default and is to be agreed with the works council",
            ),
        ),
    };
    let text_purpose = if config.agent.channel == AgentChannel::Off {
        say("keiner", "none")
    } else if config.agent.channel == AgentChannel::Full {
        say(
            "Hinweise an diese Person; Verständnis des Gesprächs durch die Teamleitung",
            "prompts to this person; for supervisors to understand the call",
        )
    } else {
        own
    };
    let engine = match (config.speech.engine, &config.speech.model) {
        (Engine::None, _) => say(
            "keine im Programm; Worte kommen von einem anderen System über `/v1/transcripts`",
            "none in the program; words come from another system on `/v1/transcripts`",
        ),
        (Engine::Whisper, None) => {
            say("auf dieser Maschine, mit dem mitgelieferten Modell", "on this machine, with the model shipped")
        }
        (Engine::Whisper, Some(path)) => {
            format!(
                "{} `{}`",
                say("auf dieser Maschine, mit dem Modell", "on this machine, with the model"),
                path.display()
            )
        }
    };
    values.extend([
        ("agent_audio_purpose", purpose),
        ("agent_audio_kept", audio),
        ("agent_text_purpose", text_purpose),
        ("agent_text_kept", text),
        ("agent_text_seen", seen),
        ("agent_channel_meaning", meaning),
        ("text_kept", text_kept),
        ("figures_kept", figures_kept),
        ("engine", engine),
    ]);
    values
}

/// What is said of the sound of the voice: by default that nothing is made of it.
fn voice(lang: Lang, config: &Config, figures_kept: &str) -> [(&'static str, String); 4] {
    let say = |de: &str, en: &str| match lang {
        Lang::De => de.to_owned(),
        Lang::En => en.to_owned(),
    };
    if !config.acoustic.anywhere() {
        let voice = say(
            "Aus der Stimme selbst wird nichts abgeleitet: nicht aus Tonhöhe oder Lautstärke, auch keine Identität. Nur Worte zählen.",
            "Nothing is inferred from the voice itself: not pitch, not loudness, not identity. Only words count.",
        );
        let short = say(
            "über die Kundschaft aus Worten, nicht aus der Stimme",
            "about customers from words, not from the voice",
        );
        return [("voice", voice), ("sound_row", String::new()), ("voice_short", short), ("voice_told", String::new())];
    }
    let queues: Vec<String> =
        config.acoustic.queues.iter().filter(|(_, on)| **on).map(|(queue, _)| format!("`{queue}`")).collect();
    let (where_de, where_en) = match config.acoustic.observe {
        true => (
            "in allen Gesprächen, soweit nicht für eine Warteschlange anders eingestellt".to_owned(),
            "in all calls, unless set otherwise for a queue".to_owned(),
        ),
        false => (format!("in der Warteschlange {}", queues.join(", ")), format!("in the queue {}", queues.join(", "))),
    };
    let points = config.acoustic.level_points;
    let (weight_de, weight_en) = match points {
        0 => ("Sie zählt beim Pegel nicht.".to_owned(), "It has no part in the level.".to_owned()),
        _ => (
            format!(
                "Beim Pegel zählt sie mit höchstens {points} von 100 Punkten, nur zusammen mit Worten der Reibung, nie bis zur nächsten Stufe, und wird dort genannt."
            ),
            format!(
                "In the level it counts for at most {points} of 100 points, only together with words of friction, never as far as the next band, and is named there."
            ),
        ),
    };
    let voice = match lang {
        Lang::De => format!(
            "**Lautstärke und Sprechtempo der Kundschaft werden beobachtet** (`acoustic`), {where_de}: gegen die erste halbe Minute derselben Person, gezeigt als              Beobachtung („spricht lauter als zu Beginn“). Ein Gefühl wird daraus nicht abgeleitet, eine Identität auch nicht, und es wird kein Stimmprofil gebildet oder gespeichert. {weight_de}              Die Stimme von Beschäftigten wird so nie gemessen; Proben des Programms prüfen das."
        ),
        Lang::En => format!(
            "**Loudness and pace of the customer are observed** (`acoustic`), {where_en}: against the same person's own first half minute, shown as an              observation (\"speaks louder than at the beginning\"). No feeling is inferred from it, nor an identity, and no profile of the voice is made or kept. {weight_en}              The voice of employees is never measured so; tests of the program check this."
        ),
    };
    let row = match lang {
        Lang::De => format!(
            "| Beobachtung „spricht lauter“, „spricht schneller als zu Beginn“ (Kundschaft) | zeigen, dass sich die Sprechweise geändert hat | {figures_kept} | Teamleitung des Teams oder der Warteschlange |\n"
        ),
        Lang::En => format!(
            "| observation \"speaks louder\", \"speaks faster than at the beginning\" (customer) | to show that the manner of speaking has changed | {figures_kept} | supervisors of the team or queue |\n"
        ),
    };
    let short = say(
        "über die Kundschaft aus Worten; dass lauter oder schneller gesprochen wird, wird als Klang beobachtet, ohne Schluss auf ein Gefühl. Ob der Betreiber mehr hineinliest, ist **zu entscheiden** und auszuschließen",
        "about customers from words; that somebody speaks louder or faster is observed as sound, without concluding to a feeling. Whether the operator reads more into it is **to be decided**, and to be ruled out",
    );
    let told = say(
        "; Lautstärke und Tempo der Kundschaft werden als Klang beobachtet, was in die Ansage und die Hinweise nach DSGVO Art. 13 gehört",
        "; loudness and pace of the customer are observed as sound, which belongs in the announcement and the notice of GDPR Art. 13",
    );
    [("voice", voice), ("sound_row", row), ("voice_short", short), ("voice_told", told)]
}

/// Who else is told of calls: webhooks and the collector of figures.
fn receivers(lang: Lang, config: &Config) -> String {
    let say = |de: &str, en: &str| if lang == Lang::De { de.to_owned() } else { en.to_owned() };
    let mut parts: Vec<String> = config
        .webhooks
        .iter()
        .map(|webhook| {
            let what = match webhook.words {
                true => say("mit geschwärzten Worten der Anrufenden", "with callers' words, redacted"),
                false => say("ohne Worte der Anrufenden", "without callers' words"),
            };
            format!("`{}` ({}, {what})", webhook.name, say("Alarme und Gesprächsenden", "alerts and ends of calls"))
        })
        .collect();
    if config.telemetry.endpoint.is_some() {
        parts.push(say(
            "Messwerte ohne Worte und Personen (`telemetry`)",
            "figures without words or people (`telemetry`)",
        ));
    }
    if parts.is_empty() {
        return say("keine; nichts wird an andere Programme gesendet", "none; nothing is sent to other programs");
    }
    parts.join("; ")
}

fn values_of(values: &[(&'static str, String)], name: &str) -> String {
    values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

fn channel_name(channel: AgentChannel) -> &'static str {
    match channel {
        AgentChannel::Off => "off",
        AgentChannel::Coach => "coach",
        AgentChannel::Full => "full",
    }
}

/// A waiting segment of speech lives as long as the deadline of the speech queue, and the time of its own length.
fn audio_kept(lang: Lang, config: &Config) -> String {
    let seconds = config.speech.deadline_s + config.speech.max_segment_ms.div_ceil(1_000);
    match lang {
        Lang::De => format!("im Arbeitsspeicher, bis sie in Text gewandelt sind, etwa {seconds} s; nie gespeichert"),
        Lang::En => format!("in memory, until turned into text, about {seconds} s; never stored"),
    }
}

/// How long words and figures of a call are kept.
fn kept(lang: Lang, config: &Config) -> (String, String) {
    let feeds = &config.feeds;
    let memory = match lang {
        Lang::De => format!(
            "im Arbeitsspeicher: während des Gesprächs und {} Minuten danach (höchstens {} beendete Gespräche)",
            feeds.ended_minutes, feeds.ended_calls
        ),
        Lang::En => format!(
            "in memory: during the call and for {} minutes after it (at most {} ended calls)",
            feeds.ended_minutes, feeds.ended_calls
        ),
    };
    if !config.journal.enabled {
        return (memory.clone(), memory);
    }
    let (text_hours, figures_days) = (config.journal.text_hours, config.journal.figures_days);
    match lang {
        Lang::De => (
            format!("{text_hours} Stunden im Journal auf der Platte des Betreibers"),
            format!("{figures_days} Tage im Journal auf der Platte des Betreibers"),
        ),
        Lang::En => (
            format!("{text_hours} hours in the journal on the operator's disk"),
            format!("{figures_days} days in the journal on the operator's disk"),
        ),
    }
}

fn consent(lang: Lang, config: &Config) -> String {
    let consent = &config.consent;
    let paths = [
        ("media", consent.media),
        ("transcripts", consent.transcripts),
        ("listen", consent.listen),
        ("twilio", consent.twilio),
        ("audiohook", consent.audiohook),
        ("vonage", consent.vonage),
        ("jambonz", consent.jambonz),
        ("freeswitch", consent.freeswitch),
        ("asterisk", consent.asterisk),
        ("audiosocket", consent.audiosocket),
    ];
    let mut parts = Vec::new();
    for wanted in [Consent::Required, Consent::Elsewhere] {
        let names: Vec<&str> = paths.iter().filter(|(_, consent)| *consent == wanted).map(|(name, _)| *name).collect();
        if names.is_empty() {
            continue;
        }
        let meaning = match (wanted, lang) {
            (Consent::Required, Lang::De) => "nur mit Einwilligung im Datenstrom, sonst wird das Gespräch abgewiesen",
            (Consent::Required, Lang::En) => "only with consent given in the stream, otherwise the call is refused",
            (Consent::Elsewhere, Lang::De) => "der Betreiber holt die Einwilligung anderswo ein (**zu belegen**)",
            (Consent::Elsewhere, Lang::En) => "the operator obtains consent elsewhere (**to be shown**)",
        };
        parts.push(format!("{}: {meaning}", names.join(", ")));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annex_of(lang: Lang, toml: &str) -> String {
        annex(lang, Some("ruhepol.toml"), &Config::parse(toml).unwrap()).unwrap()
    }

    #[test]
    fn every_blank_is_filled_whatever_the_settings() {
        for lang in [Lang::De, Lang::En] {
            for toml in [
                "",
                "[acoustic]\nobserve = true",
                "[agent]\nchannel = \"off\"",
                "[agent]\nchannel = \"full\"\n[privacy]\nredact_names = true",
            ] {
                let text = annex_of(lang, toml);
                let left: Vec<&str> = text
                    .split('{')
                    .skip(1)
                    .filter_map(|rest| rest.split('}').next())
                    .filter(|name| *name != "call")
                    .collect();
                assert!(left.is_empty(), "{left:?}");
            }
        }
    }

    #[test]
    fn both_languages_name_the_same_provisions() {
        let (de, en) = (annex_of(Lang::De, ""), annex_of(Lang::En, ""));
        for (german, english) in [
            ("DSGVO Art. 88", "GDPR Art. 88"),
            ("DSGVO Art. 35", "GDPR Art. 35"),
            ("§ 26 BDSG", "BDSG § 26"),
            ("§ 87 Abs. 1 Nr. 6 BetrVG", "BetrVG § 87 (1) no. 6"),
            ("§ 201 StGB", "StGB § 201"),
            ("TDDDG", "TDDDG"),
            ("Art. 5 Abs. 1 lit. f", "Art. 5 (1)(f)"),
            ("Anhang III", "Annex III"),
        ] {
            assert!(de.contains(german), "{german}");
            assert!(en.contains(english), "{english}");
        }
        let rows = |text: &str| text.lines().filter(|line| line.starts_with('|')).count();
        assert_eq!(rows(&de), rows(&en));
    }

    #[test]
    fn observing_the_voice_is_said_where_it_is_on_and_only_there() {
        for (lang, observed, never, agent) in [
            (
                Lang::De,
                "spricht lauter als zu Beginn",
                "Nur Worte zählen",
                "Stimme von Beschäftigten wird so nie gemessen",
            ),
            (
                Lang::En,
                "speaks louder than at the beginning",
                "Only words count",
                "voice of employees is never measured",
            ),
        ] {
            let off = annex_of(lang, "");
            assert!(off.contains(never) && !off.contains(observed));
            for toml in ["[acoustic]\nobserve = true", "[acoustic.queues]\nversand = true"] {
                let on = annex_of(lang, toml);
                assert!(on.contains(observed) && on.contains(agent) && !on.contains(never), "{toml}");
                let rows = |text: &str| text.lines().filter(|line| line.starts_with('|')).count();
                assert_eq!(rows(&on), rows(&off) + 1);
            }
            assert!(annex_of(lang, "[acoustic.queues]\nversand = true").contains("`versand`"));
            assert!(annex_of(lang, "[acoustic]\nobserve = true\nlevel_points = 3").contains("3 "));
        }
    }

    #[test]
    fn the_annex_follows_the_configuration() {
        let full = annex_of(
            Lang::En,
            "[agent]\nchannel = \"full\"\n[consent]\nmedia = \"elsewhere\"\n[feeds]\nended_minutes = 7\n[journal]\nenabled = false",
        );
        assert!(full.contains("goes beyond the default"));
        assert!(full.contains("media: the operator obtains consent elsewhere"));
        assert!(full.contains("for 7 minutes after"));
        assert!(full.contains("channel = \"full\""), "the settings in force are shown");
        let off = annex_of(Lang::De, "[agent]\nchannel = \"off\"\n[journal]\ntext_hours = 5");
        assert!(off.contains("5 Stunden im Journal"));
        assert!(off.contains("nie in Text gewandelt"));
        assert!(!off.contains("geht über die Voreinstellung hinaus"));
    }
}
