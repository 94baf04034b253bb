//! What the root manifest says about pages, as `cargo metadata` tells it.

use crate::failure::Failure;
use serde_json::Value;
use std::{env, path::PathBuf, process::Command};

/// An example that runs in a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// As cargo calls it, and the last part of the page's address.
    pub name: String,
    /// As people call it.
    pub title: String,
    /// What it is, in one sentence.
    pub about: String,
    /// It is built only when it is asked for, and no page leads to it: a page of tests.
    pub hidden: bool,
}

/// What is needed of the workspace.
#[derive(Debug)]
pub struct Manifest {
    /// Every example that runs in a browser; the first is what the front page leads to.
    pub examples: Vec<Example>,
    /// Of the library, told with failures.
    pub version: String,
    /// Where cargo builds.
    pub target_directory: PathBuf,
}

impl Manifest {
    /// Asks the cargo that runs us.
    pub fn read() -> Result<Self, Failure> {
        let cargo = PathBuf::from(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        let told = Command::new(&cargo)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .stderr(std::process::Stdio::inherit())
            .output()
            .map_err(|error| Failure::Start { program: cargo, error })?;
        match told.status.success() {
            true => Self::from_metadata(&serde_json::from_slice(&told.stdout)?),
            false => Err(Failure::Ended { program: "cargo metadata", status: told.status }),
        }
    }

    fn from_metadata(metadata: &Value) -> Result<Self, Failure> {
        let package = metadata["packages"]
            .as_array()
            .and_then(|packages| packages.iter().find(|package| package["metadata"]["web"].is_object()))
            .ok_or(Failure::Manifest { what: "pages" })?;
        let listed = package["metadata"]["web"]["examples"].as_array();
        let examples = listed.into_iter().flatten().map(Example::from_metadata).collect::<Result<Vec<_>, _>>()?;
        if examples.is_empty() {
            return Err(Failure::Manifest { what: "examples" });
        }
        Ok(Self {
            examples,
            version: text(&package["version"], "the version")?,
            target_directory: text(&metadata["target_directory"], "the target directory")?.into(),
        })
    }

    /// Those that are called by one of `names`; all that are meant for people if nobody is called.
    pub fn select(&self, names: &[String]) -> Result<Vec<Example>, Failure> {
        if names.is_empty() {
            return Ok(self.examples.iter().filter(|example| !example.hidden).cloned().collect());
        }
        names.iter().map(|name| self.example(name).cloned()).collect()
    }

    fn example(&self, name: &str) -> Result<&Example, Failure> {
        self.examples.iter().find(|example| example.name == name).ok_or_else(|| Failure::UnknownExample {
            name: name.into(),
            known: self.examples.iter().map(|example| example.name.clone()).collect(),
        })
    }
}

impl Example {
    fn from_metadata(metadata: &Value) -> Result<Self, Failure> {
        Ok(Self {
            name: text(&metadata["name"], "an example's name")?,
            title: text(&metadata["title"], "an example's title")?,
            about: text(&metadata["about"], "what an example is about")?,
            hidden: metadata["hidden"].as_bool().unwrap_or_default(),
        })
    }
}

fn text(value: &Value, what: &'static str) -> Result<String, Failure> {
    value.as_str().map(String::from).ok_or(Failure::Manifest { what })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest(web: &Value) -> Result<Manifest, Failure> {
        Manifest::from_metadata(&json!({
            "target_directory": "/target",
            "packages": [
                { "name": "xtask", "version": "0.0.0", "metadata": null },
                { "name": "bevy_quorum", "version": "0.1.0", "metadata": { "web": web } },
            ],
        }))
    }

    fn two() -> Manifest {
        manifest(&json!({ "examples": [
            { "name": "whiteboard", "title": "Whiteboard", "about": "Draw together." },
            { "name": "chess", "title": "Chess", "about": "Play together." },
        ] }))
        .expect("it is well formed")
    }

    #[test]
    fn the_package_with_pages_is_found_among_others() {
        let manifest = two();
        assert_eq!(manifest.version, "0.1.0");
        assert_eq!(manifest.target_directory, PathBuf::from("/target"));
        assert_eq!(manifest.examples[0].title, "Whiteboard");
    }

    #[test]
    fn who_names_no_example_gets_all() {
        assert_eq!(two().select(&[]).expect("all are known").len(), 2);
        let chosen = two().select(&["chess".into()]).expect("it is known");
        assert_eq!(chosen[0].about, "Play together.");
    }

    #[test]
    fn an_example_that_is_no_page_is_refused() {
        let refused = two().select(&["simulate".into()]);
        assert!(matches!(refused, Err(Failure::UnknownExample { name, .. }) if name == "simulate"));
    }

    #[test]
    fn a_manifest_without_examples_says_how_to_list_them() {
        let refused = manifest(&json!({ "examples": [] })).expect_err("nothing is listed");
        assert!(refused.to_string().contains("[package.metadata.web]"), "{refused}");
        let refused = manifest(&json!({ "examples": [{ "name": "chess" }] })).expect_err("a title is missing");
        assert!(refused.to_string().contains("an example's title"), "{refused}");
    }

    /// wasm-bindgen refuses modules of another version than its own.
    #[test]
    fn wasm_bindgen_and_what_makes_its_modules_usable_are_of_one_version() {
        let lock = include_str!("../../../Cargo.lock");
        let version = |name: &str| lock.split(&format!("name = \"{name}\"\nversion = ")).nth(1)?.lines().next();
        assert!(version("wasm-bindgen").is_some());
        assert_eq!(version("wasm-bindgen"), version("wasm-bindgen-cli-support"));
    }
}
