//! The whiteboard as a page: the link in its address bar is the board, and a reload comes back to it.

mod address;
mod clipboard;
mod closing;
mod drop;
mod events;
pub mod failure;
mod habits;
mod name;
mod pen;
mod script;
mod settings;
mod shell;
pub mod text_field;
mod way_in;

use crate::{
    board::{self, BoardPlugin, Myself},
    draw_file,
    drawing::{Drawing, draw_on},
    picture::Picture,
    status::{StatusNews, StatusPlugin, StatusSystems},
    stranded::{ContinueAsNew, StrandedPlugin},
    window::WindowPlugin,
};
pub use clipboard::copy;
pub use shell::hang;

use address::Address;
use bevy::prelude::*;
use bevy_quorum::{prelude::*, wire::ClusterId};
use settings::Settings;
use way_in::WayIn;

/// Opens the board that the page's address leads to, and runs until the page goes.
pub fn run() {
    console_error_panic_hook::set_once();
    wasm_bindgen_futures::spawn_local(async {
        if let Err(failure) = open().await {
            shell::fail("The whiteboard can't start", &failure);
        }
    });
}

async fn open() -> Result<(), String> {
    let address = Address::read()?;
    address::follow();
    let mut settings = Settings::fetch(address.origin()).await;
    settings.relay_only = address.relay_only();
    let strokes = match address.draw() {
        Some(file) => {
            let json = settings::fetch(&file).await.map_err(|reason| format!("Can't load {file}: {reason}"))?;
            draw_file::parse(json.as_bytes()).map_err(|error| format!("Can't draw {file}: {error}"))?
        }
        None => Vec::new(),
    };
    let picture = address.picture().map(|after| Picture { after });
    // A link that leads nowhere is told before there is an app, which would miss its canvas.
    let way_in = WayIn::of(&address)?;
    let mut app = App::new();
    app.insert_resource(Myself::called(address.name().or_else(name::remembered).as_deref()))
        .add_plugins((
            WindowPlugin { board_only: address.board_only(), picture },
            QuorumPlugins,
            BoardPlugin,
            StrandedPlugin,
            closing::ClosingPlugin,
        ))
        .insert_resource(Drawing(strokes.into()))
        .add_systems(Update, (draw_on, show_link, shell::uncover, name::remember));
    if !address.board_only() {
        app.add_plugins(drop::DropPlugin);
    }
    if address.status_json() {
        app.add_plugins(StatusPlugin)
            .add_systems(Update, script::lay_open)
            .add_systems(PostUpdate, tell_status.after(StatusSystems));
    }
    app.insert_resource(way_in)
        .insert_resource(settings)
        .add_systems(Startup, enter)
        .add_systems(PostStartup, (habits::adopt, pen::hear))
        .add_systems(Update, ((way_in::do_without_store, go_on).chain(), way_in::tell_what_is_kept));
    app.run();
    Ok(())
}

fn enter(mut commands: Commands, way_in: Res<WayIn>, settings: Res<Settings>) {
    commands.spawn(way_in.enter(&settings));
}

/// Puts the way back into the address bar: whoever reloads the page, or copies its address, has the link.
fn show_link(rooms: Query<&Room>, mut shown: Local<Option<ClusterId>>) {
    let Some(invitation) = rooms.iter().find_map(Room::invitation) else { return };
    if *shown != Some(invitation.cluster) {
        address::show(&invitation.to_string());
        *shown = Some(invitation.cluster);
    }
}

/// Lets a script see how the board stands.
fn tell_status(news: Res<StatusNews>) {
    if let Some(line) = news.line() {
        // A page without a root element has no scripts that look.
        let _ = shell::lay_out("data-status", &line.json());
    }
}

/// Continues the board as a new one, when somebody says so; should that fail, the old one goes on.
fn go_on(
    mut asked: MessageReader<ContinueAsNew>,
    mut commands: Commands,
    mut drafts: ResMut<board::Drafts>,
    (settings, way_in): (Res<Settings>, Res<WayIn>),
    rooms: Query<(Entity, &Room, &RoomState)>,
) {
    let wanted = asked.read().count() > 0;
    for (entity, room, state) in &rooms {
        match state {
            RoomState::Failed(error) if rooms.iter().len() > 1 => {
                drafts.refusal = Some(format!("the board can't be continued: {error}"));
                commands.entity(entity).despawn();
            }
            _ if wanted && rooms.iter().len() == 1 && room.can_be_continued() => {
                let room = settings.spread(Room::continue_as_new(entity, settings.rendezvous()));
                commands.spawn(settings.connect(way_in.keep(room)));
            }
            _ => {}
        }
    }
}
