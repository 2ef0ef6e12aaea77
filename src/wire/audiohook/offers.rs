//! Which of the offered media is taken.

use serde_json::{Value, json};

use crate::audio::Encoding;
use crate::terms::Channel;

/// The first offer with what is wanted: both parties, or the customer alone if the agent's voice is not to come here;
/// failing that, whatever has the customer, or the agent alone if their voice may come. None: no audio is taken.
pub(super) fn select(offers: &[Value], agent: bool) -> Option<(&Value, Encoding, Vec<Channel>)> {
    let usable: Vec<_> = offers
        .iter()
        .filter_map(|offer| {
            let (encoding, channels) = usable(offer)?;
            (agent || channels != [Channel::Agent]).then_some((offer, encoding, channels))
        })
        .collect();
    let wanted = if agent { 2 } else { 1 };
    let first =
        usable.iter().find(|(_, _, channels)| channels.len() == wanted && channels.contains(&Channel::Customer));
    let customer = || usable.iter().find(|(_, _, channels)| channels.contains(&Channel::Customer));
    first.or_else(customer).or(usable.first()).cloned()
}

/// Encoding and channels of an offer we can take.
fn usable(offer: &Value) -> Option<(Encoding, Vec<Channel>)> {
    if offer.get("type").and_then(Value::as_str) != Some("audio") || offer.get("rate") != Some(&json!(8_000)) {
        return None;
    }
    let encoding = match offer.get("format").and_then(Value::as_str)? {
        "PCMU" => Encoding::Mulaw,
        "L16" => Encoding::PcmS16le,
        _ => return None,
    };
    let names: Vec<&str> = offer.get("channels")?.as_array()?.iter().filter_map(Value::as_str).collect();
    let channels = match names.as_slice() {
        ["external"] => vec![Channel::Customer],
        ["internal"] => vec![Channel::Agent],
        ["external", "internal"] => vec![Channel::Customer, Channel::Agent],
        ["internal", "external"] => vec![Channel::Agent, Channel::Customer],
        _ => return None,
    };
    Some((encoding, channels))
}
