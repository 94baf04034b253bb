//! Marks in the log, the snapshots made at them, and what is cut off once they are agreed on (§5).
//!
//! The leader appends a mark when enough has gathered. Every replica makes a snapshot exactly there, and tells
//! its digest. When those of a majority are the same, the leader appends that they agree, and each replica that
//! has the agreed snapshot stores it and cuts its log, in one write. So what is stored or sent is agreed on,
//! and there is one mark at a time that isn't.

use super::{
    Deed, Digest, Effect, LogIndex, LogPosition, LogTime, Marked, Mutant, Node, NodeId, Payload, SNAPSHOT_BYTES_MAX,
    Snapshot, Standing, Trouble, progress::Progress, quorum::majority, role::Role, sessions::Sessions, snapshot::Image,
};
use bytes::Bytes;
use std::{collections::BTreeMap, sync::Arc};

/// What a node has of snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Marks {
    /// The room at the newest mark; the game's state is still to come.
    draft: Option<Snapshot>,
    /// What this node made at the newest mark.
    made: Option<Image>,
    /// The mark that was agreed on last, and its digest.
    agreed: Option<(LogIndex, Digest)>,
    /// The agreed snapshot that is stored, or on its way there.
    pub stored: Option<Image>,
    /// This node made another snapshot than the others.
    diverged: bool,
    /// The size of a state that was too large.
    too_large: Option<usize>,
}

impl Marks {
    /// Marks that begin with a stored snapshot.
    pub fn new(stored: Option<Image>) -> Self {
        let agreed = stored.as_ref().map(|image| (image.index(), image.digest));
        Self { agreed, stored, ..Self::default() }
    }

    /// The mark that was agreed on last.
    pub fn agreed(&self) -> LogIndex {
        self.agreed.map_or(LogIndex(0), |(mark, _)| mark)
    }

    /// The entry that the stored snapshot stands for.
    pub fn stored_index(&self) -> LogIndex {
        self.stored.as_ref().map_or(LogIndex(0), Image::index)
    }

    /// Whether the state of this node is known not to be the agreed one.
    pub fn is_diverged(&self) -> bool {
        self.diverged
    }
}

impl Node {
    /// What this node tells about its snapshots.
    pub(super) fn marked(&self) -> Marked {
        let newest = self.marks.made.as_ref().or(self.marks.stored.as_ref());
        Marked {
            makes: self.config.makes_snapshots,
            made: newest.map(|image| (image.index(), image.digest)),
            wants: self.wanted_mark(),
        }
    }

    /// The agreed mark whose snapshot this node has to be sent: it makes none, or made another, or does not
    /// come to it while its log grows.
    pub(super) fn wanted_mark(&self) -> Option<LogIndex> {
        let agreed = self.marks.agreed();
        let is_long = || self.log.bytes() > self.config.log_bytes_max as u64;
        let lacks = agreed > self.marks.stored_index();
        (lacks && (self.marks.diverged || !self.config.makes_snapshots || is_long())).then_some(agreed)
    }

    /// A leader marks the next place for a snapshot, once enough has gathered and the last mark is agreed on.
    pub(super) fn mark(&mut self) {
        let (mark, bytes) = self.log.last_mark();
        let entries = self.last().0 - mark.0;
        // A log that must not grow further than this needs its marks earlier.
        let bytes_max = self.config.mark_bytes.min(self.config.log_bytes_max / 2) as u64;
        let is_due = bytes >= bytes_max || entries >= self.config.mark_entries;
        let Role::Leader(leadership) = &self.role else { return };
        let is_free = self.config.makes_snapshots && mark <= self.marks.agreed() && leadership.transfer.is_none();
        if is_due && is_free {
            self.append(Payload::Mark);
        }
    }

