//! A player of a game that the host doesn't have: numbers on a board.
//!
//! It is told what to do on standard input, `draw COUNT` or `leave`, and tells its status on standard output.

use bevy_app::{App, AppExit};
use bevy_ecs::prelude::*;
use bevy_quorum::prelude::*;
use serde::{Deserialize, Serialize};
use std::{
    io::BufRead,
    sync::{
        Arc, Mutex,
        mpsc::{Sender, channel},
    },
    task::{Wake, Waker},
    thread,
};

/// Puts a number on the board.
#[derive(Serialize, Deserialize)]
struct Draw(u64);

impl Portable for Draw {
    const NAME: &'static str = "draw";
}

/// How many numbers there are, and what they add up to in their order.
#[derive(Resource, Serialize, Deserialize, Default)]
struct Board {
    count: u64,
    digest: u64,
}

impl Portable for Board {
    const NAME: &'static str = "board";
}

fn draw(draw: In<Committed<Draw>>, mut board: ResMut<Board>) -> Result<(), Reject> {
    board.count += 1;
    board.digest = board.digest.wrapping_mul(31).wrapping_add(draw.value.0);
    Ok(())
}

/// What a player is told.
enum Word {
    Ring,
    Draw(u64),
    Leave,
}

struct Bell(Mutex<Sender<Word>>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let _ended = self.0.lock().unwrap().send(Word::Ring);
    }
}

/// Plays until it is told to leave. The arguments are a folder, and the address of a new room or a link to one.
pub fn play() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [folder, way] = arguments.as_slice() else { panic!("a folder and a way in are expected") };
    let room = if way.starts_with("ws://") { Room::open(way) } else { Room::join(way) };
    let (tell, told) = channel();
    let mut app = App::new();
    app.add_plugins(QuorumPlugins)
        .insert_resource(AppBell::new(Waker::from(Arc::new(Bell(Mutex::new(tell.clone()))))))
        .init_resource::<Board>()
        .replicate_resource::<Board>()
        .add_command(draw);
    let room = app.world_mut().spawn(room.store(folder)).id();
    thread::spawn(move || listen(&tell));
    let mut last = String::new();
    loop {
        app.update();
        let status = status(app.world(), room);
        if status != last {
            println!("{status}");
            last = status;
        }
        match told.recv().unwrap() {
            Word::Ring => {}
            Word::Draw(count) => {
                let room = app.world().get::<Room>(room).unwrap();
                for number in 0..count {
                    room.propose(&Draw(number)).unwrap();
                }
            }
            Word::Leave => break,
        }
    }
    app.world_mut().write_message(AppExit::Success);
    app.update();
}

fn listen(tell: &Sender<Word>) {
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let word = match line.strip_prefix("draw ") {
            Some(count) => Word::Draw(count.parse().unwrap()),
            None => Word::Leave,
        };
        tell.send(word).unwrap();
    }
}

fn status(world: &World, room: Entity) -> String {
    let (room, state, board) =
        (world.get::<Room>(room).unwrap(), world.get::<RoomState>(room).unwrap(), world.resource::<Board>());
    let status = room.status();
    serde_json::json!({
        "link": room.invitation().map(ToString::to_string),
        "state": format!("{state:?}"),
        "voters": status.voters.len(),
        "pending": status.pending,
        "count": board.count,
        "digest": board.digest,
    })
    .to_string()
}
