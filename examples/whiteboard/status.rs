//! `--status-json`: how the board stands, for scripts.

use crate::{
    board::{Board, Version},
    drawing::Drawing,
};
use bevy::prelude::*;
use bevy_quorum::{
    prelude::{RendezvousState, Room, RoomStatus},
    raft::NodeId,
};
use serde::Serialize;

/// Looks how the board stands.
pub struct StatusPlugin;

/// Looks, once a frame.
#[derive(SystemSet, Clone, Debug, PartialEq, Eq, Hash)]
pub struct StatusSystems;

impl Plugin for StatusPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<StatusNews>().add_systems(PostUpdate, look.in_set(StatusSystems));
    }
}

/// How the board stands, if that has changed in this frame.
#[derive(Resource, Debug, Default)]
pub struct StatusNews {
    last: Option<StatusLine>,
    changed: bool,
    digest: (Version, String),
}

impl StatusNews {
    /// The line to tell, if there is one.
    pub fn line(&self) -> Option<&StatusLine> {
        self.last.as_ref().filter(|_| self.changed)
    }
}

fn look(rooms: Query<&Room>, board: Res<Board>, drawing: Res<Drawing>, mut news: ResMut<StatusNews>) {
    news.changed = false;
    let Ok(room) = rooms.single() else { return };
    let mut status = room.status().clone();
    status.pending += drawing.0.len();
    if news.digest.1.is_empty() || news.digest.0 != board.version() {
        news.digest = (board.version(), board.digest().to_string());
    }
    let line = StatusLine::new(&status, board.len(), news.digest.1.clone());
    if status.node.is_some() && news.last.as_ref() != Some(&line) {
        news.last = Some(line);
        news.changed = true;
    }
}

/// One line on standard output. The fields and their order are what scripts rely on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusLine {
    node: Option<String>,
    role: String,
    leader: Option<String>,
    term: u64,
    commit: u64,
    applied: u64,
    voters: Vec<String>,
    learners: Vec<String>,
    peers: Vec<String>,
    pending: usize,
    strokes: usize,
    digest: String,
    relayed: Vec<String>,
    rendezvous: &'static str,
}

impl StatusLine {
    /// What a room shows, with what its board holds.
    pub fn new(status: &RoomStatus, strokes: usize, digest: String) -> Self {
        Self {
            node: status.node.map(name),
            role: status.role.to_string(),
            leader: status.leader.map(name),
            term: status.term.0,
            commit: status.commit.0,
            applied: status.applied.0,
            voters: names(&status.voters),
            learners: names(&status.learners),
            peers: names(&status.peers),
            pending: status.pending,
            strokes,
            digest,
            relayed: names(&status.relayed),
            rendezvous: word(&status.rendezvous),
        }
    }

    /// As JSON, without a line break.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("a structure of strings and numbers is valid JSON")
    }
}

fn word(rendezvous: &RendezvousState) -> &'static str {
    match rendezvous {
        RendezvousState::Connecting => "connecting",
        RendezvousState::Connected => "connected",
        RendezvousState::Lost(_) => "lost",
        RendezvousState::Full(_) => "full",
        RendezvousState::Blocked(_) => "blocked",
    }
}

fn name(node: NodeId) -> String {
    node.to_string()
}

fn names(nodes: &[NodeId]) -> Vec<String> {
    nodes.iter().copied().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy_quorum::raft::{LogIndex, Term};

    #[test]
    fn a_line_has_the_fields_that_scripts_rely_on() {
        let status = RoomStatus {
            node: Some(NodeId(0xbeef)),
            term: Term(2),
            commit: LogIndex(9),
            applied: LogIndex(8),
            voters: vec![NodeId(1), NodeId(0xbeef)],
            pending: 3,
            ..RoomStatus::default()
        };
        assert_eq!(
            StatusLine::new(&status, 5, "ab".into()).json(),
            concat!(
                r#"{"node":"000000000000beef","role":"waiting","leader":null,"term":2,"commit":9,"applied":8,"#,
                r#""voters":["0000000000000001","000000000000beef"],"learners":[],"peers":[],"#,
                r#""pending":3,"strokes":5,"digest":"ab","relayed":[],"rendezvous":"connecting"}"#,
            )
        );
    }
}
