//! `ruhepol check --platform audiohook`: from the keys to the address, step by step, as Genesys will come.

use std::time::Duration;

use reqwest::StatusCode;

use crate::config::Config;
use crate::server::audiohook_secrets;
use crate::wall_clock::unix_s;
use crate::wire::httpsig;
use crate::wire::sign::to_base64;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

const PATH: &str = "/v1/media/audiohook";

/// What was looked at and what was found, in order; stops where going on would make no sense.
pub fn look(config: &Config, url: Option<&str>) -> Vec<(&'static str, Result<String, String>)> {
    let mut found = Vec::new();
    let settings = &config.phones.audiohook;
    let secrets = match &settings.keys_file {
        None => {
            Err("`phones.audiohook.keys_file` is not set: only access tokens of ours are admitted; make a file with \
                     one line \"API key\" = \"client secret in base64\" (docs/phones.md)"
                .to_owned())
        }
        Some(_) => audiohook_secrets(config).map_err(|error| error.to_string()),
    };
    let first = secrets.as_ref().ok().and_then(|secrets| secrets.first().cloned());
    found.push((
        "API keys",
        secrets.and_then(|secrets| match secrets.iter().filter(|(_, secret)| secret.is_empty()).count() {
            _ if secrets.is_empty() => Err("the file names no key".to_owned()),
            0 => Ok(format!("{} keys, all with a client secret", secrets.len())),
            open => Ok(format!("{} keys, {open} of them without a secret: those come in unsigned", secrets.len())),
        }),
    ));
    let url = match (url, &settings.public_authority) {
        (Some(url), _) => url.trim_end_matches('/').to_owned(),
        (None, Some(authority)) => format!("https://{authority}"),
        (None, None) => {
            let problem =
                "`phones.audiohook.public_authority` is not set: set it to the host Genesys reaches this server \
                           at (it is part of the signature), or give --url"
                    .to_owned();
            found.push(("public address", Err(problem)));
            return found;
        }
    };
    let runtime = match super::runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            found.push(("public address", Err(error.to_string())));
            return found;
        }
    };
    found.push(("public address", runtime.block_on(reach(&url))));
    if let (Some((key, secret)), Some((_, Ok(_)))) = (first, found.last()) {
        found.push(("signed request", runtime.block_on(knock(&url, &key, &secret))));
    }
    found
}

/// Whether a server of ours answers there, with a certificate that holds.
async fn reach(url: &str) -> Result<String, String> {
    let client = reqwest::Client::builder().timeout(PATIENCE).build().map_err(|error| error.to_string())?;
    let response = client.get(format!("{url}/healthz")).send().await.map_err(|error| {
        let mut cause: &dyn std::error::Error = &error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        format!(
            "cannot reach {url}/healthz: {cause}; check DNS, firewall and proxy, and that the certificate is one of a \
             public authority for this name"
        )
    })?;
    let secure = if url.starts_with("https://") { "the certificate holds" } else { "without TLS: not for Genesys" };
    match response.status() {
        StatusCode::OK => Ok(format!("{url} answers, {secure}")),
        status => Err(format!("{url}/healthz answers {status}: is the proxy's target this server?")),
    }
}

/// A request signed as Genesys signs it, but for a page: the server admits it and says that this path is a socket.
async fn knock(url: &str, key: &str, secret: &[u8]) -> Result<String, String> {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest.split('/').next().unwrap_or(rest));
    let id = "00000000-0000-0000-0000-000000000000";
    let value = |name: &str| {
        Some(match name {
            "@request-target" => PATH.to_owned(),
            "@authority" => authority.to_ascii_lowercase(),
            "x-api-key" => key.to_owned(),
            _ => id.to_owned(),
        })
    };
    let now_s = unix_s();
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|error| error.to_string())?;
    let mut request = reqwest::Client::new().get(format!("{url}{PATH}")).timeout(PATIENCE).header("x-api-key", key);
    for name in ["audiohook-organization-id", "audiohook-session-id", "audiohook-correlation-id"] {
        request = request.header(name, id);
    }
    if !secret.is_empty()
        && let Some((input, signature)) =
            httpsig::sign(secret, key, &to_base64(&nonce), now_s, now_s + httpsig::MAX_AGE_S, value)
    {
        request = request.header("signature-input", input).header("signature", signature);
    }
    let response = request.send().await.map_err(|error| error.to_string())?;
    match response.status() {
        StatusCode::UPGRADE_REQUIRED => Ok("key and signature are admitted".to_owned()),
        StatusCode::UNAUTHORIZED => Err("refused: the running server has other keys, its clock is off by more than \
                                         three seconds, or its `phones.audiohook.public_authority` is not this host"
            .to_owned()),
        status => Err(format!("{PATH} answers {status}: does the proxy pass this path and all headers?")),
    }
}
