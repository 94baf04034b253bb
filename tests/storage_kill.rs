//! A program that is killed loses nothing that it was told is kept, and two never share a room.
#![cfg(feature = "disk")]
#![allow(clippy::unwrap_used)]

mod rooms;

use bevy_quorum::{
    raft::{Durable, Term, WriteId},
    storage::{DiskStorage, StorageError},
};
use rooms::{Diary, identity, poll_until, wait_for};
use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

const DIR: &str = "BEVY_QUORUM_TEST_DIR";
const ROUNDS: u64 = 24;
/// How many writes the child keeps under way, so that a kill finds some in every state.
const UNDER_WAY: u64 = 6;

/// A child that doesn't outlive its test.
struct Victim(Child);

impl Victim {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _dead_already = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// This program again, running only the test `name` on the room in `dir`.
fn child(name: &str, dir: &Path) -> (Victim, BufReader<ChildStdout>) {
    spawn(Command::new(env::current_exe().unwrap()), name, dir)
}

fn spawn(mut program: Command, name: &str, dir: &Path) -> (Victim, BufReader<ChildStdout>) {
    let mut child = program
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (Victim(child), output)
}

/// Where the parent wants its child to work; nothing if this is the parent.
fn given_dir() -> Option<PathBuf> {
    env::var_os(DIR).map(PathBuf::from)
}

/// Says on standard output, on a line of its own, that `number` is reached.
fn report(number: u64) {
    let mut output = std::io::stdout().lock();
    output.write_all(format!("\nreached {number}\n").as_bytes()).unwrap();
    output.flush().unwrap();
}

/// The numbers that a child reports.
fn reported(output: BufReader<ChildStdout>) -> impl Iterator<Item = u64> {
    let lines = output.lines().map_while(Result::ok);
    lines.filter_map(|line| line.strip_prefix("reached ")?.parse().ok())
}

#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(dir) = given_dir() else { return };
    let mut opened = DiskStorage::open(&dir).unwrap();
    let (durable, mut diary) = Diary::after(opened.durable.ballot.term.0);
    assert_eq!(opened.durable, durable);
    let mut done = WriteId(diary.written);
    loop {
        let (id, write) = diary.next();
        opened.storage.submit(id, write);
        let due = WriteId(id.0.saturating_sub(UNDER_WAY));
        if due > done {
            done = wait_for(&mut *opened.storage, due);
            report(done.0);
        }
    }
}

#[test]
fn what_was_reported_durable_survives_a_kill_at_any_moment() {
    if given_dir().is_some() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    drop(DiskStorage::create(dir.path(), &identity(), &Durable::default()).unwrap());
    let mut kept = 0;
    for round in 1..=ROUNDS {
        let (mut child, output) = child("child_that_writes_until_it_is_killed", dir.path());
        let mut reports = reported(output);
        // How many reports to hear before the kill: scattered, and the same in every run.
        let heard = 1 + (round * 0x9e37_79b9) % 97;
        let last_heard = reports.by_ref().take(usize::try_from(heard).unwrap()).last().unwrap();
        child.kill();
        let last_reported = reports.last().unwrap_or(last_heard);

        let durable = DiskStorage::open(dir.path()).unwrap().durable;
        let Term(written) = durable.ballot.term;
        assert!(written >= last_reported, "round {round}: {last_reported} reported, {written} there");
        assert_eq!(durable, Diary::after(written).0, "round {round}");
        assert!(written > kept, "round {round} went on");
        kept = written;
    }
}

#[test]
fn child_that_opens_a_room_and_waits() {
    let Some(dir) = given_dir() else { return };
    let _opened = DiskStorage::open(&dir).unwrap();
    report(1);
    loop {
        std::thread::park();
    }
}

#[test]
fn a_room_that_another_program_has_open_is_refused_until_that_program_dies() {
    if given_dir().is_some() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    drop(DiskStorage::create(dir.path(), &identity(), &Durable::default()).unwrap());
    let (mut child, output) = child("child_that_opens_a_room_and_waits", dir.path());
    assert_eq!(reported(output).next(), Some(1));

    let refused = DiskStorage::open(dir.path()).unwrap_err();
    assert!(matches!(refused, StorageError::InUse { .. }), "{refused}");
    assert!(refused.to_string().contains("another program"), "{refused}");
    let occupied = DiskStorage::create(dir.path(), &identity(), &Durable::default());
    assert!(matches!(occupied, Err(StorageError::InUse { .. })));

    child.kill();
    DiskStorage::open(dir.path()).unwrap();
}

#[test]
fn a_creation_that_was_killed_half_way_leaves_no_room() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("room.redb.new"), b"the beginning of a room").unwrap();
    assert!(!DiskStorage::exists(dir.path()));
    assert!(matches!(DiskStorage::open(dir.path()), Err(StorageError::NotFound { .. })));
    drop(DiskStorage::create(dir.path(), &identity(), &Durable::default()).unwrap());
    assert!(DiskStorage::exists(dir.path()));
}

#[test]
fn child_that_writes_until_the_disk_refuses() {
    let Some(dir) = given_dir() else { return };
    let mut storage = DiskStorage::open(&dir).unwrap().storage;
    let mut diary = Diary::default();
    let mut done = WriteId(0);
    let failure = loop {
        let (id, write) = diary.next();
        storage.submit(id, write);
        match poll_until(&mut *storage, id) {
            Ok(id) => done = id,
            Err(failure) => break failure,
        }
    };
    assert!(matches!(failure, StorageError::Io { .. } | StorageError::Full { .. }), "{failure}");
    storage.submit(diary.next().0, bevy_quorum::raft::Write::default());
    assert!(storage.poll().is_err(), "a failed store stays failed");
    report(done.0);
}

#[cfg(unix)]
#[test]
fn what_was_reported_durable_survives_a_disk_that_refuses_more() {
    if given_dir().is_some() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    drop(DiskStorage::create(dir.path(), &identity(), &Durable::default()).unwrap());
    let mut shell = Command::new("sh");
    // Files may grow to 1,000 blocks of 512 bytes, which a diary with its snapshots needs more of; growing further is
    // an error, not a signal.
    shell.args(["-c", "trap '' XFSZ; ulimit -f 1000; exec \"$0\" \"$@\""]).arg(env::current_exe().unwrap());
    let (mut child, output) = spawn(shell, "child_that_writes_until_the_disk_refuses", dir.path());
    let done = reported(output).last().unwrap();
    assert!(child.0.wait().unwrap().success());

    let durable = DiskStorage::open(dir.path()).unwrap().durable;
    let Term(written) = durable.ballot.term;
    assert!(done > 0 && written >= done, "{done} reported, {written} there");
    assert_eq!(durable, Diary::after(written).0);
}
