//! The field in which people say what they are called.

use super::island;
use crate::{
    board::{Myself, PersonName},
    theme::Tokens,
};
use bevy::prelude::*;
use bevy_egui::egui::{RichText, Ui};
use bevy_quorum::prelude::AppBell;

/// What is typed, between frames.
#[derive(Default)]
pub struct NameField(field::Field);

impl NameField {
    /// Shows the field, and takes over what is typed as soon as it is a name.
    pub fn show(&mut self, ui: &mut Ui, tokens: &Tokens, myself: &mut ResMut<Myself>, bell: Option<&AppBell>) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 10.0;
            ui.set_min_height(island::BUTTON_PX);
            ui.label(RichText::new("Your name").color(tokens.weak));
            let typed = self.0.show(ui, tokens, myself.0.as_str(), bell);
            if let Some(name) = typed.as_deref().and_then(PersonName::tidied).filter(|name| *name != myself.0) {
                myself.0 = name;
            }
        });
    }

    /// Takes the field away with the panel it was in.
    pub fn hide(&mut self) {
        self.0.hide();
    }
}

/// A field of egui's own.
#[cfg(not(target_arch = "wasm32"))]
mod field {
    use crate::{board::NAME_BYTES_MAX, theme::Tokens};
    use bevy_egui::egui::{Margin, TextEdit, Ui};
    use bevy_quorum::prelude::AppBell;

    #[derive(Default)]
    pub struct Field(Option<String>);

    impl Field {
        pub fn show(&mut self, ui: &mut Ui, tokens: &Tokens, name: &str, _: Option<&AppBell>) -> Option<String> {
            let typed = self.0.get_or_insert_with(|| name.to_owned());
            let field = TextEdit::singleline(typed)
                .char_limit(NAME_BYTES_MAX)
                .desired_width(f32::INFINITY)
                .margin(Margin::symmetric(10, 8))
                .background_color(tokens.hover);
            let response = ui.add(field);
            let changed = response.changed().then(|| typed.clone());
            if response.lost_focus() {
                // The name as it was taken over.
                self.0 = None;
            }
            changed
        }

        pub fn hide(&mut self) {
            self.0 = None;
        }
    }
}

/// The browser's own field, laid over the panel: egui's has neither input methods nor a phone's keyboard there
/// (bevy_egui#447).
#[cfg(target_arch = "wasm32")]
mod field {
    use crate::{board::NAME_BYTES_MAX, page::text_field, panels::island, theme::Tokens};
    use bevy_egui::egui::{Sense, Ui, vec2};
    use bevy_quorum::prelude::AppBell;

    #[derive(Default)]
    pub struct Field {
        shown: bool,
    }

    impl Field {
        pub fn show(&mut self, ui: &mut Ui, tokens: &Tokens, name: &str, bell: Option<&AppBell>) -> Option<String> {
            let size = vec2(ui.available_width(), island::BUTTON_PX);
            let (place, _) = ui.allocate_exact_size(size, Sense::hover());
            if !self.shown {
                self.shown = text_field::open("Your name", name, NAME_BYTES_MAX, bell);
            }
            text_field::lay(place, tokens);
            text_field::text()
        }

        pub fn hide(&mut self) {
            if std::mem::take(&mut self.shown) {
                text_field::close();
            }
        }
    }
}
