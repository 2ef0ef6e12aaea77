//! Draws the board.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line as Text, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph, Wrap};

use super::board::{Board, Call, Line, Mode};
use crate::terms::{AlertState, Band, Channel};

const HELP: &[(&str, &str)] = &[
    ("↑ ↓  j k", "choose a call"),
    ("Enter", "open the conversation (the agent is told), or close it"),
    ("Esc", "close"),
    ("a", "acknowledge the alert"),
    ("s", "snooze it for five minutes"),
    ("f", "it is a false alarm"),
    ("w", "whisper to the agent"),
    ("1 2 3", "whisper a suggestion"),
    ("q", "quit"),
];

pub fn board(frame: &mut Frame, board: &Board) {
    let [top, middle, bottom] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(3), Constraint::Length(1)]).areas(frame.area());
    head(frame, top, board);
    let [left, right] = Layout::horizontal([Constraint::Percentage(38), Constraint::Min(30)]).areas(middle);
    calls(frame, left, board);
    match board.current() {
        Some(call) => conversation(frame, right, board, call),
        None => frame
            .render_widget(Paragraph::new("No live calls.").dim().block(Block::new().borders(Borders::LEFT)), right),
    }
    foot(frame, bottom, board);
    if board.mode == Mode::Help {
        help(frame);
    }
}

fn head(frame: &mut Frame, area: Rect, board: &Board) {
    let open = board.calls.values().filter(|call| call.view.alert.is_some()).count();
    let mut spans = vec![
        Span::from(" ruhepol ").bold(),
        Span::from(format!(" {} calls, {open} with an alert ", board.calls.len())),
    ];
    if !board.connected {
        spans.push(Span::from(" ✕ not connected, this is the last state known ").reversed());
    }
    for (agent, minutes) in &board.breaks {
        spans.push(Span::from(format!("  {agent}: {minutes} min of heat, a break would help")).yellow());
    }
    frame.render_widget(Text::from(spans), area);
}

fn calls(frame: &mut Frame, area: Rect, board: &Board) {
    let order = board.by_need();
    let selected = order.iter().position(|call| Some(&call.view.call) == board.selected.as_ref()).unwrap_or(0);
    let width = usize::from(area.width);
    let rows: Vec<Vec<Text>> =
        order.iter().enumerate().map(|(at, call)| call_rows(call, at == selected, width)).collect();
    // The selected one stays in sight.
    let room = usize::from(area.height);
    let mut used = rows.get(selected).map_or(0, Vec::len);
    let before = rows.iter().take(selected).rev().take_while(|rows| {
        used += rows.len();
        used <= room
    });
    let first = selected - before.count();
    let lines: Vec<Text> = rows.into_iter().skip(first).flatten().collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// One row, and a second where there is something to say.
fn call_rows(call: &Call, marked: bool, width: usize) -> Vec<Text<'static>> {
    let view = &call.view;
    let (icon, colour) = band_mark(view.band);
    let alert = view.alert.as_ref();
    let flag = match alert.map(|alert| alert.state) {
        Some(AlertState::Raised | AlertState::RaisedHigher) => "▲",
        Some(AlertState::Snoozed) => "z",
        Some(_) => "✓",
        None => " ",
    };
    let agent = view.agent.as_deref().unwrap_or("–");
    let first = Text::from(vec![
        Span::from(format!("{flag} ")).fg(Color::Red).bold(),
        Span::from(format!("{icon} {:<8} {:>3} ", view.band.as_str(), view.level)).fg(colour),
        Span::from(cut(
            &format!("{}  {agent}{}", view.call, if view.on_hold { "  hold" } else { "" }),
            width.saturating_sub(18),
        )),
    ]);
    let why = alert.map(|alert| alert.reason.clone()).or_else(|| view.last.as_ref().map(|last| last.text.clone()));
    let second = why.map(|why| Text::from(cut(&format!("     {why}"), width)).style(Modifier::DIM));
    let rows = std::iter::once(first).chain(second);
    if marked { rows.map(|row| row.reversed()).collect() } else { rows.collect() }
}

