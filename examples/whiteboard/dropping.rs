//! Files that are dropped on the board: the strokes in them are drawn as if by hand.

use crate::{draw_file, drawing::Drawing, panels::Notice};
use bevy::prelude::*;

/// The largest file that is taken, in bytes: it is read at once, by the thread that draws.
pub const DROPPED_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The most files that are taken at once.
#[cfg(target_arch = "wasm32")]
pub const DROPPED_FILES_MAX: u32 = 16;

/// Something that happens to a file over the board.
#[derive(Message, Clone, Debug, PartialEq)]
pub enum FileOver {
    /// It may be dropped here.
    Hovers,
    /// It went elsewhere.
    Left,
    /// It was dropped: what is in it, or why that can't be known.
    Dropped(Result<Vec<u8>, String>),
}

/// Whether a file is held over the board.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hovering(pub bool);

/// Takes in what is dropped.
#[derive(SystemSet, Clone, Debug, PartialEq, Eq, Hash)]
pub struct DroppingSystems;

/// Draws the strokes of files that are dropped.
pub struct DroppingPlugin;

impl Plugin for DroppingPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Hovering>()
            .add_message::<FileOver>()
            .add_systems(Update, take_in.in_set(DroppingSystems).run_if(resource_exists::<Drawing>));
        #[cfg(not(target_arch = "wasm32"))]
        app.add_systems(Update, native::hear.before(DroppingSystems));
    }
}

fn take_in(
    mut files: MessageReader<FileOver>,
    mut hovering: ResMut<Hovering>,
    mut drawing: ResMut<Drawing>,
    mut notice: ResMut<Notice>,
) {
    for file in files.read() {
        hovering.set_if_neq(Hovering(*file == FileOver::Hovers));
        let FileOver::Dropped(contents) = file else { continue };
        match contents.as_deref().map_err(String::clone).and_then(strokes) {
            Ok(strokes) => {
                notice.say(words(strokes.len()));
                drawing.0.extend(strokes);
            }
            Err(reason) => notice.say(reason),
        }
    }
}

/// Whether a file is small enough; in words if not.
pub fn fits(bytes: u64) -> Result<(), String> {
    const MEGABYTE: u64 = 1024 * 1024;
    if bytes <= DROPPED_BYTES_MAX {
        return Ok(());
    }
    let (has, limit) = (bytes.div_ceil(MEGABYTE), DROPPED_BYTES_MAX / MEGABYTE);
    Err(format!("That file has {has} MB. Files of up to {limit} MB can be dropped here."))
}

fn strokes(contents: &[u8]) -> Result<Vec<crate::board::Stroke>, String> {
    let strokes = draw_file::parse(contents).map_err(|error| format!("That is no file of strokes: {error}."))?;
    if strokes.is_empty() { Err("That file has no strokes in it.".to_owned()) } else { Ok(strokes) }
}

fn words(strokes: usize) -> String {
    if strokes == 1 {
        "The file's stroke is drawn.".to_owned()
    } else {
        format!("The file's {strokes} strokes are drawn.")
    }
}

/// What a native window hears.
#[cfg(not(target_arch = "wasm32"))]
mod native {
    use super::{FileOver, fits};
    use bevy::{prelude::*, window::FileDragAndDrop};
    use std::{fs, path::Path};

    pub fn hear(mut heard: MessageReader<FileDragAndDrop>, mut files: MessageWriter<FileOver>) {
        for file in heard.read() {
            files.write(match file {
                FileDragAndDrop::HoveredFile { .. } => FileOver::Hovers,
                FileDragAndDrop::HoveredFileCanceled { .. } => FileOver::Left,
                FileDragAndDrop::DroppedFile { path_buf, .. } => FileOver::Dropped(contents(path_buf)),
            });
        }
    }

    fn contents(path: &Path) -> Result<Vec<u8>, String> {
        let unreadable = |error| format!("That file can't be read: {error}.");
        fits(fs::metadata(path).map_err(unreadable)?.len())?;
        fs::read(path).map_err(unreadable)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use bevy::{ecs::system::RunSystemOnce, window::FileDragAndDrop};
    use std::fs;

    /// What came of a file that was dropped: how many strokes are to be drawn, and what was said.
    fn dropped(contents: &[u8]) -> (usize, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("strokes.json");
        fs::write(&path, contents).unwrap();
        let mut app = App::new();
        app.add_plugins(DroppingPlugin)
            .add_message::<FileDragAndDrop>()
            .init_resource::<Drawing>()
            .init_resource::<Notice>();
        let window = Entity::PLACEHOLDER;
        app.world_mut().write_message(FileDragAndDrop::HoveredFile { window, path_buf: path.clone() });
        app.update();
        assert_eq!(*app.world().resource::<Hovering>(), Hovering(true));
        app.world_mut().write_message(FileDragAndDrop::DroppedFile { window, path_buf: path });
        app.update();
        assert_eq!(*app.world().resource::<Hovering>(), Hovering(false));
        let said = |notice: Res<Notice>| notice.words().unwrap_or_default().to_owned();
        let said = app.world_mut().run_system_once(said).unwrap();
        (app.world().resource::<Drawing>().0.len(), said)
    }

    #[test]
    fn the_strokes_of_a_dropped_file_are_drawn() {
        let stroke = r##"{"color":"#112233","width":2,"points":[[0,0],[9,9]]}"##;
        assert_eq!(dropped(format!("[{stroke}]").as_bytes()), (1, "The file's stroke is drawn.".to_owned()));
        assert_eq!(dropped(format!("[{stroke},{stroke}]").as_bytes()).0, 2);
    }

    #[test]
    fn what_is_no_file_of_strokes_is_named_and_draws_nothing() {
        for (contents, reason) in [("hello", "no file of strokes"), ("[]", "no strokes in it"), ("{}", "no file of")] {
            let (strokes, said) = dropped(contents.as_bytes());
            assert!(strokes == 0 && said.contains(reason), "{said}");
        }
    }

    #[test]
    fn files_beyond_the_limit_are_not_even_read() {
        assert!(fits(DROPPED_BYTES_MAX).is_ok());
        let refusal = fits(DROPPED_BYTES_MAX + 1).unwrap_err();
        assert!(refusal.contains("17 MB") && refusal.contains("16 MB"), "{refusal}");
    }
}
