//! The dialog that asks whether to go on without those who are missing.

use super::{Open, icons::Icon, island, share::fact};
use crate::{stranded::ContinueAsNew, theme::Theme, tools::Command};
use bevy::prelude::*;
use bevy_egui::EguiContexts;

/// Shows the dialog while it is open.
pub fn show(
    mut contexts: EguiContexts,
    (theme, open): (Res<Theme>, Res<Open>),
    mut commands: MessageWriter<Command>,
    mut decision: MessageWriter<ContinueAsNew>,
) -> Result {
    if *open != Open::Continue {
        return Ok(());
    }
    let tokens = theme.tokens();
    let mut decided = false;
    let stays = island::dialog(contexts.ctx_mut()?, tokens, "Go on without the others", 430.0, |ui| {
        ui.label(
            "This board waits until more of those who keep it are back. If they don't come back, you can go on as a new \
             board.",
        );
        ui.add_space(8.0);
        fact(ui, tokens, Icon::Check, "It begins with everything that is saved here, and with your waiting changes.");
        fact(ui, tokens, Icon::Help, "It gets a new link. Whoever has only the old one doesn't find it.");
        fact(ui, tokens, Icon::Alert, "The old board stays as it is. What others draw there is not on the new one.");
        ui.add_space(10.0);
        decided = island::call_to_action(ui, tokens, Icon::Check, "Go on as a new board").clicked();
    });
    if decided {
        decision.write(ContinueAsNew);
    }
    if decided || !stays {
        commands.write(Command::Close);
    }
    Ok(())
}
