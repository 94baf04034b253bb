//! The board: what everybody has drawn, in the order of the log.

use super::{
    Stroke, StrokeId,
    changes::{Changes, Version},
    codec,
    history::{Mark, Sheet, Timeline, Touch},
};
use bevy::prelude::Resource;
use bevy_quorum::raft::{LogIndex, NodeId};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

/// The most strokes that a board shows.
pub const STROKES_MAX: usize = 100_000;
/// The most bytes of a board's strokes, shown or not.
pub const BOARD_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How many people's histories a board remembers; of more, the longest idle is forgotten.
const PEOPLE_MAX: usize = 256;

/// The strokes of everybody, decided by the log alone: the same commands give the same board.
///
/// A stroke that was erased is kept as long as somebody can bring it back.
#[derive(Resource, Clone, Debug, Default)]
pub struct Board {
    pub(super) records: BTreeMap<StrokeId, Record>,
    /// What each person can undo.
    pub(super) timelines: BTreeMap<NodeId, Timeline>,
    /// The shown strokes from bottom to top.
    shown: BTreeMap<LogIndex, StrokeId>,
    /// What the records take, encoded.
    bytes: usize,
    changes: Changes,
    /// What is shown, hashed, if only strokes on top came since somebody asked: those are added.
    hashed: OnceLock<blake3::Hasher>,
}

/// A stroke and how it stands.
#[derive(Clone, Debug)]
pub struct Record {
    /// The stroke.
    pub stroke: Arc<Stroke>,
    /// Where it was drawn in the log: later ones lie on top.
    pub place: LogIndex,
    /// The corners of the smallest box around its points, in pixels.
    pub bounds: ((f32, f32), (f32, f32)),
    pub(super) author: NodeId,
    pub(super) mark: Mark,
    /// The stroke's bytes.
    pub(super) encoded: Bytes,
    /// The number of its last change.
    changed: u64,
    hash: blake3::Hash,
}

impl Record {
    /// A stroke that is not on a board yet.
    pub(super) fn new(
        id: StrokeId,
        author: NodeId,
        place: LogIndex,
        mark: Mark,
        stroke: Stroke,
        encoded: Bytes,
    ) -> Self {
        let mut hasher = blake3::Hasher::new();
        // Each part has a length that is fixed or follows from its bytes.
        hasher.update(&id.0.to_le_bytes()).update(&author.0.to_le_bytes()).update(&encoded);
        let (bounds, hash) = (stroke.bounds(), hasher.finalize());
        Self { stroke: Arc::new(stroke), place, bounds, author, mark, encoded, changed: 0, hash }
    }

    /// Whether it is on the board, and not erased.
    pub fn is_shown(&self) -> bool {
        self.mark.shown
    }
}

impl Board {
    /// The shown strokes from bottom to top, with their names and circumstances.
    pub fn shown(&self) -> impl Iterator<Item = (StrokeId, &Record)> {
        self.shown.values().filter_map(|id| Some((*id, self.records.get(id)?)))
    }

    /// How many strokes are shown.
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// Whether nothing is shown.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// A stroke, shown or erased.
    pub fn get(&self, id: StrokeId) -> Option<&Record> {
        self.records.get(&id)
    }

    /// The hash of what is shown: equal exactly when the strokes, their names, authors and order are.
    pub fn digest(&self) -> blake3::Hash {
        let hashed = self.hashed.get_or_init(|| {
            let mut hasher = blake3::Hasher::new();
            self.shown().for_each(|(_, record)| {
                hasher.update(record.hash.as_bytes());
            });
            hasher
        });
        hashed.finalize()
    }

    /// Differs after every change.
    pub fn version(&self) -> Version {
        self.changes.version()
    }

    /// The strokes that changed after `version`, each with its place, in the order of their last change; none if so much
    /// changed that everything has to be looked at.
    pub fn changed_since(&self, version: Version) -> Option<impl Iterator<Item = (StrokeId, LogIndex)>> {
        self.changes.since(version)
    }

    /// What a person can undo and redo.
    pub fn timeline(&self, person: NodeId) -> Timeline {
        self.timelines.get(&person).cloned().unwrap_or_default()
    }

