//! Bottom right: how the room stands, in plain words, and behind a click in numbers; and the way to the help.

use super::{
    Open,
    avatars::display_name,
    icons::Icon,
    island::{self, Face, Standing},
    notice::Notice,
    words::{self, Mood},
};
use crate::{
    board::{Board, Drafts},
    canvas::PENDING_PATIENCE,
    presence::People,
    stranded::Stranded,
    theme::{Theme, Tokens},
    tools::Command,
};
use bevy::prelude::*;
use bevy_egui::{
    EguiContexts,
    egui::{Align, Align2, Color32, FontId, Layout, Margin, Response, RichText, Sense, Ui, vec2},
};
use bevy_quorum::{prelude::*, raft::NodeId, wire::PROTOCOL_VERSION};
use std::time::Duration;

/// What the line takes besides its text, in width.
const PILL_PX: f32 = 36.0;
/// What the island takes besides the line.
const FRAME_PX: f32 = 12.0;

/// Everything the panel tells about.
#[derive(bevy::ecs::system::SystemParam)]
pub struct Facts<'w, 's> {
    rooms: Query<'w, 's, (&'static Room, &'static RoomState)>,
    peers: Query<'w, 's, (&'static Peer, Option<&'static LinkStats>)>,
    people: Res<'w, People>,
    board: Res<'w, Board>,
    drafts: Res<'w, Drafts>,
    stranded: Res<'w, Stranded>,
}

/// Shows the line and, when it is open, what is behind it.
pub fn show(
    mut contexts: EguiContexts,
    (theme, open): (Res<Theme>, Res<Open>),
    facts: Facts,
    mut notice: ResMut<Notice>,
    mut commands: MessageWriter<Command>,
) -> Result {
    let Some((room, state)) = facts.rooms.iter().next() else { return Ok(()) };
    let tokens = theme.tokens();
    let context = contexts.ctx_mut()?;
    let (mood, line) = words::of(state, room.status(), facts.drafts.waiting_longer_than(PENDING_PATIENCE));
    let narrow = island::is_narrow(context);
    let (place, row) = if narrow { (Align2::LEFT_TOP, 1) } else { (Align2::RIGHT_BOTTOM, 0) };
    let beside = if narrow { 0.0 } else { island::ROW_PX };
    let width = context.content_rect().width() - 2.0 * island::MARGIN_PX - FRAME_PX - beside;
    let height = island::float_in_row(context, tokens, "status", place, row, |ui| {
        let line = ui.horizontal(|ui| {
            let pill = pill(ui, tokens, mood, &line, width);
            if pill.clicked() {
                commands.write(Command::Toggle(Open::Status));
            }
            let help = Face { icon: Icon::Help, label: "Keys", keys: "?" };
            if !narrow && island::button(ui, tokens, help, Standing::Ready) {
                commands.write(Command::Toggle(Open::Help));
            }
            pill.rect.height()
        });
        line.inner
    });
    if *open == Open::Status {
        let rows = f32::from(row + 1) * island::ROW_PX + height - island::BUTTON_PX;
        let offset = -place.to_sign() * vec2(island::MARGIN_PX, island::MARGIN_PX + rows);
        island::area("status details", place, offset).show(context, |ui| {
            island::frame(tokens).inner_margin(Margin::same(14)).show(ui, |ui| {
                ui.set_width(270.0);
                details(ui, tokens, room.status(), &facts, &mut notice);
                if facts.stranded.for_long() && island::quiet_button(ui, tokens, "Go on without the others…").clicked()
                {
                    commands.write(Command::Toggle(Open::Continue));
                }
            });
        });
        context.request_repaint_after(Duration::from_millis(500));
    }
    Ok(())
}

