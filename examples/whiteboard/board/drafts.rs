//! What this person did and the room has not decided yet: shown at once, replaced at commit, shown again after a
//! restart.

use super::{
    AddStroke, Board, EraseStrokes, Ids, Redo, Stroke, StrokeId, Undo,
    history::{Mark, Sheet, Timeline},
};
use bevy::prelude::*;
use bevy_quorum::{
    prelude::*,
    raft::{LogIndex, NodeId},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use web_time::Instant;

/// Own actions that are not decided, in the order they were done.
#[derive(Resource, Default)]
pub struct Drafts {
    waiting: BTreeMap<Proposal, Draft>,
    /// Why the last action that had no effect had none.
    pub refusal: Option<String>,
    version: u64,
}

struct Draft {
    act: Act,
    since: Instant,
}

#[derive(Clone)]
enum Act {
    Add(Arc<AddStroke>),
    Erase(Arc<EraseStrokes>),
    Undo,
    Redo,
}

/// How the board will look to this person once everything waiting is decided, as the difference to it.
#[derive(Default)]
pub struct Preview {
    /// Strokes of the board that will be gone.
    pub hidden: BTreeSet<StrokeId>,
    /// Strokes that will be there, from bottom to top, and since when they wait.
    pub shown: Vec<(StrokeId, Arc<Stroke>, Instant)>,
    /// Whether there is something to undo.
    pub can_undo: bool,
    /// Whether there is something to redo.
    pub can_redo: bool,
}

impl Drafts {
    /// Draws a stroke: leaves at once, in as many commands as its bytes need. The name of its first piece is `id`.
    pub fn draw(&mut self, room: &Room, id: StrokeId, stroke: &Stroke) -> Result<Vec<Proposal>, ProposeError> {
        let mut proposals = Vec::new();
        for add in AddStroke::all_of(id, stroke) {
            proposals.push(room.propose(&add)?);
            self.wait(proposals[proposals.len() - 1], Act::Add(Arc::new(add)));
        }
        Ok(proposals)
    }

    /// Erases strokes, as one action.
    pub fn erase(&mut self, room: &Room, ids: impl IntoIterator<Item = StrokeId>) -> Result<(), ProposeError> {
        for (place, ids) in Ids::lists(ids).into_iter().enumerate() {
            let erase = EraseStrokes { ids, continued: place > 0 };
            let proposal = room.propose(&erase)?;
            self.wait(proposal, Act::Erase(Arc::new(erase)));
        }
        Ok(())
    }

    /// Takes back one's own latest action.
    pub fn undo(&mut self, room: &Room) -> Result<(), ProposeError> {
        self.wait(room.propose(&Undo)?, Act::Undo);
        Ok(())
    }

    /// Does one's own latest undone action again.
    pub fn redo(&mut self, room: &Room) -> Result<(), ProposeError> {
        self.wait(room.propose(&Redo)?, Act::Redo);
        Ok(())
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many actions have waited for longer than `patience`.
    pub fn waiting_longer_than(&self, patience: Duration) -> usize {
        self.waiting.values().filter(|draft| draft.since.elapsed() > patience).count()
    }

    /// Rises with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What is waiting, laid over the board.
    pub fn preview(&self, board: &Board, me: NodeId) -> Preview {
        let mut overlay = Overlay { board, marks: BTreeMap::new(), added: BTreeMap::new() };
        let mut timeline = board.timeline(me);
        let mut since = BTreeMap::new();
        for (place, draft) in (0..).zip(self.waiting.values()) {
            // Later than every command of the log, in the order of the drafts.
            let writer = LogIndex(u64::MAX / 2 + place);
            for id in overlay.carry_out(&draft.act, &mut timeline, writer) {
                since.insert(id, draft.since);
            }
        }
        overlay.preview(&timeline, &since)
    }

    fn wait(&mut self, proposal: Proposal, act: Act) {
        self.version += 1;
        self.waiting.insert(proposal, Draft { act, since: Instant::now() });
    }
}

/// The board with what is waiting laid over it.
struct Overlay<'a> {
    board: &'a Board,
    marks: BTreeMap<StrokeId, Mark>,
    added: BTreeMap<StrokeId, Arc<AddStroke>>,
}

impl Overlay<'_> {
    /// Carries out a draft as its handler would; which strokes it may have touched.
    fn carry_out(&mut self, act: &Act, timeline: &mut Timeline, writer: LogIndex) -> Vec<StrokeId> {
        match act {
            Act::Add(add) if self.mark(add.id).is_none() => {
                self.added.insert(add.id, add.clone());
                self.set_mark(add.id, Mark { shown: true, writer });
                timeline.record([add.id], writer, add.continued);
            }
            Act::Erase(erase) => {
                let shown = |id: &StrokeId| self.mark(*id).is_some_and(|mark| mark.shown);
                let erased: Vec<_> = erase.ids.as_slice().iter().copied().filter(shown).collect();
                if !erased.is_empty() {
                    erased.iter().for_each(|&id| self.set_mark(id, Mark { shown: false, writer }));
                    timeline.record(erased, writer, erase.continued);
                }
            }
            Act::Undo => drop(timeline.undo(self, writer)),
            Act::Redo => drop(timeline.redo(self, writer)),
            Act::Add(_) => {}
        }
        self.marks.iter().filter(|(_, mark)| mark.writer == writer).map(|(id, _)| *id).collect()
    }

    fn preview(&self, timeline: &Timeline, since: &BTreeMap<StrokeId, Instant>) -> Preview {
        let mut preview =
            Preview { can_undo: timeline.can_undo(self), can_redo: timeline.can_redo(self), ..Preview::default() };
        let mut shown = Vec::new();
        for (&id, mark) in &self.marks {
            let record = self.board.get(id);
            match (mark.shown, record.is_some_and(|record| record.is_shown())) {
                (false, true) => drop(preview.hidden.insert(id)),
                (true, false) => shown.extend(record.map(|record| (record.place, id, record.stroke.clone()))),
                _ => {}
            }
        }
        let mut added: Vec<_> =
            self.added.iter().filter(|(id, _)| self.marks.get(id).is_some_and(|m| m.shown)).collect();
        added.sort_by_key(|(id, _)| since.get(id));
        shown.sort_by_key(|(place, ..)| *place);
        let restored = shown.into_iter().map(|(_, id, stroke)| (id, stroke));
        let drawn = added.into_iter().map(|(id, add)| (*id, Arc::new(add.stroke.clone())));
        let when = |id: &StrokeId| since.get(id).copied().unwrap_or_else(Instant::now);
        preview.shown = restored.chain(drawn).map(|(id, stroke)| (id, stroke, when(&id))).collect();
        preview
    }
}

