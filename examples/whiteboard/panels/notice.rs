//! A short message above the status line, which goes by itself; and the clipboard, which reports through it.

use super::island;
use crate::{board::Drafts, theme::Theme};
use bevy::prelude::*;
use bevy_egui::{
    EguiContexts,
    egui::{Align2, Margin, Order, vec2},
};
use std::time::Duration;
use web_time::Instant;

/// How long a message stays.
const TIME: Duration = Duration::from_millis(2600);

/// The message, if there is one.
#[derive(Resource, Default)]
pub struct Notice {
    words: Option<(String, Instant)>,
    /// What waits to be put on the clipboard, and what to say then.
    copying: Option<(String, &'static str)>,
}

impl Notice {
    /// Says something for a moment.
    pub fn say(&mut self, words: impl Into<String>) {
        self.words = Some((words.into(), Instant::now()));
    }

    /// What it says, if anything.
    #[cfg(test)]
    pub fn words(&self) -> Option<&str> {
        self.words.as_ref().map(|(words, _)| words.as_str())
    }

    /// Puts text on the clipboard, and says so.
    pub fn copy(&mut self, text: &str, then: &'static str) {
        self.copying = Some((text.to_owned(), then));
    }
}

/// Shows the message while it lasts.
pub fn show(
    mut contexts: EguiContexts,
    theme: Res<Theme>,
    mut notice: ResMut<Notice>,
    mut drafts: ResMut<Drafts>,
    mut clipboard: Local<Clipboard>,
) -> Result {
    if let Some((text, then)) = notice.copying.take() {
        match clipboard.put(text) {
            Ok(()) => notice.say(then),
            Err(reason) => notice.say(format!("Copying failed: {reason}")),
        }
    }
    if drafts.refusal.is_some()
        && let Some(reason) = drafts.refusal.take()
    {
        notice.say(sentence(&reason));
    }
    let Some((words, since)) = &notice.words else { return Ok(()) };
    if since.elapsed() > TIME {
        notice.words = None;
        return Ok(());
    }
    let context = contexts.ctx_mut()?;
    let tokens = theme.tokens();
    let area =
        island::area("notice", Align2::CENTER_BOTTOM, vec2(0.0, -70.0)).order(Order::Tooltip).interactable(false);
    area.show(context, |ui| {
        island::frame(tokens).inner_margin(Margin::symmetric(14, 8)).show(ui, |ui| ui.label(words));
    });
    context.request_repaint_after(Duration::from_millis(100));
    Ok(())
}

fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The system's clipboard, opened when it is first used and kept, because on X11 whoever copied must answer for it.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Default)]
pub struct Clipboard(Option<arboard::Clipboard>);

#[cfg(not(target_arch = "wasm32"))]
impl Clipboard {
    fn put(&mut self, text: String) -> Result<(), String> {
        let clipboard = match &mut self.0 {
            Some(clipboard) => clipboard,
            none => none.insert(arboard::Clipboard::new().map_err(|error| error.to_string())?),
        };
        clipboard.set_text(text).map_err(|error| error.to_string())
    }
}

/// The browser's clipboard. It asks the page's user when the page has not been touched for a while, and pages on plain
/// http have only the older way.
#[cfg(target_arch = "wasm32")]
#[derive(Default)]
pub struct Clipboard;

#[cfg(target_arch = "wasm32")]
impl Clipboard {
    fn put(&mut self, text: String) -> Result<(), String> {
        crate::page::copy(&text)
    }
}
