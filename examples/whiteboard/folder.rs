//! The folder of a board: where it is, what it holds, and where its signaling server listened last time.

use crate::errors::Failure;
use bevy_quorum::{
    storage::DiskStorage,
    wire::{ClusterId, Invitation},
};
use directories::ProjectDirs;
use std::{
    fmt, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// The file beside the store that holds where this machine's signaling server listens, and where others find it.
const LISTEN_FILE: &str = "listen";
/// The file beside the store that names the folder in which the board was continued as a new one.
const CONTINUED_FILE: &str = "continued";
/// How many times a board may have been continued before it isn't followed any further.
const CONTINUED_MAX: usize = 1_000;

/// The folder of one board.
#[derive(Clone, Debug, PartialEq)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder that was asked for, or one of this user's: one for the board opened here, wherever it was continued,
    /// and one for each that was joined. It is made if it isn't there.
    pub fn choose(asked: Option<&Path>, invitation: Option<&Invitation>) -> Result<Self, Failure> {
        let path = match asked {
            Some(path) => path.to_owned(),
            None => default_path(invitation.map(|invitation| invitation.cluster))?,
        };
        match fs::create_dir_all(&path) {
            Ok(()) if asked.is_none() && invitation.is_none() => Ok(Self(path).newest()),
            Ok(()) => Ok(Self(path)),
            Err(error) => Err(Failure::Folder { folder: path, error }),
        }
    }

    /// A folder beside this one, for the board that continues the one here.
    pub fn beside(&self) -> io::Result<Self> {
        let name = self.0.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let names = (2..=CONTINUED_MAX).map(|number| self.0.with_file_name(format!("{name}-{number}")));
        let free = names.into_iter().find(|path| !path.exists());
        let path = free.ok_or(io::Error::other("too many boards lie beside it"))?;
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Remembers that the board here was continued in another folder.
    pub fn point_to(&self, other: &Self) -> io::Result<()> {
        fs::write(self.0.join(CONTINUED_FILE), other.0.to_string_lossy().as_bytes())
    }

    /// Where the board here was continued, if it was and that board is still there.
    pub fn continued(&self) -> Option<Self> {
        let path = fs::read_to_string(self.0.join(CONTINUED_FILE)).ok()?;
        Some(Self(path.into())).filter(Self::holds_a_board)
    }

    fn newest(self) -> Self {
        let all = std::iter::successors(Some(self.clone()), Self::continued);
        all.take(CONTINUED_MAX).last().unwrap_or(self)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether it holds a board already.
    pub fn holds_a_board(&self) -> bool {
        DiskStorage::exists(&self.0)
    }

    /// Where the board's signaling server listened last time, if it had one here.
    pub fn listened_at(&self) -> Option<SocketAddr> {
        fs::read_to_string(self.0.join(LISTEN_FILE)).ok()?.lines().next()?.trim().parse().ok()
    }

    /// Where others found it then.
    pub fn found_at(&self) -> Option<String> {
        let text = fs::read_to_string(self.0.join(LISTEN_FILE)).ok()?;
        Some(text.lines().nth(1)?.trim().to_owned()).filter(|url| !url.is_empty())
    }

    /// Remembers where the board's signaling server listens and is found, so that the link stays good.
    pub fn remember(&self, address: SocketAddr, url: &str) -> io::Result<()> {
        fs::write(self.0.join(LISTEN_FILE), format!("{address}\n{url}\n"))
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

fn default_path(joined: Option<ClusterId>) -> Result<PathBuf, Failure> {
    let project = ProjectDirs::from("", "", "bevy_quorum whiteboard").ok_or(Failure::NoFolder)?;
    let boards = project.data_local_dir();
    Ok(match joined {
        Some(cluster) => boards.join(cluster.to_string()),
        None => boards.join("mine"),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_remembered_beside_the_board() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::choose(Some(&root.path().join("a/b")), None).unwrap();
        assert_eq!((folder.listened_at(), folder.holds_a_board()), (None, false));
        let address = "0.0.0.0:3536".parse().unwrap();
        folder.remember(address, "ws://10.0.0.1:3536").unwrap();
        assert_eq!(folder.listened_at(), Some(address));
        assert_eq!(folder.found_at().as_deref(), Some("ws://10.0.0.1:3536"));
    }

    #[test]
    fn a_board_that_was_continued_is_followed_as_long_as_it_is_there() {
        let root = tempfile::tempdir().unwrap();
        let first = Folder::choose(Some(&root.path().join("mine")), None).unwrap();
        let second = first.beside().unwrap();
        let third = second.beside().unwrap();
        assert_eq!(second.path(), root.path().join("mine-2"));
        first.point_to(&second).unwrap();
        assert_eq!(first.clone().newest(), first, "there is no board in it");
        fs::write(second.path().join("room.redb"), "a board").unwrap();
        second.point_to(&third).unwrap();
        assert_eq!(first.clone().newest(), second);
        second.point_to(&first).unwrap();
        fs::write(first.path().join("room.redb"), "a board").unwrap();
        assert!([first.clone(), second].contains(&first.newest()), "circles end");
    }

    #[test]
    fn a_file_is_no_folder() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let failure = Folder::choose(Some(file.path()), None).unwrap_err();
        assert!(failure.to_string().contains("--data"), "{failure}");
    }

    #[test]
    fn each_joined_board_has_a_folder_of_its_own() {
        let (mine, a, b) =
            (default_path(None), default_path(Some(ClusterId([1; 16]))), default_path(Some(ClusterId([2; 16]))));
        assert!(mine.is_ok() && a.is_ok() && b.is_ok());
        assert!(mine.unwrap() != a.as_ref().unwrap().clone() && a.unwrap() != b.unwrap());
    }
}
