//! What a path answers when it does not do what was asked: a code for programs, a sentence for people.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::wire::{ErrorMessage, to_json};

/// An answer that is none.
#[derive(Debug)]
pub(super) struct Problem(Box<Response>);

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, message: &str) -> Self {
        Self::json(status, to_json(&ErrorMessage::new(code, message)))
    }

    /// In a shape of the asker's own. Whoever has no token is told how one is sent.
    pub fn json(status: StatusCode, body: String) -> Self {
        let problem = Self(Box::new((status, [(header::CONTENT_TYPE, "application/json")], body).into_response()));
        match status {
            StatusCode::UNAUTHORIZED => problem.with(header::WWW_AUTHENTICATE, "Bearer"),
            _ => problem,
        }
    }

    /// The same with one header more.
    pub fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.0.headers_mut().insert(name, HeaderValue::from_static(value));
        self
    }

    pub fn nothing_here() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// A query that was understood; `names`: what a path's query knows.
pub(super) fn known<Q>(query: Result<Query<Q>, QueryRejection>, names: &str) -> Result<Q, Problem> {
    let Query(query) =
        query.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "bad_request", &format!("the query knows {names}")))?;
    Ok(query)
}
