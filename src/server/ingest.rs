//! The paths on which calls come in.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use tokio::time::{Instant, sleep_until};

use crate::config::seconds;
use crate::server::app::Shared;
use crate::server::media;
use crate::server::peer::Peer;
use crate::server::platform::Platform;
use crate::server::problem::Problem;
use crate::server::socket::Patience;
use crate::server::upgrade::switch;
use crate::wire::MAX_JSON_BYTES;
use crate::wire::audiohook::is_uuid;

/// A socket that brings calls. Who may not, and what makes no sense, hears it before the upgrade.
pub(super) async fn ingest(State(app): Shared, request: Request, platform: Platform) -> Result<Response, Problem> {
    let arrived = Instant::now();
    let patience = Patience::with_phones(&app.config.media);
    let (parts, body) = request.into_parts();
    let admitted = platform.admit(&app, &parts).and_then(|admission| {
        let dialect = platform.dialect(&app, &parts)?;
        Ok((admission, dialect))
    });
    let (admission, dialect) = match admitted {
        Ok(admitted) => admitted,
        Err(problem) => {
            sleep_until(arrived + platform.refusal_delay()).await;
            return Err(problem);
        }
    };
    let request = Request::from_parts(parts, body);
    let expires = admission.expires;
    switch(
        app,
        request,
        admission.subprotocol,
        admission.life,
        platform.name(),
        patience,
        move |app, socket| async move {
            media::serve(&app, Peer::Web(Box::new(socket)), expires, platform, dialect).await;
        },
    )
}

/// Announces a call that AudioSocket will bring: a JSON object with `uuid` and the facts of the call.
pub(super) async fn announce(State(app): Shared, request: Request) -> Result<StatusCode, Problem> {
    let (parts, body) = request.into_parts();
    Platform::AudioSocket.admit(&app, &parts)?;
    let settings = &app.config.phones.audiosocket;
    if settings.listen.is_none() {
        let message = "AudioSocket is not configured: set `phones.audiosocket.listen`";
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", message));
    }
    let wrong = |message: &str| Problem::new(StatusCode::BAD_REQUEST, "bad_message", message);
    let bytes = axum::body::to_bytes(body, MAX_JSON_BYTES).await.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_big", "an announcement is at most 64 KiB long")
    })?;
    let mut values: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes)
        .map_err(|_| wrong("an announcement is a JSON object with uuid, call, channel and other facts"))?;
    let uuid = values.remove("uuid").and_then(|uuid| uuid.as_str().map(str::to_owned));
    let uuid = uuid
        .filter(|uuid| is_uuid(uuid))
        .ok_or_else(|| wrong("field `uuid` must be a UUID such as 00010203-0405-0607-0809-0a0b0c0d0e0f"))?;
    let told = Platform::AudioSocket.fields(&app).read(&values);
    if app.announced.announce(&uuid, told, seconds(settings.announce_s)) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        let message = "too many announced calls have not come";
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message))
    }
}
