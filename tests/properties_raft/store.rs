//! A store in memory that takes only what a real one takes.

use bevy_quorum::raft::{Durable, LogIndex, Write};

/// Carries a write out.
///
/// # Panics
/// If it doesn't follow from those before it: a real store ends its program then.
pub fn write(disk: &mut Durable, write: Write) {
    if let Some(ballot) = write.ballot {
        let before = disk.ballot;
        let stays =
            ballot.term > before.term || (ballot.term == before.term && before.vote.is_none_or(|_| before == ballot));
        assert!(stays, "{ballot:?} comes after {before:?}");
        disk.ballot = ballot;
    }
    if let Some(from) = write.truncate_from {
        assert!(from > disk.commit, "entry {from} is dropped, but {} is committed", disk.commit);
        disk.log.retain(|entry| entry.index < from);
    }
    if let Some(snapshot) = write.snapshot {
        assert!(snapshot.position.index > marked(disk), "a snapshot comes after a newer one");
        disk.snapshot = Some(snapshot);
    }
    if let Some(base) = write.compact {
        assert!(base.index > disk.base.index, "the log is cut where it doesn't reach");
        disk.log.retain(|entry| entry.index > base.index);
        disk.base = base;
    }
    for entry in &write.entries {
        let last = disk.log.last().map_or(disk.base, |last| last.position());
        assert!(entry.index == last.index.next() && entry.term >= last.term, "{entry:?} comes after {last:?}");
        disk.log.push(entry.clone());
    }
    if let Some(commit) = write.commit {
        assert!((disk.commit..=end(disk)).contains(&commit), "the commit index grows within the log");
        disk.commit = commit;
    }
    assert!(disk.base.index <= marked(disk) && marked(disk) <= disk.commit, "base, snapshot, commit index");
    if let Some(session) = write.session {
        assert!(disk.session < Some(session), "session {session} comes after {:?}", disk.session);
        disk.session = Some(session);
    }
    for (serial, body) in write.outbox_put {
        assert!(serial > disk.last_serial, "serial {serial} was given out already");
        disk.last_serial = serial;
        disk.outbox.insert(serial, body);
    }
    if let Some(settled) = write.outbox_settled {
        disk.outbox.retain(|serial, _| *serial > settled);
    }
}

/// Where its log ends.
pub fn end(disk: &Durable) -> LogIndex {
    disk.log.last().map_or(disk.base.index, |entry| entry.index)
}

fn marked(disk: &Durable) -> LogIndex {
    disk.snapshot.as_ref().map_or(LogIndex(0), |snapshot| snapshot.position.index)
}
