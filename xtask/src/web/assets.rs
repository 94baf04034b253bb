//! The folders under `assets`, named by the hash of what went into them.
//!
//! What is slow to make, smaller modules and tightly compressed files, is made once for each hash: an app that
//! didn't change costs nothing the next time.

use super::{Profile, bindings, shrink::Optimiser};
use crate::failure::{Failure, OrFail};
use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, write::GzEncoder};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The end of the name of what is compressed with brotli.
pub const BROTLI: &str = "br";
/// The end of the name of what is compressed with gzip.
pub const GZIP: &str = "gz";

/// Of the shell that all pages share; its parts name each other, so they stay together in one folder.
const SHELL: [(&str, &str); 5] = [
    ("page.css", include_str!("../../page/page.css")),
    ("page.js", include_str!("../../page/page.js")),
    ("needs.js", include_str!("../../page/needs.js")),
    ("failure.js", include_str!("../../page/failure.js")),
    ("front.js", include_str!("../../page/front.js")),
];

/// How many hexadecimal digits of the hash a folder's name shows.
const HASH_DIGITS: usize = 16;

/// Where and how folders are made.
pub struct Assets {
    parent: PathBuf,
    profile: Profile,
    optimiser: Option<Optimiser>,
}

/// A folder that is complete.
#[derive(Debug)]
pub struct Folder {
    /// Its name under `assets`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

impl Assets {
    /// Makes folders in `out/assets`. Only what is published is worth an optimiser's minutes.
    pub fn new(out: &Path, profile: Profile) -> Self {
        let optimiser = (profile == Profile::Web).then(Optimiser::find).flatten();
        match (&optimiser, profile) {
            (Some(optimiser), _) => println!("making modules smaller with {optimiser}"),
            (None, Profile::Web) => println!(
                "wasm-opt isn't there, so modules stay about a third larger: `npm install -g binaryen` has a new \
                 one, Debian's package binaryen an old one"
            ),
            (None, Profile::WebTest) => {}
        }
        Self { parent: out.join("assets"), profile, optimiser }
    }

    /// What all pages share.
    pub fn shell(&self) -> Result<Folder, Failure> {
        let draft = self.draft("page")?;
        for (name, text) in SHELL {
            let path = draft.join(name);
            fs::write(&path, text).or_fail(&path)?;
        }
        self.finish("page", &draft, None)
    }

    /// What the page of one example loads.
    pub fn example(&self, name: &str, module: &Path) -> Result<Folder, Failure> {
        let draft = self.draft(name)?;
        bindings::generate(module, name, self.profile, &draft)?;
        self.finish(name, &draft, Some(&draft.join(bindings::module(name))))
    }

    /// An empty folder beside the finished ones, so that those are complete from the moment they exist.
    fn draft(&self, name: &str) -> Result<PathBuf, Failure> {
        let draft = self.parent.join(format!(".{name}"));
        if draft.exists() {
            fs::remove_dir_all(&draft).or_fail(&draft)?;
        }
        fs::create_dir_all(&draft).or_fail(&draft)?;
        Ok(draft)
    }

    fn finish(&self, name: &str, draft: &Path, module: Option<&Path>) -> Result<Folder, Failure> {
        let called = format!("{name}-{}", self.hash(draft)?);
        let path = self.parent.join(&called);
        if path.exists() {
            fs::remove_dir_all(draft).or_fail(draft)?;
        } else {
            if let (Some(module), Some(optimiser)) = (module, &self.optimiser) {
                optimiser.shrink(module)?;
            }
            for file in files(draft)? {
                compress(&file, self.profile)?;
            }
            fs::rename(draft, &path).or_fail(&path)?;
        }
        self.forget_older(name, &called)?;
        Ok(Folder { name: called, path })
    }

    /// Of the files, their names, and what is done to them next.
    fn hash(&self, folder: &Path) -> Result<String, Failure> {
        let mut hasher = blake3::Hasher::new();
        let treatment = self.optimiser.as_ref().map(Optimiser::to_string).unwrap_or_default();
        hasher.update(format!("{} {treatment}\0", self.profile.name()).as_bytes());
        for path in files(folder)? {
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            let bytes = fs::read(&path).or_fail(&path)?;
            hasher.update(format!("{name}\0{}\0", bytes.len()).as_bytes()).update(&bytes);
        }
        Ok(hasher.finalize().to_hex()[..HASH_DIGITS].to_string())
    }