fn conversation(frame: &mut Frame, area: Rect, board: &Board, call: &Call) {
    let suggestions: Vec<&str> = call.latest_suggestions().collect();
    let alert_rows = if call.view.alert.is_some() { 3 } else { 0 };
    let [alert, words, phrases] = Layout::vertical([
        Constraint::Length(alert_rows),
        Constraint::Min(1),
        Constraint::Length(if suggestions.is_empty() { 0 } else { suggestions.len() as u16 + 1 }),
    ])
    .areas(area);
    let left = || Block::new().borders(Borders::LEFT);
    if let Some(open) = &call.view.alert {
        let by = open.by.as_deref().map(|by| format!("  ({by})")).unwrap_or_default();
        let quote = open.quote.as_deref().map(|quote| format!("„{quote}“")).unwrap_or_default();
        let lines = vec![
            Text::from(vec![Span::from(format!("▲ {}", open.reason)).bold().fg(Color::Red), Span::from(by).dim()]),
            Text::from(quote),
        ];
        frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }).block(left()), alert);
    }
    let opened = board.opened.as_ref() == Some(&call.view.call);
    let mut lines: Vec<Text> = call.lines.iter().map(line).collect();
    if !opened {
        lines.push(Text::from("Enter opens the conversation; the agent is told.").dim());
    } else if lines.is_empty() {
        lines.push(
            Text::from("What is said from now on stands here; what was said before, the board's page shows.").dim(),
        );
    }
    let paragraph = Paragraph::new(lines).wrap(Wrap { trim: false });
    let block = left().title(title(call));
    let room = words.height.saturating_sub(1);
    let rows = u16::try_from(paragraph.line_count(words.width.saturating_sub(1))).unwrap_or(u16::MAX);
    frame.render_widget(paragraph.scroll((rows.saturating_sub(room), 0)).block(block), words);
    let numbered = suggestions.iter().enumerate();
    let mut lines = vec![Text::from("suggested words").dim()];
    lines.extend(numbered.map(|(place, text)| Text::from(format!("{} {text}", place + 1)).fg(Color::Blue)));
    frame.render_widget(Paragraph::new(lines).block(left()), phrases);
}

/// The call, how its customer sounds, and who reads along beside us.
fn title(call: &Call) -> String {
    let mut title = format!(" {} ", call.view.call);
    for sounding in &call.view.sounds {
        title += &format!("· {} ", sounding.text);
    }
    // One name is our own.
    if call.watching.len() > 1 {
        title += &format!("· open at {} ", call.watching.join(", "));
    }
    title
}

fn line(line: &Line) -> Text<'static> {
    match line {
        Line::Whisper { t_ms, from, text } => Text::from(vec![
            Span::from(format!("{:>6} ", clock(*t_ms))).dim(),
            Span::from(format!("{from} whispered: ")).fg(Color::Blue).bold(),
            Span::from(text.clone()).fg(Color::Blue),
        ]),
        Line::Note { t_ms, text } => Text::from(format!("{:>6} {text}", clock(*t_ms))).dim(),
        Line::Words { channel, t_ms, text, cues, severity } => {
            let style = match severity {
                3 => Style::new().fg(Color::Red),
                2 => Style::new().fg(Color::Magenta),
                1 => Style::new().fg(Color::Yellow),
                _ => Style::new(),
            };
            let (who, style) = match channel {
                Channel::Customer => ("customer", style),
                Channel::Agent => ("agent   ", Style::new().dim()),
                Channel::Mixed => ("mixed   ", style),
            };
            let mut spans =
                vec![Span::from(format!("{:>6} {who} ", clock(*t_ms))).dim(), Span::styled(text.clone(), style)];
            if !cues.is_empty() {
                let names: Vec<&str> = cues.iter().map(|cue| cue.as_str()).collect();
                spans.push(Span::from(format!("  [{}]", names.join(", "))).dim());
            }
            Text::from(spans)
        }
    }
}

fn foot(frame: &mut Frame, area: Rect, board: &Board) {
    let text = match &board.mode {
        Mode::Whisper(draft) => Text::from(vec![
            Span::from(" whisper ").reversed(),
            Span::from(format!(" {draft}▏")),
            Span::from("  Enter sends, Esc drops").dim(),
        ]),
        _ => Text::from(vec![Span::from(" ? help  q quit  ").dim(), Span::from(board.status.clone())]),
    };
    frame.render_widget(text, area);
}

