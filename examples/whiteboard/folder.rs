//! The folder of a board: where it is, what it holds, and where its signaling server listened last time.

use crate::errors::Failure;
use bevy_quorum::{
    storage::DiskStorage,
    wire::{ClusterId, Invitation},
};
use directories::ProjectDirs;
use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// The file beside the store that holds the address of this machine's signaling server.
const LISTEN_FILE: &str = "listen";

/// The folder of one board.
#[derive(Clone, Debug, PartialEq)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder that was asked for, or one of this user's: one for the board opened here, and one for each
    /// that was joined. It is made if it isn't there.
    pub fn choose(asked: Option<&Path>, invitation: Option<&Invitation>) -> Result<Self, Failure> {
        let path = match asked {
            Some(path) => path.to_owned(),
            None => default_path(invitation.map(|invitation| invitation.cluster))?,
        };
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(Self(path)),
            Err(error) => Err(Failure::Folder { folder: path, error }),
        }
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
        fs::read_to_string(self.0.join(LISTEN_FILE)).ok()?.trim().parse().ok()
    }

    /// Remembers where the board's signaling server listens, so that the link stays good.
    pub fn remember(&self, address: SocketAddr) -> io::Result<()> {
        fs::write(self.0.join(LISTEN_FILE), format!("{address}\n"))
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
        folder.remember(address).unwrap();
        assert_eq!(folder.listened_at(), Some(address));
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
