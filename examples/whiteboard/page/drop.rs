//! Files that are dropped on the page. Without this the browser would leave the board and show the file.

use super::{address::window, events};
use crate::dropping::{DROPPED_FILES_MAX, DroppingSystems, FileOver, fits};
use bevy::prelude::*;
use bevy_quorum::prelude::*;
use js_sys::Uint8Array;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DataTransfer, DragEvent, File};

/// Hears of files over the page.
pub struct DropPlugin;

/// What happened since the last frame, and what wakes the next one.
#[derive(Resource, Clone)]
struct Inbox {
    heard: Arc<Mutex<VecDeque<FileOver>>>,
    bell: Option<AppBell>,
}

impl Plugin for DropPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(PostStartup, listen)
            .add_systems(Update, pass_on.before(DroppingSystems).run_if(resource_exists::<Inbox>));
    }
}

impl Inbox {
    fn put(&self, file: FileOver) {
        let mut heard = self.heard();
        // A file that is held still says so again and again.
        if file != FileOver::Hovers || heard.back() != Some(&file) {
            heard.push_back(file);
        }
        if let Some(bell) = &self.bell {
            bell.ring();
        }
    }

    fn heard(&self) -> MutexGuard<'_, VecDeque<FileOver>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pass_on(inbox: Res<Inbox>, mut files: MessageWriter<FileOver>) {
    files.write_batch(inbox.heard().drain(..));
}

fn listen(mut commands: Commands, bell: Option<Res<AppBell>>) {
    let inbox = Inbox { heard: Arc::default(), bell: bell.map(|bell| bell.clone()) };
    commands.insert_resource(inbox.clone());
    let Ok(window) = window() else { return };
    for event in ["dragover", "dragleave", "drop"] {
        let inbox = inbox.clone();
        events::listen(&window, event, move |event: DragEvent| hear(&inbox, &event));
    }
}

fn hear(inbox: &Inbox, event: &DragEvent) {
    let Some(held) = event.data_transfer().filter(holds_files) else { return };
    match event.type_().as_str() {
        "dragover" => {
            event.prevent_default();
            held.set_drop_effect("copy");
            inbox.put(FileOver::Hovers);
        }
        // Within the page it goes from one element to another.
        "dragleave" if event.related_target().is_none() => inbox.put(FileOver::Left),
        "drop" => {
            event.prevent_default();
            inbox.put(FileOver::Left);
            let files = held.files();
            let files = files.iter().flat_map(|list| (0..list.length().min(DROPPED_FILES_MAX)).map(|i| list.get(i)));
            for file in files.flatten() {
                let inbox = inbox.clone();
                spawn_local(async move { inbox.put(FileOver::Dropped(contents(file).await)) });
            }
        }
        _ => {}
    }
}

/// Text or a link that is dragged is left to the browser.
fn holds_files(held: &DataTransfer) -> bool {
    held.types().includes(&"Files".into(), 0)
}

async fn contents(file: File) -> Result<Vec<u8>, String> {
    fits(file.size() as u64)?;
    let unreadable = |_| "The browser can't read that file.".to_owned();
    let bytes = JsFuture::from(file.array_buffer()).await.map_err(unreadable)?;
    Ok(Uint8Array::new(&bytes).to_vec())
}