/// The line, which takes as many lines as it needs where the window is no wider than `width`.
fn pill(ui: &mut Ui, tokens: &Tokens, mood: Mood, line: &str, width: f32) -> Response {
    let font = FontId::proportional(island::TEXT_PX);
    let text = ui.painter().layout(line.to_owned(), font, tokens.text, width - PILL_PX);
    let size = vec2(text.size().x + PILL_PX, (text.size().y + 14.0).max(island::BUTTON_PX));
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let fill = if response.hovered() { tokens.hover } else { Color32::TRANSPARENT };
    ui.painter().rect_filled(rect.shrink(1.0), 7.0, fill);
    let color = match mood {
        Mood::Good => tokens.good,
        Mood::Busy => tokens.accent,
        Mood::Waiting => tokens.warning,
    };
    ui.painter().circle_filled(rect.left_center() + vec2(14.0, 0.0), 4.0, color);
    ui.painter().galley(rect.left_center() + vec2(26.0, -text.size().y / 2.0), text, tokens.text);
    response
}

fn details(ui: &mut Ui, tokens: &Tokens, status: &RoomStatus, facts: &Facts, notice: &mut Notice) {
    let rows = rows(status, facts);
    for (what, value) in &rows {
        ui.horizontal(|ui| {
            ui.label(RichText::new(what).size(12.0).color(tokens.weak));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.label(RichText::new(value).size(12.0));
            });
        });
    }
    let reason = why_nobody_comes(&status.rendezvous);
    if let Some(reason) = reason {
        ui.label(RichText::new(reason).size(12.0).color(tokens.weak));
    }
    ui.add_space(8.0);
    if island::quiet_button(ui, tokens, "Copy diagnostics").clicked() {
        let rows = rows.iter().map(|(what, value)| format!("{what}: {value}"));
        let lines: Vec<_> = rows.chain(reason.map(str::to_owned)).collect();
        notice.copy(&lines.join("\n"), "The diagnostics are copied");
    }
}

fn rows(status: &RoomStatus, facts: &Facts) -> Vec<(String, String)> {
    let me = status.node;
    let name = |node: NodeId| if Some(node) == me { "you".to_owned() } else { display_name(&facts.people, node) };
    let mut rows = vec![
        ("Role".to_owned(), status.role.to_string()),
        ("Leader".to_owned(), status.leader.map_or_else(|| "nobody".into(), name)),
        ("Term".to_owned(), status.term.to_string()),
        ("Decided / carried out".to_owned(), format!("{} / {}", status.commit, status.applied)),
        ("Voters, others".to_owned(), format!("{}, {}", status.voters.len(), status.learners.len())),
        ("Own changes waiting".to_owned(), status.pending.to_string()),
        ("Strokes".to_owned(), facts.board.len().to_string()),
        ("Board".to_owned(), facts.board.digest().to_string()[..12].to_owned()),
        ("Newcomers".to_owned(), newcomers(&status.rendezvous)),
    ];
    if let Some(holdup) = status.holdup {
        rows.push(("Why they wait".to_owned(), holdup.to_string()));
    }
    if let Some(version) = status.other_version {
        rows.push(("Others' version".to_owned(), format!("{version}, and {PROTOCOL_VERSION} here")));
    }
    if let Some(trouble) = status.trouble {
        rows.push(("Trouble".to_owned(), trouble.to_string()));
    }
    if status.refused_frames > 0 {
        rows.push(("Refused frames".to_owned(), status.refused_frames.to_string()));
    }
    for (peer, link) in &facts.peers {
        rows.push((name(peer.node), link.map_or_else(|| "not here".into(), reached)));
    }
    rows
}

/// How far away somebody is, and whether only by way of a relay.
fn reached(link: &LinkStats) -> String {
    let mut words = match link.round_trip {
        Some(time) => format!("{:.0} ms", time.as_secs_f64() * 1000.0),
        None => "linked".to_owned(),
    };
    if link.relayed == Some(true) {
        words.push_str(", relayed");
    }
    words
}

fn newcomers(rendezvous: &RendezvousState) -> String {
    let words = match rendezvous {
        RendezvousState::Connecting => "not yet",
        RendezvousState::Connected => "can come in",
        RendezvousState::Lost(_) | RendezvousState::Full(_) | RendezvousState::Blocked(_) => "can't come in now",
    };
    words.to_owned()
}

fn why_nobody_comes(rendezvous: &RendezvousState) -> Option<&str> {
    match rendezvous {
        RendezvousState::Connecting | RendezvousState::Connected => None,
        RendezvousState::Lost(reason) | RendezvousState::Full(reason) | RendezvousState::Blocked(reason) => {
            Some(reason)
        }
    }
}
