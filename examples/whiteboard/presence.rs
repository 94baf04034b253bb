//! Who is here: names, colours, pointers and the strokes that others are drawing, all from whispers.

use crate::{
    board::{
        Board, Cursor, LivePiece, LiveStroke, PIECE_POINTS_MAX, Person, PersonName, Point, Pressure, Rgb, Stroke,
        simplify::Press,
    },
    canvas::View,
    theme::PEOPLE,
    tools::{PenTip, Pointer},
};
use bevy::{prelude::*, window::RequestRedraw};
use bevy_quorum::{prelude::*, raft::NodeId};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use web_time::Instant;

/// How often a pointer or a stroke under the pen is told.
const WHISPER_INTERVAL: Duration = Duration::from_millis(33);
/// How long a pointer's name stays after it moved, and how long it takes to fade.
const LABEL_TIME: Duration = Duration::from_secs(3);
const LABEL_FADE: Duration = Duration::from_millis(400);
/// How long a stroke of somebody else stays after the last word of it; it is decided by then, or comes later.
const LIVE_PATIENCE: Duration = Duration::from_secs(10);

/// The others, as far as they were heard.
#[derive(Resource, Default)]
pub struct People(BTreeMap<NodeId, Somebody>);

/// What is known of one other person.
#[derive(Clone, Debug, Default)]
pub struct Somebody {
    /// Their name, once they said it.
    pub name: Option<PersonName>,
    /// Where their pointer is on the board, in pixels.
    pub cursor: Option<Vec2>,
    moved: Option<Instant>,
    live: Option<(LiveStroke, Instant)>,
}

impl Somebody {
    /// How visible their pointer's label is, from 0 to 1.
    pub fn label_strength(&self) -> f32 {
        let Some(since) = self.moved.map(|moved| moved.elapsed()) else { return 0.0 };
        1.0 - (since.saturating_sub(LABEL_TIME).as_secs_f32() / LABEL_FADE.as_secs_f32()).min(1.0)
    }
}

impl People {
    /// What is known of somebody.
    pub fn get(&self, node: NodeId) -> Option<&Somebody> {
        self.0.get(&node)
    }

    /// Those whose pointer is on the board.
    pub fn cursors(&self) -> impl Iterator<Item = (NodeId, &Somebody, Vec2)> {
        self.0.iter().filter_map(|(node, somebody)| Some((*node, somebody, somebody.cursor?)))
    }

    /// The strokes that others are drawing.
    pub fn live_strokes(&self) -> impl Iterator<Item = &LiveStroke> {
        self.0.values().filter_map(|somebody| somebody.live.as_ref().map(|(live, _)| live))
    }

    fn entry(&mut self, node: NodeId) -> &mut Somebody {
        self.0.entry(node).or_default()
    }
}

/// A colour for each of the people, the same on every machine that sees the same people, and no two alike while
/// there are enough.
pub fn colors(people: impl IntoIterator<Item = NodeId>) -> BTreeMap<NodeId, Rgb> {
    let people: BTreeSet<NodeId> = people.into_iter().collect();
    let mut taken = BTreeSet::new();
    let mut colors = BTreeMap::new();
    for node in people {
        let favourite = (node.0 % PEOPLE.len() as u64) as usize;
        let mut choices = (0..PEOPLE.len()).map(|turn| (favourite + turn) % PEOPLE.len());
        let choice = choices.find(|choice| !taken.contains(choice)).unwrap_or(favourite);
        taken.insert(choice);
        colors.insert(node, PEOPLE[choice]);
    }
    colors
}

/// Everybody in the room: its members, and who is linked to it.
pub fn everybody(status: &RoomStatus) -> BTreeSet<NodeId> {
    let lists = [&status.voters, &status.learners, &status.peers];
    lists.into_iter().flatten().copied().chain(status.node).collect()
}

/// Tells the others of this person, and hears of them.
pub struct PresencePlugin;

impl Plugin for PresencePlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<People>()
            .add_observer(hear_cursor)
            .add_observer(hear_stroke)
            .add_observer(hear_name)
            .add_systems(Update, (tell_cursor, tell_stroke, forget, stay_awake_while_labels_fade));
    }
}

fn hear_cursor(heard: On<Whispered<Cursor>>, mut people: ResMut<People>) {
    let somebody = people.entry(heard.from);
    somebody.cursor = heard.value.px().map(Vec2::from);
    somebody.moved = Some(Instant::now());
}

fn hear_stroke(heard: On<Whispered<LivePiece>>, mut people: ResMut<People>, board: Res<Board>) {
    let piece = &heard.value;
    if board.get(piece.id).is_some() {
        return;
    }
    let now = Instant::now();
    let known = people.entry(heard.from);
    match &mut known.live {
        Some((live, last)) if live.id == piece.id => {
            live.extend(piece);
            *last = now;
        }
        other => *other = Some((LiveStroke::new(piece), now)),
    }
}

fn hear_name(heard: On<Whispered<Person>>, mut people: ResMut<People>) {
    people.entry(heard.from).name = Some(heard.value.name.clone());
}