    /// Draws a stroke on top.
    pub fn add(
        &mut self,
        author: NodeId,
        index: LogIndex,
        id: StrokeId,
        stroke: &Stroke,
        continued: bool,
    ) -> Result<(), &'static str> {
        if self.shown.len() >= STROKES_MAX {
            return Err("the board is full");
        }
        if self.records.contains_key(&id) {
            return Err("this stroke is on the board already");
        }
        let encoded = Bytes::from(codec::encode(stroke));
        if self.bytes + encoded.len() > BOARD_BYTES_MAX {
            return Err("the board is full");
        }
        let mark = Mark { shown: true, writer: index };
        self.insert(id, Record::new(id, author, index, mark, stroke.clone(), encoded));
        self.remember(author, [id], index, continued);
        Ok(())
    }

    /// Erases those of the strokes that are shown.
    pub fn erase(
        &mut self,
        author: NodeId,
        index: LogIndex,
        ids: &[StrokeId],
        continued: bool,
    ) -> Result<(), &'static str> {
        let erased: Vec<_> =
            ids.iter().copied().filter(|id| self.records.get(id).is_some_and(Record::is_shown)).collect();
        if erased.is_empty() {
            return Err("somebody else erased it first");
        }
        erased.iter().for_each(|&id| self.set_mark(id, Mark { shown: false, writer: index }));
        self.remember(author, erased, index, continued);
        Ok(())
    }

    /// Takes back the author's latest action that can be.
    pub fn undo(&mut self, author: NodeId, index: LogIndex) -> Result<(), &'static str> {
        self.travel(author, |timeline, board| timeline.undo(board, index)).ok_or("nothing is left to undo")
    }

    /// Does the author's latest undone action again.
    pub fn redo(&mut self, author: NodeId, index: LogIndex) -> Result<(), &'static str> {
        self.travel(author, |timeline, board| timeline.redo(board, index)).ok_or("nothing is left to redo")
    }

    fn travel(&mut self, author: NodeId, step: impl FnOnce(&mut Timeline, &mut Self) -> bool) -> Option<()> {
        let mut timeline = self.timelines.remove(&author)?;
        let moved = step(&mut timeline, self);
        self.timelines.insert(author, timeline);
        moved.then_some(())
    }

    /// An empty board on which these people have a history.
    pub(super) fn with_histories(timelines: BTreeMap<NodeId, Timeline>) -> Self {
        Self { timelines, ..Self::default() }
    }

    /// Puts a stroke on the board, shown or not.
    pub(super) fn insert(&mut self, id: StrokeId, record: Record) {
        let mark = record.mark;
        self.bytes += record.encoded.len();
        self.records.insert(id, record);
        self.set_mark(id, mark);
    }

    fn remember(
        &mut self,
        author: NodeId,
        touched: impl IntoIterator<Item = StrokeId>,
        index: LogIndex,
        continued: bool,
    ) {
        let forgotten = self.timelines.entry(author).or_default().record(touched, index, continued);
        self.forget(forgotten);
        if self.timelines.len() > PEOPLE_MAX {
            let idle = self.timelines.iter().min_by_key(|(_, timeline)| timeline.last()).map(|(person, _)| *person);
            let timeline = idle.and_then(|person| self.timelines.remove(&person)).unwrap_or_default();
            self.forget(timeline.into_touches());
        }
    }

    /// Drops those strokes that stay erased, because nobody can bring them back any more.
    fn forget(&mut self, touches: impl IntoIterator<Item = Touch>) {
        for (id, token) in touches {
            let erased = self.mark(id).is_some_and(|mark| !mark.shown && mark.writer == token);
            if let Some(record) = erased.then(|| self.records.remove(&id)).flatten() {
                self.bytes -= record.encoded.len();
                self.changes.forget(record.changed);
            }
        }
    }
}

impl Sheet for Board {
    fn mark(&self, id: StrokeId) -> Option<Mark> {
        self.records.get(&id).map(|record| record.mark)
    }

    fn set_mark(&mut self, id: StrokeId, mark: Mark) {
        let Some(record) = self.records.get_mut(&id) else { return };
        record.changed = self.changes.note(record.changed, id, record.place);
        record.mark = mark;
        let is_on_top = self.shown.last_key_value().is_none_or(|(top, _)| *top < record.place);
        let former = if mark.shown { self.shown.insert(record.place, id) } else { self.shown.remove(&record.place) };
        match self.hashed.get_mut() {
            _ if former.is_some() == mark.shown => {}
            Some(hasher) if mark.shown && is_on_top => drop(hasher.update(record.hash.as_bytes())),
            _ => self.hashed = OnceLock::new(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::board::history::UNDO_MAX;

    const ADA: NodeId = NodeId(1);
    const BOB: NodeId = NodeId(2);

    /// A board whose commands are numbered as they come.
    #[derive(Default)]
    struct Play {
        board: Board,
        index: u64,
    }

    impl Play {
        fn next(&mut self) -> LogIndex {
            self.index += 1;
            LogIndex(self.index)
        }

        fn draw(&mut self, who: NodeId, id: u64) {
            let index = self.next();
            self.board.add(who, index, StrokeId(id), &line(id), false).unwrap();
        }

        fn erase(&mut self, who: NodeId, ids: &[u64]) -> Result<(), &'static str> {
            let index = self.next();
            self.board.erase(who, index, &ids.iter().map(|&id| StrokeId(id)).collect::<Vec<_>>(), false)
        }

        fn undo(&mut self, who: NodeId) -> Result<(), &'static str> {
            let index = self.next();
            self.board.undo(who, index)
        }

        fn redo(&mut self, who: NodeId) -> Result<(), &'static str> {
            let index = self.next();
            self.board.redo(who, index)
        }

        fn shown(&self) -> Vec<u64> {
            self.board.shown().map(|(id, _)| id.0).collect()
        }
    }