impl Sheet for Overlay<'_> {
    fn mark(&self, id: StrokeId) -> Option<Mark> {
        self.marks.get(&id).copied().or_else(|| self.board.mark(id))
    }

    fn set_mark(&mut self, id: StrokeId, mark: Mark) {
        self.marks.insert(id, mark);
    }
}

pub(super) fn forget_settled(settled: On<Settled>, mut drafts: ResMut<Drafts>) {
    if settled.outcome == Outcome::Undecided {
        return;
    }
    if drafts.waiting.remove(&settled.proposal).is_some() {
        drafts.version += 1;
    }
    match &settled.outcome {
        Outcome::Rejected { reason, .. } => drafts.refusal = Some(reason.to_string()),
        Outcome::Unknown => {
            drafts.refusal = Some("you were away for long, and some of your changes may be lost".into())
        }
        _ => {}
    }
}

pub(super) fn restore_stroke(restored: On<Restored<AddStroke>>, mut drafts: ResMut<Drafts>) {
    drafts.wait(restored.proposal, Act::Add(restored.value.clone()));
}

pub(super) fn restore_erasure(restored: On<Restored<EraseStrokes>>, mut drafts: ResMut<Drafts>) {
    drafts.wait(restored.proposal, Act::Erase(restored.value.clone()));
}

pub(super) fn restore_undo(restored: On<Restored<Undo>>, mut drafts: ResMut<Drafts>) {
    drafts.wait(restored.proposal, Act::Undo);
}

pub(super) fn restore_redo(restored: On<Restored<Redo>>, mut drafts: ResMut<Drafts>) {
    drafts.wait(restored.proposal, Act::Redo);
}