fn tell_cursor(
    rooms: Query<&Room>,
    pointer: Res<Pointer>,
    view: Res<View>,
    mut told: Local<Option<(Cursor, Instant)>>,
    mut redraw: MessageWriter<RequestRedraw>,
) {
    let place = pointer.on_board(&view);
    let cursor = place.map_or(Cursor(None), |place| Cursor::at(place.x, place.y));
    let (last, when) = told.unzip();
    if last == Some(cursor) {
        return;
    }
    if when.is_some_and(|when| when.elapsed() < WHISPER_INTERVAL) {
        redraw.write(RequestRedraw);
        return;
    }
    for room in &rooms {
        // What is whispered before a link stands is lost anyway.
        let _ = room.whisper(&cursor);
    }
    *told = Some((cursor, Instant::now()));
}

fn tell_stroke(rooms: Query<&Room>, tip: Res<PenTip>, mut told: Local<Option<(LivePiece, Instant)>>) {
    let piece = match (&tip.0, &*told) {
        (Some(drawing), _) => live_piece(drawing.id, drawing.color, drawing.width, drawing.presses()),
        (None, Some((last, _))) if !last.ended => Some(LivePiece { ended: true, ..last.clone() }),
        _ => None,
    };
    let Some(piece) = piece else { return };
    let news = told.as_ref().is_none_or(|(last, when)| {
        *last != piece && (piece.ended || last.id != piece.id || when.elapsed() >= WHISPER_INTERVAL)
    });
    if news {
        for room in &rooms {
            let _ = room.whisper(&piece);
        }
        *told = Some((piece, Instant::now()));
    }
}

/// The last stretch of a stroke under the pen.
fn live_piece(id: crate::board::StrokeId, color: Rgb, width: f32, presses: &[Press]) -> Option<LivePiece> {
    let on_grid = |&((x, y), pressure): &Press| Some((Point::nearest(x, y)?, pressure));
    let mut grid: Vec<(Point, Pressure)> = presses.iter().filter_map(on_grid).collect();
    grid.dedup_by(|next, kept| {
        let repeated = next.0 == kept.0;
        if repeated {
            kept.1 = kept.1.max(next.1);
        }
        repeated
    });
    let from = grid.len().saturating_sub(PIECE_POINTS_MAX);
    let stretch = grid[from..].iter().map(|(point, pressure)| (point.px(), *pressure));
    let stretch = Stroke::pressed(color, width, stretch).ok()?;
    Some(LivePiece { id, from: u16::try_from(from).ok()?, stretch, ended: false })
}

/// Takes away the pointers of who is gone, and strokes that are on the board or were given up.
fn forget(rooms: Query<&Room>, board: Res<Board>, mut people: ResMut<People>) {
    let Ok(room) = rooms.single() else { return };
    let peers = &room.status().peers;
    let over = |(live, last): &(LiveStroke, Instant)| board.get(live.id).is_some() || last.elapsed() > LIVE_PATIENCE;
    for (node, somebody) in &mut people.bypass_change_detection().0 {
        if !peers.contains(node) {
            somebody.cursor = None;
        }
        if somebody.live.as_ref().is_some_and(over) {
            somebody.live = None;
        }
    }
}

fn stay_awake_while_labels_fade(people: Res<People>, mut redraw: MessageWriter<RequestRedraw>) {
    let awake = LABEL_TIME + 2 * LABEL_FADE;
    let moved_lately =
        |(_, somebody, _): (_, &Somebody, _)| somebody.moved.is_some_and(|moved| moved.elapsed() < awake);
    if people.cursors().any(moved_lately) {
        redraw.write(RequestRedraw);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_have_different_colors_wherever_they_are_seen() {
        let people = [NodeId(24), NodeId(12), NodeId(0), NodeId(7)];
        let seen = colors(people);
        let elsewhere = colors(people.into_iter().rev());
        assert_eq!(seen, elsewhere);
        let distinct: BTreeSet<_> = seen.values().collect();
        assert_eq!(distinct.len(), people.len());
        assert_eq!(colors((0..30).map(NodeId)).len(), 30, "more people than colours share some");
    }

    #[test]
    fn the_end_of_a_long_stroke_is_whispered_in_one_packet() {
        let place = |i: u16| (f32::from(i) * 3.7, (f32::from(i) * 0.3).sin() * 300.0);
        let presses: Vec<_> = (0..900).map(|i| (place(i), Pressure((i * 37 % 256) as u8))).collect();
        let piece = live_piece(crate::board::StrokeId(u64::MAX), [1, 2, 3], 4.0, &presses);
        let bytes = piece.as_ref().and_then(|piece| bevy_quorum::wire::encode(piece).ok()).map(|bytes| bytes.len());
        assert!(bytes.is_some_and(|bytes| bytes <= 900), "{bytes:?} bytes");
        assert_eq!(piece.map(|piece| piece.from), Some(900 - PIECE_POINTS_MAX as u16));
    }
}
