//! InstallSnapshot (§5.1): a follower that needs what is cut off gets the snapshot instead.

use super::{
    Deed, Digest, Effect, LogIndex, LogPosition, Message, MessageBody, Moment, Mutant, Node, NodeId, Snapshot,
    role::{Following, Role},
    shipment::{Incoming, MISSING_MAX},
    snapshot::Image,
};
use bytes::Bytes;
use std::ops::Range;

/// Places in the log beyond this are nonsense: no room lives to see as many entries.
const INDEX_MAX: LogIndex = LogIndex(1 << 62);

/// A part of a snapshot, as it comes.
pub(super) struct Chunk {
    pub mark: LogPosition,
    pub digest: Digest,
    pub total: u64,
    pub offset: u64,
    pub bytes: Bytes,
    pub sent: Moment,
}

impl Node {
    /// Sends the stored snapshot to those who need it, as much as their windows hold.
    pub(super) fn ship(&mut self) {
        let Self { role: Role::Leader(leadership), log, marks, effects, config, now, ballot, .. } = self else {
            return;
        };
        let Some(stored) = &marks.stored else { return };
        for (peer, progress) in &mut leadership.peers {
            progress.choose_shipment(stored, log.base().index);
            while let Some((image, offset, bytes)) = progress.next_chunk(*now, config) {
                let (mark, digest, total) = (image.position(), image.digest, image.len());
                let body = MessageBody::Snapshot { mark, digest, total, offset, bytes, sent: *now };
                effects.push_back(Effect::Send { to: *peer, message: Message { term: ballot.term, body } });
            }
        }
    }

    /// A member says what it has of the snapshot that it is sent.
    pub(super) fn count_chunk(
        &mut self,
        from: NodeId,
        mark: LogIndex,
        received: u64,
        missing: Vec<Range<u64>>,
        sent: Moment,
    ) {
        if missing.len() > MISSING_MAX {
            return self.ignore();
        }
        let now = self.now;
        if let Some((progress, _)) = self.answered(from) {
            progress.shipped(mark, received, missing, sent, now);
        }
    }

    /// A part of the leader's snapshot. What is committed here anyway is not taken, but acknowledged: the word
    /// of it may be lost.
    pub(super) fn take_chunk(&mut self, from: NodeId, chunk: Chunk) {
        let Chunk { mark, digest, total, sent, .. } = chunk;
        let is_place = mark.term <= self.term() && mark.index <= INDEX_MAX;
        let is_sound = !chunk.bytes.is_empty() && is_place && total <= Image::BYTES_MAX;
        if !is_sound || !self.accept_leader(from) {
            return self.ignore();
        }
        if !self.needs_snapshot(mark) {
            let commit = self.commit;
            if let Role::Follower(following) = &mut self.role {
                following.owed = following.owed.max(Some(commit));
            }
            let body = MessageBody::SnapshotReceived { mark: mark.index, received: total, missing: Vec::new(), sent };
            return self.send(from, body);
        }
        let term = self.term();
        let is_newer = |incoming: &Incoming| mark.index > incoming.mark.index || term > incoming.term;
        match &mut self.incoming {
            Some(incoming) if incoming.is(mark, digest, total) => incoming.term = term,
            // It was overtaken by a part of a newer snapshot of the same leader.
            Some(incoming) if !is_newer(incoming) => return,
            _ => self.incoming = Some(Incoming::new(mark, digest, total, term)),
        }
        let Some(incoming) = &mut self.incoming else { return };
        incoming.take(chunk.offset, chunk.bytes);
        let (received, missing) = (incoming.received(), incoming.missing());
        let complete = self.incoming.take_if(|incoming| incoming.is_complete());
        self.send(from, MessageBody::SnapshotReceived { mark: mark.index, received, missing, sent });
        match complete.map(Incoming::finish) {
            Some(Some(image)) => self.install(image),
            Some(None) => self.ignore(),
            None => {}
        }
    }

    /// Whether a snapshot of this mark is of use: what is committed here makes it useless, unless it was asked
    /// for.
    fn needs_snapshot(&self, mark: LogPosition) -> bool {
        let wanted = self.wanted_mark().is_some_and(|wanted| mark.index >= wanted && self.log.holds(mark));
        mark.index > self.commit || wanted || self.config.errs(Mutant::InstallBelowCommit)
    }

    fn install(&mut self, image: Image) {
        let (position, snapshot) = (image.position(), image.snapshot.clone());
        self.note(Deed::Install(position.index));
        let has_state = position.index > self.commit || self.marks.is_diverged();
        if !self.log.holds(position) || self.config.errs(Mutant::DropMatchedTail) {
            self.begin_log_after(&snapshot);
        }
        self.take_as_agreed(&image);
        self.commit_to(position.index);
        self.store(image);
        if has_state {
            self.applied = position.index;
            self.sessions = snapshot.sessions.clone();
            if !self.config.witness {
                self.effects.push_back(Effect::Restore(snapshot));
            }
            self.settle_restored();
        }
        if let Role::Follower(Following { verified, owed, .. }) = &mut self.role {
            *verified = (*verified).max(position.index);
            *owed = (*owed).max(Some(position.index));
        }
    }

    /// A log that doesn't hold a snapshot's mark may hold nothing right after our own commit index, and goes.
    fn begin_log_after(&mut self, snapshot: &Snapshot) {
        let (position, before) = (snapshot.position, self.membership().clone());
        let tail = self.log.entries_from(position.index.next());
        self.durability.stage_truncation(self.commit.next());
        self.log.reset(snapshot);
        self.durability.stage_compaction(position);
        self.forget_removed(&before);
        if self.config.errs(Mutant::KeepUnmatchedTail) {
            for entry in &tail {
                self.log.append(entry.clone());
                self.durability.stage_log(entry.index);
            }
        }
    }
}
