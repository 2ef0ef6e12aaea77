//! An agent's feed: their own calls and prompts, and what they answer.

use std::time::Duration;

use axum::extract::{self, Path, State};
use axum::response::Response;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};

use super::{End, Failed, answer, bad_message, command_text, lagged, say_goodbye, send, shutting_down, token_ran_out};
use crate::call::Input;
use crate::call::event::{Event, EventKind};
use crate::call::view::AgentView;
use crate::coach::{Answer, PromptState};
use crate::server::app::{App, Shared};
use crate::server::auth::{Claims, Need};
use crate::server::hub::AgentItem;
use crate::server::problem::Problem;
use crate::server::socket::{Gone, Patience, Socket};
use crate::server::upgrade::upgrade;
use crate::terms::Lang;
use crate::wall_clock::unix_ms;
use crate::wire::feed::{AgentCommand, AgentSnapshot, Card, Request};
use crate::wire::to_json;

pub(in crate::server) async fn agent(
    State(app): Shared,
    Path(agent): Path<String>,
    request: extract::Request,
) -> Result<Response, Problem> {
    let patience = Patience::with_readers(&app.config);
    let need = agent.clone();
    upgrade(app, request, Need::Agent(&need), "agent", patience, move |app, socket, claims| async move {
        serve(&app, socket, &claims, &agent).await;
    })
}

async fn serve(app: &App, mut socket: Socket, claims: &Claims, agent: &str) {
    let mut feed = AgentFeed { app, agent, muted_until: None };
    let Err(end) = feed.run(&mut socket, Instant::now() + claims.time_left()).await;
    say_goodbye(app, socket, end).await;
}

struct AgentFeed<'a> {
    app: &'a App,
    agent: &'a str,
    /// No new prompts are shown until then.
    muted_until: Option<Instant>,
}

impl AgentFeed<'_> {
    async fn run(&mut self, socket: &mut Socket, expires: Instant) -> Result<std::convert::Infallible, End> {
        loop {
            let (calls, mut events) = self.app.hub.subscribe_agent(self.agent);
            self.snapshot(socket, calls).await?;
            loop {
                tokio::select! {
                    event = events.recv() => match event {
                        Ok(AgentItem::Event(event)) if self.is_muted(&event) => {}
                        Ok(AgentItem::Event(event)) => socket.send(to_json(event.as_ref())).await?,
                        Ok(AgentItem::Calls) => self.snapshot(socket, self.app.hub.agent_views(self.agent)).await?,
                        Err(RecvError::Lagged(missed)) => {
                            lagged(self.app, missed);
                            break;
                        }
                        Err(RecvError::Closed) => return Err(shutting_down()),
                    },
                    incoming = socket.receive() => {
                        let request = AgentCommand::parse(&command_text(incoming)?);
                        let Request { reference, command } = request.map_err(bad_message)?;
                        if let Ok(AgentCommand::Card { lang }) = command {
                            socket.send(to_json(&self.card(lang))).await?;
                        }
                        let result = match command {
                            Ok(command) => self.carry_out(command).await,
                            Err(error) => Err(Failed("bad_message", error.0)),
                        };
                        answer(socket, reference, result).await?;
                    }
                    () = sleep_until(expires) => return Err(token_ran_out()),
                    () = self.app.closed() => return Err(shutting_down()),
                }
            }
        }
    }

    async fn snapshot(&self, socket: &mut Socket, calls: Vec<AgentView>) -> Result<(), Gone> {
        let (node, agent_channel) = (&self.app.config.server.node, self.app.config.agent.channel);
        let snapshot = AgentSnapshot::new(node, self.agent, unix_ms(), agent_channel, calls);
        socket.send(to_json(&snapshot)).await
    }

    fn card(&self, lang: Option<Lang>) -> Card {
        let rules = self.app.rules.borrow().clone();
        let lang = lang.unwrap_or(self.app.config.speech.language);
        let (load, lines) = self.app.agents.card(self.agent, rules.playbook.for_queue(None), lang, unix_ms());
        Card::new(self.agent, load, lines)
    }

    fn is_muted(&self, event: &Event) -> bool {
        let shows = matches!(event.kind, EventKind::Prompt { state: PromptState::Shown, .. });
        shows && self.muted_until.is_some_and(|until| until > Instant::now())
    }

    async fn carry_out(&mut self, command: AgentCommand) -> Result<(), Failed> {
        match command {
            AgentCommand::Used { prompt } => self.on_prompt(prompt, Answer::Used).await,
            AgentCommand::NotNow { prompt } => self.on_prompt(prompt, Answer::NotNow).await,
            AgentCommand::Mute { prompt: Some(prompt), for_good: true, .. } => {
                if !self.app.agents.mute(self.agent, &prompt) {
                    return Err(unknown_prompt());
                }
                // Its call may have ended meanwhile; it is off for all later ones.
                let _ = self.on_prompt(prompt, Answer::Mute).await;
                Ok(())
            }
            AgentCommand::Mute { prompt: Some(prompt), .. } => self.on_prompt(prompt, Answer::Mute).await,
            AgentCommand::Mute { prompt: None, minutes, .. } => {
                // A day: longer than any shift.
                let minutes = minutes.unwrap_or(24 * 60).min(24 * 60);
                self.muted_until = Some(Instant::now() + Duration::from_secs(u64::from(minutes) * 60));
                Ok(())
            }
            // Sent by the caller, who has the socket.
            AgentCommand::Card { .. } => Ok(()),
            AgentCommand::Share { call, seq } => {
                let Some(text) = self.app.hub.moment(self.agent, &call, seq) else {
                    return Err(Failed("unknown_moment", "there is no such moment in a live call of yours".to_owned()));
                };
                send(self.app, &call, Input::Note { by: self.agent.to_owned(), text }).await?;
                self.app.hub.moment_shared(&call, seq);
                Ok(())
            }
        }
    }

    /// Prompts are named `CALL:pN`.
    async fn on_prompt(&self, prompt: String, answer: Answer) -> Result<(), Failed> {
        let call = prompt.rsplit_once(':').map_or("", |(call, _)| call).to_owned();
        if !self.app.hub.is_agents(self.agent, &call) {
            return Err(unknown_prompt());
        }
        send(self.app, &call, Input::Prompt { prompt, answer }).await
    }
}

fn unknown_prompt() -> Failed {
    Failed("unknown_prompt", "there is no such prompt in a live call of yours".to_owned())
}
