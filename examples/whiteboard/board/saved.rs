//! The board as a room keeps it in snapshots: every stroke under its name, and what each person can undo.

use super::{
    Board, StrokeId, codec,
    history::{Mark, Timeline},
    sheet::{Record, STROKES_MAX},
};
use bevy_quorum::{
    prelude::Portable,
    raft::{LogIndex, NodeId},
};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::collections::BTreeMap;

impl Portable for Board {
    const NAME: &'static str = "board";
}

/// One stroke and how it stands.
#[derive(Serialize, Deserialize)]
struct SavedStroke {
    id: StrokeId,
    author: NodeId,
    place: LogIndex,
    mark: Mark,
    stroke: Bytes,
}

impl Serialize for Board {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (SavedStrokes(self), &self.timelines).serialize(serializer)
    }
}

struct SavedStrokes<'a>(&'a Board);

impl Serialize for SavedStrokes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.records.iter().map(|(id, record)| SavedStroke {
            id: *id,
            author: record.author,
            place: record.place,
            mark: record.mark,
            stroke: record.encoded.clone(),
        }))
    }
}

impl<'de> Deserialize<'de> for Board {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (strokes, timelines): (Vec<SavedStroke>, BTreeMap<NodeId, Timeline>) =
            Deserialize::deserialize(deserializer)?;
        let mut board = Self::with_histories(timelines);
        for SavedStroke { id, author, place, mark, stroke: encoded } in strokes {
            // Whoever made the snapshot had every stroke from a command.
            let stroke = codec::decode_trusted(&encoded).map_err(D::Error::custom)?;
            board.insert(id, Record::new(id, author, place, mark, stroke, encoded));
        }
        if board.len() > STROKES_MAX {
            return Err(D::Error::custom("too many strokes"));
        }
        Ok(board)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::board::Stroke;
    use bevy_quorum::wire;

    const ADA: NodeId = NodeId(1);
    const BOB: NodeId = NodeId(2);
    const BYTES_MAX: usize = 1024 * 1024;

    fn line(id: u64) -> Stroke {
        Stroke::new([id as u8, 0, 0], 2.0, [(0.0, 0.0), (id as f32, 9.0)]).unwrap()
    }

    /// Ada draws 1, 2 and 3 and takes 3 back; Bob erases 2.
    fn board() -> Board {
        let mut board = Board::default();
        for id in 1..=3 {
            board.add(ADA, LogIndex(id), StrokeId(id), &line(id), false).unwrap();
        }
        board.undo(ADA, LogIndex(4)).unwrap();
        board.erase(BOB, LogIndex(5), &[StrokeId(2)], false).unwrap();
        board
    }

    fn restored(board: &Board) -> Board {
        wire::decode_canonical(&wire::encode(board).unwrap(), BYTES_MAX).unwrap()
    }

    #[test]
    fn a_board_comes_back_with_its_strokes_and_what_everybody_can_undo() {
        let before = board();
        let mut after = restored(&before);
        assert_eq!(after.digest(), before.digest());
        after.undo(BOB, LogIndex(6)).unwrap();
        after.redo(ADA, LogIndex(7)).unwrap();
        assert_eq!(after.shown().map(|(id, _)| id.0).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn who_looked_at_the_board_before_it_came_back_looks_at_everything() {
        let before = board();
        let after = restored(&before);
        assert!(before.changed_since(before.version()).is_some());
        assert!(after.changed_since(before.version()).is_none());
        assert_eq!(after.changed_since(after.version()).unwrap().count(), 0);
    }

    #[test]
    fn commands_do_the_same_to_a_board_that_came_back() {
        arbtest::arbtest(|u| {
            let (mut one, mut other) = (Board::default(), Board::default());
            for index in 1..=u.int_in_range(1..=60)? {
                let (who, index) = (*u.choose(&[ADA, BOB])?, LogIndex(index));
                let target = StrokeId(u.int_in_range(1..=index.0)?);
                let (kind, continued) = (u.int_in_range(0..=4)?, u.arbitrary()?);
                let act = |board: &mut Board| match kind {
                    0 | 1 => board.add(who, index, StrokeId(index.0), &line(index.0), continued),
                    2 => board.erase(who, index, &[target], continued),
                    3 => board.undo(who, index),
                    _ => board.redo(who, index),
                };
                if u.ratio(1, 5)? {
                    other = restored(&other);
                }
                assert_eq!(act(&mut one), act(&mut other));
            }
            assert_eq!(wire::encode(&one).unwrap(), wire::encode(&other).unwrap());
            Ok(())
        });
    }

    #[test]
    fn bytes_that_are_no_board_are_refused() {
        let bytes = wire::encode(&board()).unwrap();
        for end in 0..bytes.len() {
            assert!(wire::decode::<Board>(&bytes[..end], BYTES_MAX).is_err(), "cut at {end}");
        }
        let twice = [board().records.len() as u8 + 1, bytes[1]];
        assert!(wire::decode_canonical::<Board>(&[&twice, &bytes[2..]].concat(), BYTES_MAX).is_err());
    }
}