    fn line(id: u64) -> Stroke {
        Stroke::new([id as u8, 0, 0], 2.0, [(0.0, 0.0), (id as f32, 9.0)]).unwrap()
    }

    #[test]
    fn undo_takes_back_ones_own_latest_only() {
        let mut play = Play::default();
        play.draw(ADA, 1);
        play.draw(BOB, 2);
        play.undo(ADA).unwrap();
        assert_eq!(play.shown(), [2]);
        assert_eq!(play.undo(ADA), Err("nothing is left to undo"));
        play.redo(ADA).unwrap();
        assert_eq!(play.shown(), [1, 2], "a stroke comes back where it was");
        assert_eq!(play.redo(ADA), Err("nothing is left to redo"));
    }

    #[test]
    fn undo_brings_back_only_what_nobody_else_touched_since() {
        let mut play = Play::default();
        play.draw(ADA, 1);
        play.draw(ADA, 2);
        play.erase(BOB, &[1]).unwrap();
        play.erase(ADA, &[2]).unwrap();
        play.undo(BOB).unwrap();
        play.erase(ADA, &[1]).unwrap();
        assert_eq!(play.redo(BOB), Err("nothing is left to redo"), "Ada was the last to touch stroke 1");
        play.undo(ADA).unwrap();
        play.undo(ADA).unwrap();
        assert_eq!(play.shown(), [1, 2]);
    }

    #[test]
    fn what_somebody_else_erased_is_passed_over() {
        let mut play = Play::default();
        play.draw(ADA, 1);
        play.draw(ADA, 2);
        play.erase(BOB, &[2]).unwrap();
        play.undo(ADA).unwrap();
        assert_eq!(play.shown(), [] as [u64; 0], "stroke 2 is Bob's to bring back, so stroke 1 goes");
        play.undo(BOB).unwrap();
        assert_eq!(play.shown(), [2]);
    }

    #[test]
    fn a_new_action_forgets_what_was_undone() {
        let mut play = Play::default();
        play.draw(ADA, 1);
        play.undo(ADA).unwrap();
        play.draw(ADA, 2);
        assert_eq!(play.redo(ADA), Err("nothing is left to redo"));
    }

    #[test]
    fn pieces_of_one_action_are_undone_together() {
        let mut play = Play::default();
        play.draw(ADA, 1);
        let index = play.next();
        play.board.add(ADA, index, StrokeId(2), &line(2), true).unwrap();
        play.undo(ADA).unwrap();
        assert!(play.board.is_empty());
        play.redo(ADA).unwrap();
        assert_eq!(play.shown(), [1, 2]);
    }

    #[test]
    fn undo_reaches_back_as_far_as_it_says() {
        let mut play = Play::default();
        (0..UNDO_MAX as u64 + 5).for_each(|id| play.draw(ADA, id));
        while play.undo(ADA).is_ok() {}
        assert_eq!(play.board.len(), 5);
    }

    #[test]
    fn what_is_erased_cannot_be_erased_again_or_drawn_again() {
        let mut play = Play::default();
        play.draw(ADA, 1);
        play.erase(ADA, &[1, 77]).unwrap();
        assert_eq!(play.erase(BOB, &[1]), Err("somebody else erased it first"));
        assert_eq!(
            play.board.add(BOB, LogIndex(9), StrokeId(1), &line(1), false),
            Err("this stroke is on the board already")
        );
    }

