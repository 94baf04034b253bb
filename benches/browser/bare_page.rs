//! A page of Bevy that does nothing but show one square: what the whiteboard's page is measured against.

#[cfg(target_arch = "wasm32")]
fn main() {
    use bevy::prelude::*;
    use js_sys::{Function, Reflect};
    use wasm_bindgen::JsCast;

    fn show(mut commands: Commands) {
        commands.spawn(Camera2d);
        commands.spawn(Sprite::from_color(Color::BLACK, Vec2::splat(100.0)));
    }

    /// As the whiteboard does, after as many frames.
    fn uncover(mut frames: Local<u32>) {
        *frames = frames.saturating_add(1);
        if *frames == 2 {
            let page = Reflect::get(&js_sys::global(), &"quorumPage".into());
            let ready = page.and_then(|page| Reflect::get(&page, &"ready".into()));
            if let Some(ready) = ready.ok().and_then(|ready| ready.dyn_into::<Function>().ok()) {
                let _ = ready.call0(&wasm_bindgen::JsValue::UNDEFINED);
            }
        }
    }

    let window = Window { canvas: Some("#board".into()), fit_canvas_to_parent: true, ..default() };
    App::new()
        .add_plugins(DefaultPlugins.set(WindowPlugin { primary_window: Some(window), ..default() }))
        .add_systems(Startup, show)
        .add_systems(Update, uncover)
        .run();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("this runs in browsers: see benches/browser");
}
