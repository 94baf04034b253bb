//! Top right: who is here, and the way to invite others.

use super::{
    Open,
    icons::Icon,
    island::{self, Face, Standing},
};
use crate::{
    board::{Myself, Rgb},
    presence::{self, People},
    theme::{Theme, Tokens},
    tools::Command,
};
use bevy::prelude::*;
use bevy_egui::{
    EguiContexts,
    egui::{Align2, Color32, FontId, Response, Sense, Stroke, Ui, Vec2, vec2},
};
use bevy_quorum::{prelude::*, raft::NodeId};

/// How many faces are shown before the rest is counted.
const FACES_MAX: usize = 6;

/// Somebody in the row.
struct Portrait {
    name: String,
    color: Rgb,
    standing: Whose,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Mine,
    Here,
    Away,
}

/// Shows the row.
pub fn show(
    mut contexts: EguiContexts,
    rooms: Query<&Room>,
    (theme, people, myself): (Res<Theme>, Res<People>, Res<Myself>),
    mut commands: MessageWriter<Command>,
) -> Result {
    let tokens = theme.tokens();
    let row = rooms.iter().next().map(|room| row(room.status(), &people, &myself)).unwrap_or_default();
    let offset = vec2(-island::MARGIN_PX, island::MARGIN_PX);
    island::area("avatars", Align2::RIGHT_TOP, offset).show(contexts.ctx_mut()?, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            for face in row.iter().take(FACES_MAX) {
                // One's own face leads to one's name.
                if avatar(ui, tokens, face).clicked() {
                    commands.write(Command::Toggle(Open::Share));
                }
            }
            if row.len() > FACES_MAX {
                let rest = row[FACES_MAX..].iter().map(|face| face.name.as_str()).collect::<Vec<_>>().join(", ");
                more(ui, tokens, row.len() - FACES_MAX, &rest);
            }
            ui.add_space(4.0);
            let theme_face = match *theme {
                Theme::Light => Face { icon: Icon::Moon, label: "Dark", keys: "Alt Shift D" },
                Theme::Dark => Face { icon: Icon::Sun, label: "Light", keys: "Alt Shift D" },
            };
            if island::button(ui, tokens, theme_face, Standing::Ready) {
                commands.write(Command::SwitchTheme);
            }
            let share = island::call_to_action(ui, tokens, Icon::Share, "Share");
            island::explain(tokens, &share, "Invite others", "Ctrl I");
            if share.clicked() {
                commands.write(Command::Toggle(Open::Share));
            }
        });
    });
    Ok(())
}

/// This person first, then those who are here, then the others.
fn row(status: &RoomStatus, people: &People, myself: &Myself) -> Vec<Portrait> {
    let colors = presence::colors(presence::everybody(status));
    let me = status.node;
    let color = |node: NodeId| colors.get(&node).copied().unwrap_or_default();
    let mine = Portrait {
        name: format!("{} (you)", myself.0.as_str()),
        color: me.map(color).unwrap_or([100; 3]),
        standing: Whose::Mine,
    };
    let mut others: Vec<_> = colors
        .keys()
        .filter(|node| Some(**node) != me)
        .map(|&node| Portrait {
            name: display_name(people, node),
            color: color(node),
            standing: if status.peers.contains(&node) { Whose::Here } else { Whose::Away },
        })
        .collect();
    others.sort_by(|a, b| a.standing.cmp(&b.standing).then_with(|| a.name.cmp(&b.name)));
    std::iter::once(mine).chain(others).collect()
}

/// What to call somebody.
pub fn display_name(people: &People, node: NodeId) -> String {
    let name = people.get(node).and_then(|somebody| somebody.name.as_ref());
    name.map_or_else(|| format!("Guest {}", &node.to_string()[12..]), |name| name.as_str().to_owned())
}

fn avatar(ui: &mut Ui, tokens: &Tokens, face: &Portrait) -> Response {
    let sense = if face.standing == Whose::Mine { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(32.0), sense);
    let here = face.standing != Whose::Away;
    let [r, g, b] = face.color;
    let color = Color32::from_rgb(r, g, b);
    let initials: String = face
        .name
        .split_whitespace()
        .take(2)
        .filter_map(|word| word.chars().find(|letter| letter.is_alphanumeric()))
        .collect();
    let first = initials.chars().next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let (fill, ink) = if here { (color, Color32::WHITE) } else { (tokens.hover, tokens.weak) };
    ui.painter().circle_filled(rect.center(), 15.0, fill);
    let ring = if here { tokens.canvas } else { tokens.border };
    ui.painter().circle_stroke(rect.center(), 15.5, Stroke::new(1.5, ring));
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, first, FontId::proportional(14.0), ink);
    let aside = match face.standing {
        Whose::Mine => "your name",
        Whose::Here => "",
        Whose::Away => "not here now",
    };
    island::explain(tokens, &response, &face.name, aside);
    response
}

fn more(ui: &mut Ui, tokens: &Tokens, count: usize, names: &str) {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(32.0), Sense::hover());
    ui.painter().circle(rect.center(), 15.0, tokens.hover, Stroke::new(1.0, tokens.border));
    let text = format!("+{count}");
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, FontId::proportional(12.0), tokens.text);
    island::explain(tokens, &response, names, "");
}
