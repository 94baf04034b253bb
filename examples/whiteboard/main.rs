//! A whiteboard that belongs to those who draw on it: no server holds it, and it goes on whoever leaves.
//!
//! `cargo run --release --example whiteboard` opens a board and prints the link for the others.

mod board;
mod canvas;
mod draw_file;
mod drawing;
mod dropping;
mod log;
mod panels;
mod picture;
mod presence;
mod status;
mod stranded;
mod theme;
mod tools;
mod window;

#[cfg(not(target_arch = "wasm32"))]
mod attendance;
#[cfg(not(target_arch = "wasm32"))]
mod cli;
#[cfg(not(target_arch = "wasm32"))]
mod continuation;
#[cfg(not(target_arch = "wasm32"))]
mod entry;
#[cfg(not(target_arch = "wasm32"))]
mod errors;
#[cfg(not(target_arch = "wasm32"))]
mod folder;
#[cfg(not(target_arch = "wasm32"))]
mod headless;
#[cfg(not(target_arch = "wasm32"))]
mod output;
#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(not(target_arch = "wasm32"))]
mod quit;
#[cfg(not(target_arch = "wasm32"))]
mod signaling;

#[cfg(not(target_arch = "wasm32"))]
use bevy::prelude::*;
#[cfg(not(target_arch = "wasm32"))]
use board::BoardPlugin;

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    match run() {
        Ok(AppExit::Success) => std::process::ExitCode::SUCCESS,
        Ok(AppExit::Error(code)) => code.get().into(),
        Err(failure) => failure.report(),
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn run() -> Result<AppExit, errors::Failure> {
    use attendance::Telling;

    let arguments = cli::Arguments::read()?;
    let strokes = match &arguments.draw {
        Some(path) => draw_file::read(path).map_err(|error| errors::Failure::DrawFile { path: path.clone(), error })?,
        None => Vec::new(),
    };
    let entry = entry::Entry::prepare(&arguments)?;

    let mut app = App::new();
    if arguments.headless {
        app.add_plugins(headless::HeadlessPlugin);
    } else {
        app.add_plugins(window(&arguments));
    }
    app.insert_resource(board::Myself::called(arguments.name.as_deref())).add_plugins((
        bevy_quorum::prelude::QuorumPlugins,
        BoardPlugin,
        quit::QuitPlugin,
    ));
    let telling = if arguments.status_json { Telling::Status } else { Telling::Invitation };
    attendance::attend(&mut app, entry, strokes, telling);
    Ok(app.run())
}

/// The window that the command line asks for.
#[cfg(not(target_arch = "wasm32"))]
fn window(arguments: &cli::Arguments) -> window::WindowPlugin {
    let cli::Arguments { screenshot, after, board_only, .. } = arguments.clone();
    let picture = screenshot.zip(after).map(|(file, after)| picture::Picture { file, after });
    window::WindowPlugin { board_only, picture }
}

#[cfg(target_arch = "wasm32")]
fn main() {
    page::run();
}
