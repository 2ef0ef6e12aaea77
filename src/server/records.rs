//! What is kept of agents, for themselves and, of whole teams, for supervisors.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::audit::Action;
use crate::call::Input;
use crate::server::agents::{Record, TEAM_MIN_AGENTS, TeamFigure};
use crate::server::app::{App, Shared};
use crate::server::auth::Need;
use crate::server::problem::Problem;

/// What became of the practices in a team.
#[derive(Serialize, JsonSchema)]
pub(super) struct TeamPractices {
    pub team: String,
    /// What fewer agents stand behind is left out.
    pub min_agents: usize,
    /// By the id of the practice.
    pub practices: BTreeMap<String, TeamFigure>,
}

/// What is kept of an agent, with that agent's own token; nobody else's opens it.
pub(super) async fn record(
    State(app): Shared,
    Path(agent): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Record>, Problem> {
    app.admit(&headers, Need::Agent(&agent))?;
    Ok(Json(app.agents.record(&agent)))
}

pub(super) async fn erase_record(
    State(app): Shared,
    Path(agent): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let claims = app.admit(&headers, Need::Agent(&agent))?.claims;
    app.audit.record(claims.entry(Action::RecordErased, Some(&agent))).await;
    match app.agents.erase(&agent) {
        Ok(()) => {
            forget_agent(&app, &agent);
            Ok(StatusCode::NO_CONTENT)
        }
        Err(problem) => {
            tracing::error!(error = %problem, "an agent's record cannot be erased");
            Err(storage("the record cannot be removed; tell the administrator"))
        }
    }
}

/// Tells the calls of an agent that what was kept of them is erased. A call that has no room for it keeps what it has
/// until it ends.
fn forget_agent(app: &App, agent: &str) {
    for handle in app.hub.calls_of(agent).iter().filter_map(|call| app.calls.find(call)) {
        if !handle.mention(Input::ForgetAgent) {
            tracing::warn!(call = handle.call, "a busy call still holds what its agent erased until it ends");
        }
    }
}

/// What became of the practices in a team; nothing that fewer than five agents stand behind.
pub(super) async fn team_practices(
    State(app): Shared,
    Path(team): Path<String>,
    headers: HeaderMap,
) -> Result<Json<TeamPractices>, Problem> {
    if !app.admit(&headers, Need::Supervise)?.claims.covers(Some(&team), None) {
        let message = "there is no such team in your scope";
        return Err(Problem::new(StatusCode::NOT_FOUND, "unknown_team", message));
    }
    let read = {
        let (app, team) = (Arc::clone(&app), team.clone());
        move || app.agents.team_figures(&team)
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(practices) => Ok(Json(TeamPractices { team, min_agents: TEAM_MIN_AGENTS, practices })),
        Err(_) => Err(storage("the records cannot be read; try again")),
    }
}

fn storage(message: &str) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "storage", message)
}
