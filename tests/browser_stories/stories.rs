//! What the page can be told to do.

use super::{bell, stores};

/// Does what the address says.
pub async fn tell() {
    let query = web_sys::window().unwrap().location().search().unwrap();
    match query.trim_start_matches("?story=") {
        "conformance" => stores::conformance().await,
        "write" => stores::write_until_the_page_ends().await,
        "check" => stores::check().await,
        "hold" => stores::hold().await,
        "try" => stores::try_to_take().await,
        "fill" => stores::fill().await,
        "bell" => bell::ring_in_every_frame(),
        other => panic!("there is no story {other:?}"),
    }
    show("done", "yes");
}

/// Lays out what is known by now.
pub fn show(name: &str, value: impl ToString) {
    let root = web_sys::window().unwrap().document().unwrap().document_element().unwrap();
    root.set_attribute(&format!("data-{name}"), &value.to_string()).unwrap();
}
