//! Undo and redo among several people: each takes back only what they did themselves, and only while nobody has
//! changed it since.
//!
//! An action notes which strokes it showed or hid, and which command did. Undoing flips a stroke back only if that
//! command was the last to touch it, and is itself noted as the command that touched it, so that redo follows the same
//! rule. An action of which nothing is left to flip is passed over. History is never rewritten: undo and redo are
//! commands like any other.

use super::StrokeId;
use bevy_quorum::raft::LogIndex;
use serde::{Deserialize, Serialize};

/// How many of their latest actions a person can undo.
pub const UNDO_MAX: usize = 200;
/// How many strokes these actions are about, all together; the latest action may be about more.
const TOUCHED_MAX: usize = 20_000;

/// Whether a stroke is shown, and which command decided that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Shown, or erased.
    pub shown: bool,
    /// The command that made it so.
    pub writer: LogIndex,
}

/// Something with strokes that are shown or hidden: the board, or a person's unconfirmed view of it.
pub trait Sheet {
    /// How a stroke stands; none if there is no such stroke.
    fn mark(&self, id: StrokeId) -> Option<Mark>;
    /// Shows or hides a stroke that exists.
    fn set_mark(&mut self, id: StrokeId, mark: Mark);
}

/// A stroke that an action showed or hid, and the command that did.
pub type Touch = (StrokeId, LogIndex);

/// The strokes that one action showed or hid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Action(Vec<Touch>);

/// What one person can undo and redo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    done: Vec<Action>,
    undone: Vec<Action>,
    /// The person's last command.
    last: LogIndex,
}

impl Timeline {
    /// Notes that the command at `writer` showed or hid `strokes`; if `continued`, as part of the action before. Gives
    /// back what can't be undone or redone any more.
    pub fn record(
        &mut self,
        strokes: impl IntoIterator<Item = StrokeId>,
        writer: LogIndex,
        continued: bool,
    ) -> Vec<Touch> {
        self.last = writer;
        let mut forgotten: Vec<_> = self.undone.drain(..).flat_map(|action| action.0).collect();
        if !continued || self.done.is_empty() {
            self.done.push(Action::default());
        }
        if let Some(action) = self.done.last_mut() {
            action.0.extend(strokes.into_iter().map(|id| (id, writer)));
        }
        while self.done.len() > UNDO_MAX || (self.done.len() > 1 && self.touched() > TOUCHED_MAX) {
            forgotten.extend(self.done.remove(0).0);
        }
        forgotten
    }

    /// The person's last command.
    pub fn last(&self) -> LogIndex {
        self.last
    }

    /// Everything that could still be undone or redone.
    pub fn into_touches(self) -> impl Iterator<Item = Touch> {
        self.done.into_iter().chain(self.undone).flat_map(|action| action.0)
    }

    fn touched(&self) -> usize {
        self.done.iter().map(|action| action.0.len()).sum()
    }

    /// Takes back the latest action that still can be; false if there is none.
    pub fn undo(&mut self, sheet: &mut impl Sheet, writer: LogIndex) -> bool {
        self.last = writer;
        flip_latest(&mut self.done, &mut self.undone, sheet, writer)
    }

    /// Does the latest undone action again; false if there is none.
    pub fn redo(&mut self, sheet: &mut impl Sheet, writer: LogIndex) -> bool {
        self.last = writer;
        flip_latest(&mut self.undone, &mut self.done, sheet, writer)
    }

    /// Whether an undo would do anything.
    pub fn can_undo(&self, sheet: &impl Sheet) -> bool {
        self.done.iter().any(|action| action.is_latest_on(sheet))
    }

    /// Whether a redo would do anything.
    pub fn can_redo(&self, sheet: &impl Sheet) -> bool {
        self.undone.iter().any(|action| action.is_latest_on(sheet))
    }
}

impl Action {
    /// Whether nobody has changed some of its strokes since.
    fn is_latest_on(&self, sheet: &impl Sheet) -> bool {
        self.0.iter().any(|&(id, token)| sheet.mark(id).is_some_and(|mark| mark.writer == token))
    }

    /// Flips what nobody changed since; what was flipped, as an action.
    fn flip(&self, sheet: &mut impl Sheet, writer: LogIndex) -> Self {
        let mut flipped = Self::default();
        for &(id, token) in &self.0 {
            if let Some(mark) = sheet.mark(id)
                && mark.writer == token
            {
                sheet.set_mark(id, Mark { shown: !mark.shown, writer });
                flipped.0.push((id, writer));
            }
        }
        flipped
    }
}

fn flip_latest(from: &mut Vec<Action>, to: &mut Vec<Action>, sheet: &mut impl Sheet, writer: LogIndex) -> bool {
    while let Some(action) = from.pop() {
        let flipped = action.flip(sheet, writer);
        if !flipped.0.is_empty() {
            to.push(flipped);
            return true;
        }
    }
    false
}
