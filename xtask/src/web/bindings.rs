//! Makes of a compiled module what a browser can load: the module, and the script that ties it to the page.

use super::Profile;
use crate::failure::Failure;
use std::path::Path;
use wasm_bindgen_cli_support::Bindgen;

/// Writes `NAME_bg.wasm`, `NAME.js` and the scripts that those ask for into `folder`.
pub fn generate(module: &Path, name: &str, profile: Profile, folder: &Path) -> Result<(), Failure> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .out_name(name)
        // The names of functions are megabytes, of use to whoever reads a panic's trace.
        .remove_name_section(profile == Profile::Web)
        .remove_producers_section(true);
    bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(folder))
        .map_err(|reason| Failure::Bindings { module: module.into(), reason: reason.into() })
}

/// What [`generate`] calls the module.
pub fn module(name: &str) -> String {
    format!("{name}_bg.wasm")
}

/// What [`generate`] calls the script.
pub fn script(name: &str) -> String {
    format!("{name}.js")
}