fn help(frame: &mut Frame) {
    let all = frame.area();
    let (width, height) = (72.min(all.width), (HELP.len() as u16 + 2).min(all.height));
    let area = Rect::new((all.width - width) / 2, (all.height - height) / 2, width, height);
    let rows: Vec<Text> = HELP
        .iter()
        .map(|(key, what)| Text::from(vec![Span::from(format!(" {key:<9} ")).bold(), Span::from(*what)]))
        .collect();
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(rows).block(Block::bordered().title(" keys ")), area);
}

/// A sign and a colour: never the colour alone.
fn band_mark(band: Band) -> (&'static str, Color) {
    match band {
        Band::Calm => ("○", Color::Green),
        Band::Tense => ("◔", Color::Yellow),
        Band::Heated => ("◕", Color::Magenta),
        Band::Critical => ("●", Color::Red),
    }
}

fn clock(ms: u64) -> String {
    format!("{}:{:02}", ms / 60_000, ms / 1000 % 60)
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use serde_json::json;

    use super::super::board::tests::{alert, board as example, event};
    use super::*;

    fn screen(state: &Board, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| board(frame, state)).unwrap();
        let buffer = terminal.backend().buffer();
        let rows = buffer.content.chunks(usize::from(width));
        rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>() + "\n").collect()
    }

    #[test]
    fn shows_need_reason_words_and_suggestions() {
        let mut state = example();
        state.hear(&alert("loud", 2, "raised"));
        let words = json!({"type": "utterance", "channel": "customer", "start_ms": 0, "end_ms": 1, "text": "Ich gehe zum Anwalt."});
        state.hear(&event("loud", 3, words));
        let phrase =
            json!({"type": "suggestion", "id": "loud:s1", "practice": "001-6", "text": "Das verstehe ich gut."});
        state.hear(&event("loud", 4, phrase));
        let whisper = json!({"from": "anna", "text": "Ruhig bleiben.", "t_ms": 3_500});
        let colleagues =
            json!({"type": "colleagues", "call": "loud", "watching": ["anna", "me"], "whispers": [whisper]});
        state.hear(&colleagues);
        let louder = json!({"type": "observation", "sound": "louder", "on": true, "text": "spricht lauter"});
        state.hear(&event("loud", 5, louder));
        let screen = screen(&state, 100, 20);
        for expected in [
            "loud · spricht lauter · open at anna, me",
            "anna whispered: Ruhig bleiben.",
            "2 calls, 1 with an alert",
            "▲ Anwalt",
            "„Ich gehe zum Anwalt.“",
            "customer Ich gehe",
            "1 Das verstehe ich gut.",
        ] {
            assert!(screen.contains(expected), "{expected} is missing in\n{screen}");
        }
        assert!(screen.find("80 loud") < screen.find("5 calm"), "{screen}");
    }

    #[test]
    fn a_call_without_anything_to_say_takes_one_row_and_the_selected_one_stays_in_sight() {
        let mut state = example();
        state.hear(&alert("loud", 2, "raised"));
        for n in 0..20 {
            state.hear(&event(&format!("quiet{n:02}"), 1, json!({"type": "hold"})));
        }
        let rows = screen(&state, 100, 14).matches("quiet").count();
        assert_eq!(rows, 9, "12 rows: two of the loud one, one of the calm one, and the others");
        state.selected = Some("quiet19".to_owned());
        let screen = screen(&state, 100, 14);
        assert!(screen.contains("quiet19") && !screen.contains("quiet07"), "{screen}");
    }

    #[test]
    fn draws_on_any_size_and_in_any_state() {
        let mut state = example();
        state.hear(&alert("loud", 2, "raised"));
        for mode in [Mode::Calls, Mode::Whisper("x".repeat(200)), Mode::Help] {
            state.mode = mode;
            for (width, height) in [(1, 1), (10, 3), (40, 5), (300, 100)] {
                screen(&state, width, height);
            }
        }
        state.mode = Mode::Calls;
        state.disconnected();
        assert!(screen(&state, 100, 10).contains("not connected"));
        assert!(screen(&Board::default(), 100, 10).contains("No live calls."));
    }
}
