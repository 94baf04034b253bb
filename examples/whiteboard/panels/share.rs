//! The dialog with the invitation, and with one's name, as those who come see it.

use super::{Open, icons::Icon, island, name::NameField, notice::Notice};
use crate::{
    board::Myself,
    theme::{Theme, Tokens},
    tools::Command,
};
use bevy::prelude::*;
use bevy_egui::{
    EguiContexts,
    egui::{Align2, FontId, RichText, Sense, Stroke, StrokeKind, Ui, text::LayoutJob, text::TextFormat, vec2},
};
use bevy_quorum::prelude::*;

/// Shows the dialog while it is open.
pub fn show(
    mut contexts: EguiContexts,
    rooms: Query<&Room>,
    (theme, open): (Res<Theme>, Res<Open>),
    (mut notice, mut myself): (ResMut<Notice>, ResMut<Myself>),
    (mut name, bell): (Local<NameField>, Option<Res<AppBell>>),
    mut commands: MessageWriter<Command>,
) -> Result {
    if *open != Open::Share {
        name.hide();
        return Ok(());
    }
    let tokens = theme.tokens();
    let room = rooms.iter().next();
    let link = room.and_then(|room| room.invitation()).map(ToString::to_string);
    let stays = island::dialog(contexts.ctx_mut()?, tokens, "Draw together", 430.0, |ui| {
        ui.label("Whoever has this link can see the board and draw on it.");
        ui.add_space(8.0);
        match &link {
            Some(link) => link_row(ui, tokens, link, &mut notice),
            None => drop(ui.label(RichText::new("The link appears once the board is open.").color(tokens.weak))),
        }
        ui.add_space(10.0);
        name.show(ui, tokens, &mut myself, bell.as_deref());
        ui.add_space(12.0);
        fact(ui, tokens, Icon::Check, "The key after # never leaves your devices.");
        fact(ui, tokens, Icon::Check, "Strokes go from device to device, encrypted. No server stores them.");
        fact(ui, tokens, Icon::Help, SIGNALING_SEES);
        match room.map(|room| &room.status().rendezvous) {
            Some(RendezvousState::Lost(_)) => fact(ui, tokens, Icon::Alert, SIGNALING_LOST),
            Some(RendezvousState::Full(_)) => fact(ui, tokens, Icon::Alert, SIGNALING_FULL),
            Some(RendezvousState::Blocked(_)) => fact(ui, tokens, Icon::Alert, CONNECTIONS_BLOCKED),
            _ => {}
        }
    });
    if !stays {
        commands.write(Command::Close);
    }
    Ok(())
}

/// What the server in the middle learns.
const SIGNALING_SEES: &str = "The signaling server, which introduces your devices to each other, sees their network \
    addresses and a room number. What they tell each other passes it sealed.";

/// What it means when that server is gone.
const SIGNALING_LOST: &str = "The signaling server doesn't answer, so nobody new can come in right now. It is tried \
    again by itself; who is here goes on drawing.";

/// What it means when that server takes nobody else in.
const SIGNALING_FULL: &str = "The signaling server takes nobody else in now, so nobody new finds you. It is tried again \
    by itself; who is here goes on drawing.";

/// What it means when the browser makes no connections.
const CONNECTIONS_BLOCKED: &str = "This browser makes no connections to others, so nobody new can come in here. Load the \
    page again; if that changes nothing, allow WebRTC in its settings or extensions.";

fn link_row(ui: &mut Ui, tokens: &Tokens, link: &str, notice: &mut Notice) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let width = ui.available_width() - 83.0;
        let (rect, response) = ui.allocate_exact_size(vec2(width, island::BUTTON_PX), Sense::click());
        ui.painter().rect(rect, 8.0, tokens.hover, Stroke::new(1.0, tokens.border), StrokeKind::Inside);
        let mut job = LayoutJob::default();
        let (open, key) = link.split_at(link.find('#').unwrap_or(link.len()));
        let font = FontId::monospace(11.5);
        job.append(open, 0.0, TextFormat::simple(font.clone(), tokens.text));
        job.append(key, 0.0, TextFormat::simple(font, tokens.accent));
        job.wrap.max_width = width - 20.0;
        job.wrap.max_rows = 1;
        job.wrap.break_anywhere = true;
        let text = ui.ctx().fonts_mut(|fonts| fonts.layout_job(job));
        let at = Align2::LEFT_CENTER.anchor_size(rect.left_center() + vec2(10.0, 0.0), text.size());
        ui.painter().galley(at.min, text, tokens.text);
        let copy = island::call_to_action(ui, tokens, Icon::Copy, "Copy");
        if copy.clicked() || response.clicked() {
            notice.copy(link, "The link is copied");
        }
    });
}

/// A line with a picture of how good the news is.
pub fn fact(ui: &mut Ui, tokens: &Tokens, icon: Icon, words: &str) {
    ui.horizontal_top(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(22.0, 18.0), Sense::hover());
        let color = match icon {
            Icon::Check => tokens.good,
            Icon::Alert => tokens.warning,
            _ => tokens.weak,
        };
        super::icons::paint(ui.painter(), rect.center() - vec2(2.0, 0.0), icon, color);
        ui.add(bevy_egui::egui::Label::new(RichText::new(words).size(12.5).color(tokens.text)).wrap());
    });
    ui.add_space(3.0);
}