    fn forget_older(&self, name: &str, newest: &str) -> Result<(), Failure> {
        for entry in fs::read_dir(&self.parent).or_fail(&self.parent)?.flatten() {
            let other = entry.file_name().to_string_lossy().into_owned();
            if other != newest && is_folder_of(name, &other) {
                fs::remove_dir_all(entry.path()).or_fail(&entry.path())?;
            }
        }
        Ok(())
    }
}

fn is_folder_of(name: &str, folder: &str) -> bool {
    let hash = folder.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
    hash.is_some_and(|hash| hash.len() == HASH_DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Every file in `folder` and below, in a settled order, without compressed ones.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).or_fail(folder)? {
        let path = entry.or_fail(folder)?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_none_or(|extension| extension != BROTLI && extension != GZIP) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Where a file's compressed form lies.
pub fn compressed(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(end);
    name.into()
}

/// Puts the compressed forms of `file` beside it.
pub fn compress(file: &Path, profile: Profile) -> Result<(), Failure> {
    let bytes = fs::read(file).or_fail(file)?;
    let (quality, level) = match profile {
        Profile::Web => (11, 9),
        Profile::WebTest => (3, 1),
    };
    for (end, smaller) in [(BROTLI, brotli(&bytes, quality)), (GZIP, gzip(&bytes, level))] {
        let path = compressed(file, end);
        fs::write(&path, smaller.or_fail(file)?).or_fail(&path)?;
    }
    Ok(())
}

fn brotli(mut bytes: &[u8], quality: i32) -> io::Result<Vec<u8>> {
    let size_hint = bytes.len();
    let parameters = BrotliEncoderParams { quality, lgwin: 24, size_hint, ..Default::default() };
    let mut smaller = Vec::new();
    brotli::BrotliCompress(&mut bytes, &mut smaller, &parameters)?;
    Ok(smaller)
}

fn gzip(bytes: &[u8], level: u32) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;

    fn assets(folder: &tempfile::TempDir) -> Assets {
        Assets { parent: folder.path().join("assets"), profile: Profile::WebTest, optimiser: None }
    }

    /// A folder that holds one file.
    fn folder(assets: &Assets, name: &str, text: &str) -> Folder {
        let draft = assets.draft(name).expect("the folder is ours");
        fs::write(draft.join("app.js"), text).expect("the folder is ours");
        assets.finish(name, &draft, None).expect("nothing is in the way")
    }

    #[test]
    fn the_same_files_have_the_same_name_and_others_another() {
        let place = tempfile::tempdir().expect("there is room");
        let assets = assets(&place);
        let first = folder(&assets, "chess", "a").name;
        assert_eq!(folder(&assets, "chess", "a").name, first);
        assert_ne!(folder(&assets, "chess", "b").name, first);
    }

    #[test]
    fn a_new_folder_replaces_the_older_one_of_its_name_alone() {
        let place = tempfile::tempdir().expect("there is room");
        let assets = assets(&place);
        let other = folder(&assets, "chess-problems", "a");
        let older = folder(&assets, "chess", "a");
        let newer = folder(&assets, "chess", "b");
        assert!(other.path.exists() && newer.path.exists() && !older.path.exists());
    }

    #[test]
    fn every_file_lies_beside_its_compressed_forms() {
        let place = tempfile::tempdir().expect("there is room");
        let text = "all work and no play ".repeat(100);
        let folder = folder(&assets(&place), "chess", &text);
        let packed = |end| fs::read(compressed(&folder.path.join("app.js"), end)).expect("it was written");
        let (mut from_brotli, mut from_gzip) = (Vec::new(), Vec::new());
        brotli::BrotliDecompress(&mut packed(BROTLI).as_slice(), &mut from_brotli).expect("it is brotli");
        GzDecoder::new(packed(GZIP).as_slice()).read_to_end(&mut from_gzip).expect("it is gzip");
        assert_eq!((&*from_brotli, &*from_gzip), (text.as_bytes(), text.as_bytes()));
        assert!(packed(BROTLI).len() < text.len() / 10);
        assert!(packed(GZIP).len() < text.len() / 10);
    }

    #[test]
    fn compressed_forms_are_not_listed_as_files() {
        let place = tempfile::tempdir().expect("there is room");
        let folder = folder(&assets(&place), "chess", "a");
        assert_eq!(files(&folder.path).expect("it is there"), [folder.path.join("app.js")]);
    }
}
