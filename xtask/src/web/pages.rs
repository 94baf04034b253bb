//! The pages themselves: templates, filled in.

use super::{
    Profile,
    assets::{Folder, compress},
    bindings,
    manifest::Example,
};
use crate::failure::{Failure, OrFail};
use std::{fs, path::Path};

const PAGE: &str = include_str!("../../page/page.html");
const FRONT: &str = include_str!("../../page/front.html");
const LINK: &str = include_str!("../../page/link.html");

/// Writes the page of an example to `out/NAME/index.html`.
pub fn write_example(
    out: &Path,
    example: &Example,
    version: &str,
    shell: &Folder,
    folder: &Folder,
    profile: Profile,
) -> Result<(), Failure> {
    let module = folder.path.join(bindings::module(&example.name));
    let size = fs::metadata(&module).or_fail(&module)?.len().to_string();
    let text = fill(
        PAGE,
        &[
            ("title", &example.title),
            ("about", &example.about),
            ("version", version),
            ("shell", &format!("../assets/{}", shell.name)),
            ("script", &format!("../assets/{}/{}", folder.name, bindings::script(&example.name))),
            ("module", &format!("../assets/{}/{}", folder.name, bindings::module(&example.name))),
            ("size", &size),
        ],
    );
    write(&out.join(&example.name), &text, profile)
}

/// Writes the front page to `out/index.html`: it leads on where there is one way to go.
pub fn write_front(out: &Path, examples: &[Example], shell: &Folder, profile: Profile) -> Result<(), Failure> {
    let links: String = examples.iter().map(link).collect();
    let lead = if examples.len() == 1 { "always" } else { "invited" };
    let shell = format!("assets/{}", shell.name);
    let text = fill(FRONT, &[("shell", &shell), ("first", &examples[0].name), ("lead", lead)]);
    // Already a page's text, and no value of a player's: it is not escaped again.
    write(out, &text.replace("<!-- links -->", &links), profile)
}

fn link(example: &Example) -> String {
    fill(LINK, &[("name", &example.name), ("title", &example.title), ("about", &example.about)])
}

fn write(folder: &Path, text: &str, profile: Profile) -> Result<(), Failure> {
    let path = folder.join("index.html");
    fs::create_dir_all(folder).or_fail(folder)?;
    fs::write(&path, text).or_fail(&path)?;
    compress(&path, profile)
}

/// The template with every `{{name}}` replaced by its value, whatever characters that holds.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut parts = template.split("{{");
    let mut text = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (name, rest) = part.split_once("}}").expect("templates close what they open");
        let value = values.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
        text.push_str(&escape(value.expect("templates ask for what they get")));
        text.push_str(rest);
    }
    text
}

fn escape(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(name: &str) -> Example {
        Example { name: name.into(), title: "Pen & <Paper>".into(), about: "Say \"hello\".".into(), hidden: false }
    }

    fn shell() -> Folder {
        Folder { name: "page-0123456789abcdef".into(), path: "assets/page-0123456789abcdef".into() }
    }

    /// What is written for a module of five bytes.
    fn page() -> String {
        let out = tempfile::tempdir().expect("there is room");
        let folder = Folder { name: "pen-fedcba9876543210".into(), path: out.path().join("module") };
        fs::create_dir(&folder.path).expect("the folder is ours");
        fs::write(folder.path.join("pen_bg.wasm"), "12345").expect("the folder is ours");
        write_example(out.path(), &example("pen"), "1.2.3", &shell(), &folder, Profile::WebTest)
            .expect("nothing is in the way");
        fs::read_to_string(out.path().join("pen/index.html")).expect("it was written")
    }

    fn front(examples: &[Example]) -> String {
        let out = tempfile::tempdir().expect("there is room");
        write_front(out.path(), examples, &shell(), Profile::WebTest).expect("nothing is in the way");
        fs::read_to_string(out.path().join("index.html")).expect("it was written")
    }

    #[test]
    fn a_page_knows_its_module_and_how_large_it_is() {
        let page = page();
        assert!(page.contains("data-module=\"../assets/pen-fedcba9876543210/pen_bg.wasm\""), "{page}");
        assert!(page.contains("data-size=\"5\""), "{page}");
        assert!(page.contains("../assets/page-0123456789abcdef/page.js"), "{page}");
    }

    #[test]
    fn a_title_is_text_whatever_it_holds() {
        let page = page();
        assert!(page.contains("<h1>Pen &amp; &lt;Paper&gt;</h1>"), "{page}");
        assert!(page.contains("content=\"Say &quot;hello&quot;.\""), "{page}");
    }

    #[test]
    fn every_script_of_a_page_is_a_file_so_that_a_server_may_forbid_others() {
        for page in [page(), front(&[example("pen")])] {
            let scripts = page.split("<script").skip(1);
            assert!(scripts.clone().count() > 0);
            assert!(scripts.clone().all(|script| script.contains(" src=") && script.contains("></script>")), "{page}");
            assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick="), "{page}");
        }
    }

    #[test]
    fn the_front_page_leads_on_when_there_is_one_way() {
        assert!(front(&[example("pen")]).contains("data-first=\"pen\" data-lead=\"always\""));
        let two = front(&[example("pen"), example("ink")]);
        assert!(two.contains("data-first=\"pen\" data-lead=\"invited\""), "{two}");
        assert!(two.contains("href=\"pen/\"") && two.contains("href=\"ink/\""), "{two}");
    }
}
