//! Continuing the board as a new one, kept in a folder of its own, with a link of its own.

use crate::{
    board::Drafts,
    errors::Failure,
    folder::Folder,
    stranded::{ContinueAsNew, StrandedPlugin},
};
use bevy::prelude::*;
use bevy_quorum::prelude::*;

/// How the board would be continued.
#[derive(Resource, Clone, Debug)]
pub struct Continuation {
    /// The folder that keeps the board now.
    pub folder: Folder,
    /// The folder that the command line wants it to be continued in.
    pub wanted: Option<Folder>,
    /// Where newcomers find the new board, if not where they find this one.
    pub rendezvous: Vec<String>,
}

/// Continues the board when somebody says so, or at once if the command line does.
pub struct ContinuationPlugin(pub Continuation);

impl Plugin for ContinuationPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins(StrandedPlugin)
            .insert_resource(self.0.clone())
            .add_systems(Update, (begin, conclude).chain().in_set(ContinuationSystems));
    }
}

/// Begins and concludes; before anybody looks at rooms that failed.
#[derive(SystemSet, Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContinuationSystems;

/// A room that is about to continue another one.
#[derive(Component)]
pub struct Successor {
    folder: Folder,
    /// Nobody is there to choose otherwise if it fails.
    by_command_line: bool,
}

fn begin(
    mut asked: MessageReader<ContinueAsNew>,
    mut commands: Commands,
    mut continuation: ResMut<Continuation>,
    mut drafts: ResMut<Drafts>,
    rooms: Query<(Entity, &Room)>,
    successors: Query<&Successor>,
) {
    let Some((old, room)) = rooms.iter().next().filter(|(_, room)| successors.is_empty() && room.can_be_continued())
    else {
        return;
    };
    let by_command_line = continuation.wanted.is_some();
    if asked.read().count() == 0 && !by_command_line {
        return;
    }
    let folder = continuation.wanted.take().map_or_else(|| continuation.folder.beside(), Ok);
    let addresses = match (&continuation.rendezvous[..], room.invitation()) {
        ([], Some(invitation)) => invitation.rendezvous(),
        (addresses, _) => addresses,
    };
    match (folder, addresses.split_first()) {
        (Ok(folder), Some((first, others))) => {
            let room = Room::continue_as_new(old, first).store(folder.path());
            let room = others.iter().fold(room, Room::also_at);
            commands.spawn((room, Successor { folder, by_command_line }));
        }
        (Err(error), _) => drafts.refusal = Some(format!("The board can't be continued: {error}")),
        (_, None) => {}
    }
}

/// The new board is there, or it isn't: then the old one goes on.
fn conclude(
    mut commands: Commands,
    mut continuation: ResMut<Continuation>,
    mut drafts: ResMut<Drafts>,
    mut exit: MessageWriter<AppExit>,
    successors: Query<(Entity, &Successor, &RoomState)>,
) {
    for (room, successor, state) in &successors {
        match state {
            RoomState::Opening => {}
            RoomState::Failed(error) => {
                let failure = Failure::Room(format!("the board can't be continued: {error}"));
                if successor.by_command_line {
                    failure.report();
                    exit.write(AppExit::from_code(failure.code()));
                }
                drafts.refusal = Some(failure.to_string());
                commands.entity(room).despawn();
            }
            _ => {
                if let Err(error) = continuation.folder.point_to(&successor.folder) {
                    eprintln!("whiteboard: {} can't say where its board goes on: {error}", continuation.folder);
                }
                eprintln!("whiteboard: this board goes on as a new one in {}; the old one stays", successor.folder);
                continuation.folder = successor.folder.clone();
                commands.entity(room).remove::<Successor>();
            }
        }
    }
}