    #[test]
    fn equal_boards_and_only_they_have_equal_digests() {
        let drawn = |order: &[u64]| {
            let mut play = Play::default();
            order.iter().for_each(|&id| play.draw(ADA, id));
            play
        };
        assert_eq!(drawn(&[1, 2, 3]).board.digest(), drawn(&[1, 2, 3]).board.digest());
        assert_ne!(drawn(&[1, 2, 3]).board.digest(), drawn(&[2, 1, 3]).board.digest(), "order counts");
        assert_ne!(drawn(&[1, 2]).board.digest(), drawn(&[1, 2, 3]).board.digest());
        let mut erased = drawn(&[1, 2, 3]);
        erased.erase(BOB, &[3]).unwrap();
        assert_eq!(erased.board.digest(), drawn(&[1, 2]).board.digest(), "how it came about doesn't count");
        let mut by_bob = Play::default();
        by_bob.draw(BOB, 1);
        assert_ne!(by_bob.board.digest(), drawn(&[1]).board.digest(), "whose stroke it is counts");
    }

    #[test]
    fn the_same_commands_give_the_same_board() {
        arbtest::arbtest(|u| {
            let (mut one, mut other) = (Play::default(), Play::default());
            let before = one.board.clone();
            for step in 0..u.int_in_range(1..=60)? {
                let who = *u.choose(&[ADA, BOB])?;
                let target = u.int_in_range(0..=step)?;
                let kind = u.int_in_range(0..=4)?;
                for play in [&mut one, &mut other] {
                    match kind {
                        0 | 1 => play.draw(who, step),
                        2 => drop(play.erase(who, &[target])),
                        3 => drop(play.undo(who)),
                        _ => drop(play.redo(who)),
                    }
                }
                // Who asked before every change has only added what was drawn on top since.
                one.board.digest();
            }
            assert_eq!(one.board.digest(), other.board.digest());
            let changed = one.board.changed_since(before.version()).unwrap();
            let kept = changed.filter(|(id, _)| one.board.get(*id).is_some()).count();
            assert_eq!(kept, one.board.records.len(), "each stroke is noted as changed, once");
            Ok(())
        });
    }

    #[test]
    fn who_asks_since_a_version_hears_of_what_changed_after_it() {
        let mut play = Play::default();
        play.draw(ADA, 1);
        play.draw(ADA, 2);
        let seen = play.board.version();
        play.erase(BOB, &[1]).unwrap();
        assert_eq!(play.board.changed_since(seen).unwrap().collect::<Vec<_>>(), [(StrokeId(1), LogIndex(1))]);
    }

    #[test]
    fn an_erased_stroke_is_kept_as_long_as_somebody_can_bring_it_back() {
        let mut play = Play::default();
        play.draw(ADA, 1);
        play.draw(ADA, 2);
        play.erase(BOB, &[1]).unwrap();
        play.undo(ADA).unwrap();
        let seen = play.board.version();
        play.draw(ADA, 3);
        assert!(play.board.get(StrokeId(1)).is_some(), "Bob can");
        assert!(play.board.get(StrokeId(2)).is_none(), "Ada drew on instead of bringing it back");
        (10..10 + UNDO_MAX as u64).for_each(|id| play.draw(BOB, id));
        assert!(play.board.get(StrokeId(1)).is_none(), "Bob can't any more");
        assert_eq!(play.board.bytes, play.board.shown().map(|(_, record)| record.encoded.len()).sum::<usize>());
        assert!(play.board.changed_since(seen).is_some_and(|mut changed| changed.all(|(id, _)| id.0 > 2)));
    }

    #[test]
    fn who_has_not_seen_a_stroke_go_hears_of_it_though_it_is_gone() {
        let mut play = Play::default();
        play.draw(ADA, 1);
        let seen = play.board.version();
        play.undo(ADA).unwrap();
        play.draw(ADA, 2);
        let changed: Vec<_> = play.board.changed_since(seen).unwrap().map(|(id, _)| id.0).collect();
        assert_eq!(changed, [1, 2]);
        assert!(play.board.get(StrokeId(1)).is_none());
    }

    #[test]
    fn who_has_not_looked_for_long_looks_at_everything() {
        let mut play = Play::default();
        let seen = play.board.version();
        for id in 0..5_000 {
            play.draw(ADA, id);
            play.undo(ADA).unwrap();
        }
        assert!(play.board.changed_since(seen).is_none());
        assert_eq!(play.board.records.len(), 1);
    }

    #[test]
    fn the_longest_idle_of_many_people_can_undo_no_more() {
        let mut play = Play::default();
        (0..=PEOPLE_MAX as u64).for_each(|person| play.draw(NodeId(person), person));
        assert_eq!(play.undo(NodeId(0)), Err("nothing is left to undo"));
        assert_eq!(play.undo(NodeId(1)), Ok(()));
    }
}