    /// A leader that hears the same of a majority of those voters that make snapshots says so in the log.
    pub(super) fn agree(&mut self) {
        let Role::Leader(leadership) = &self.role else { return };
        let (mark, _) = self.log.last_mark();
        if mark <= self.marks.agreed().max(leadership.agreed) || mark > self.commit {
            return;
        }
        let (makers, counts) = self.count_made(mark);
        let Some(digest) = counts.iter().find(|(_, count)| **count >= majority(makers)).map(|(digest, _)| *digest)
        else {
            return;
        };
        self.append(Payload::Agreed { mark, digest });
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.agreed = mark;
        }
    }

    /// How many voters make snapshots, as far as this leader knows, and what they made at `mark`.
    fn count_made(&self, mark: LogIndex) -> (usize, BTreeMap<Digest, usize>) {
        let (mut makers, mut counts) = (0, BTreeMap::new());
        for (voter, _) in self.membership().members.iter().filter(|(_, member)| member.standing == Standing::Voter) {
            let marked = self.marked_by(*voter);
            makers += usize::from(marked.is_none_or(|marked| marked.makes));
            if let Some((_, digest)) = marked.and_then(|marked| marked.made).filter(|(made, _)| *made == mark) {
                *counts.entry(digest).or_default() += 1;
            }
        }
        (makers, counts)
    }

    fn marked_by(&self, voter: NodeId) -> Option<Marked> {
        if voter == self.id {
            return Some(self.marked());
        }
        self.role.leadership().and_then(|leadership| leadership.peers.get(&voter)).and_then(|peer| peer.marked)
    }

    /// A mark's turn has come. The room is taken down as it is now; the game has to do the same.
    pub(super) fn pass_mark(&mut self, position: LogPosition, time: LogTime) -> Option<Effect> {
        // Another mark means that this one is agreed on: who is behind needn't make both.
        let is_last = self.log.last_mark().0 == position.index || self.log.last_mark().0 > self.commit;
        if !self.config.makes_snapshots || !is_last {
            return None;
        }
        let errs = |mutant| self.config.errs(mutant);
        let configured = if errs(Mutant::SnapshotLatestConfiguration) { self.last() } else { position.index };
        let sessions = if errs(Mutant::SnapshotWithoutSessions) { Sessions::default() } else { self.sessions.clone() };
        self.marks.draft = Some(Snapshot {
            position,
            time,
            membership: self.log.membership_at(configured).clone(),
            membership_index: self.log.membership_index_at(configured).min(position.index),
            sessions,
            state: Bytes::new(),
        });
        Some(Effect::Snapshot { position })
    }

    /// The game's state at a mark is here.
    pub(super) fn snapshotted(&mut self, mark: LogIndex, state: Bytes) {
        let Some(draft) = self.marks.draft.take_if(|draft| draft.position.index == mark) else { return };
        self.marks.too_large = (state.len() > SNAPSHOT_BYTES_MAX).then_some(state.len());
        if self.marks.too_large.is_none() {
            self.marks.made = Some(Image::new(Arc::new(Snapshot { state, ..draft })));
            self.keep_agreed();
        }
        if self.config.errs(Mutant::CutUnagreed)
            && let Some(image) = self.marks.made.take()
        {
            self.store(image);
        }
    }

    /// An agreement's turn has come. For each mark the first counts.
    pub(super) fn pass_agreement(&mut self, mark: LogIndex, digest: Digest) {
        if mark > self.marks.agreed() {
            self.marks.agreed = Some((mark, digest));
            self.log.forget_marks_before(mark);
            self.keep_agreed();
            self.stirred = true;
        }
    }

    /// Stores what was made, once it is agreed on, and cuts the log. Who made something else has diverged.
    fn keep_agreed(&mut self) {
        let Some((mark, digest)) = self.marks.agreed else { return };
        let Some(image) = self.marks.made.take_if(|image| image.index() <= mark) else { return };
        if image.index() < mark {
            return;
        }
        if image.digest == digest {
            return self.store(image);
        }
        self.note(Deed::Diverge(mark));
        self.marks.diverged = true;
        self.prefer_another();
    }

    /// Stores an agreed snapshot, and cuts off what it stands for, in one write.
    pub(super) fn store(&mut self, image: Image) {
        assert!(image.index() > self.marks.stored_index(), "a snapshot is never replaced by an older one");
        self.note(Deed::Store(image.index()));
        self.durability.stage_snapshot(image.snapshot.clone());
        let index = image.index();
        self.marks.draft.take_if(|draft| draft.position.index <= index);
        self.marks.made.take_if(|made| made.index() <= index);
        self.marks.stored = Some(image);
        self.marks.diverged = false;
        self.cut();
    }

    /// Notes that what others made at a mark, and this node has from them, is agreed on.
    pub(super) fn take_as_agreed(&mut self, image: &Image) {
        if image.index() > self.marks.agreed() {
            self.marks.agreed = Some((image.index(), image.digest));
            self.log.forget_marks_before(image.index());
        }
    }

    /// Cuts off what the stored snapshot stands for, but for a tail, and but for what followers are being sent or
    /// will need behind the snapshot that they are being sent.
    fn cut(&mut self) {
        let Some(stored) = &self.marks.stored else { return };
        let mut base = self.log.base_before(stored.index(), self.config.tail_bytes);
        if let Some(leadership) = self.role.leadership()
            && self.log.bytes() <= self.config.log_bytes_max as u64
        {
            let heard = |peer: &&Progress| peer.is_heard(self.now, self.config.election_timeout_max);
            let needed = leadership.peers.values().filter(heard).filter_map(Progress::goes_on_after);
            base = needed.fold(base, LogIndex::min);
        }
        if base > self.log.base().index {
            self.log.compact(base);
            self.durability.stage_compaction(self.log.base());
        }
    }

    /// Whether so much has gathered without a snapshot that no more commands are taken.
    pub(super) fn is_log_full(&self) -> bool {
        self.log_room() == 0
    }

    /// How many bytes may gather until then.
    pub(super) fn log_room(&self) -> usize {
        if !self.config.makes_snapshots {
            return usize::MAX;
        }
        self.config.log_bytes_max.saturating_sub(usize::try_from(self.log_bytes()).unwrap_or(usize::MAX))
    }

    /// The bytes in the log since the last agreed mark.
    pub(super) fn log_bytes(&self) -> u64 {
        self.log.bytes_since(self.marks.agreed())
    }

    /// Why the log can't be cut, if it can't.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        if self.marks.diverged {
            return Some(Trouble::Diverged);
        }
        if let Some(bytes) = self.marks.too_large {
            return Some(Trouble::TooLarge { bytes });
        }
        if self.is_split() {
            return Some(Trouble::Split);
        }
        self.is_log_full().then_some(Trouble::Unmade)
    }

    /// Whether no digest can get a majority any more.
    fn is_split(&self) -> bool {
        let (mark, _) = self.log.last_mark();
        if self.role.leadership().is_none() || mark <= self.marks.agreed() {
            return false;
        }
        let (makers, counts) = self.count_made(mark);
        let open = makers.saturating_sub(counts.values().sum());
        !counts.is_empty() && counts.values().all(|count| count + open < majority(makers))
    }

    /// The place of the entry at `index`, also of the one before the first.
    pub fn position_at(&self, index: LogIndex) -> Option<LogPosition> {
        self.log.position_at(index)
    }

    /// The snapshot that it has stored, or is about to.
    pub fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        self.marks.stored.as_ref().map(|image| &image.snapshot)
    }
}
