//! What peers may say to a node: mostly close to what it holds, for nonsense from far off is refused at the door.

use arbtest::arbitrary::{Result, Unstructured};
use bevy_quorum::raft::{
    Command, Decision, Digest, Entry, Holdup, LogIndex, LogPosition, LogTime, Marked, Member, Membership, Message,
    MessageBody, Moment, Node, NodeId, Payload, Permission, Refusal, Serial, Snapshot, Standing, Term,
};
use bytes::Bytes;
use std::{collections::BTreeMap, time::Duration};

/// The node that is told things.
pub const ME: NodeId = NodeId(3);
/// Those who are members more often than not, and who never are.
pub const PEERS: [NodeId; 4] = [NodeId(1), NodeId(2), NodeId(4), NodeId(5)];
const STRANGER: NodeId = NodeId(9);
/// The largest body of a command, and one byte more.
const BODY_BYTES: [usize; 4] = [0, 3, 4 * 1024, 4 * 1024 + 1];

/// Draws what is said to a node, at its time.
pub struct Draw<'a, 'b> {
    pub u: &'a mut Unstructured<'b>,
    pub node: &'a Node,
    pub now: Moment,
}

impl Draw<'_, '_> {
    pub fn message(&mut self) -> Result<Message> {
        Ok(Message { term: self.term()?, body: self.body()? })
    }

    fn body(&mut self) -> Result<MessageBody> {
        Ok(match self.u.int_in_range(0..=22)? {
            0 => MessageBody::PreVote { last: self.position()? },
            1 => {
                let ahead = if self.u.arbitrary()? { Some(self.position()?) } else { None };
                MessageBody::PreVoteReply { asked: self.term()?, granted: self.u.arbitrary()?, ahead }
            }
            2 => MessageBody::Vote { last: self.position()?, transfer: self.u.arbitrary()? },
            3 => MessageBody::VoteReply { granted: self.u.arbitrary()? },
            4..=6 => {
                let (previous, entries) = self.entries()?;
                let (commit, durable, sent) = (self.index()?, self.index()?, self.moment()?);
                MessageBody::Append { previous, entries: entries.into(), commit, durable, sent }
            }
            7 => MessageBody::Appended { matched: self.index()? },
            8 => MessageBody::Mismatch { hint: self.position()?, sent: self.moment()? },
            9 => MessageBody::News { commit: self.position()?, durable: self.index()? },
            10 => {
                let (commit, round, sent) = (self.position()?, self.number()?, self.moment()?);
                MessageBody::Heartbeat { commit, round, patience_ms: self.u.arbitrary()?, sent }
            }
            11 => {
                let (priority, round, sent) = (self.u.arbitrary()?, self.number()?, self.moment()?);
                MessageBody::HeartbeatReply { priority, round, sent, marked: self.marked()? }
            }
            12 => MessageBody::Borrow { last: self.position()? },
            13 => {
                let (previous, entries) = self.entries()?;
                MessageBody::Lend { previous, entries: entries.into(), last: self.position()?, commit: self.index()? }
            }
            14 => MessageBody::Outdated,
            15 => self.forward()?,
            16 => {
                let (appended, gap, sent) = (self.serial()?, self.u.arbitrary()?, self.moment()?);
                let holdup = if self.u.arbitrary()? { Some(Holdup::Full) } else { None };
                MessageBody::Forwarded { appended, gap, holdup, sent }
            }
            17 => MessageBody::Forgotten { session: self.index()? },
            18 => MessageBody::ReadIndex { question: self.number()? },
            19 => MessageBody::ReadIndexReply { question: self.number()?, index: self.index()? },
            20 => MessageBody::TimeoutNow { last: self.position()? },
            21 => MessageBody::Retire,
            _ if self.u.arbitrary()? => self.chunk()?,
            _ => {
                let mut missing = Vec::new();
                for _ in 0..self.u.int_in_range(0..=17)? {
                    missing.push(self.number()?..self.number()?);
                }
                MessageBody::SnapshotReceived {
                    mark: self.index()?,
                    received: self.number()?,
                    missing,
                    sent: self.moment()?,
                }
            }
        })
    }

    /// One of those who may be members, or a stranger.
    pub fn anybody(&mut self) -> Result<NodeId> {
        Ok(match self.u.int_in_range(0..=9)? {
            0 => STRANGER,
            1 => ME,
            _ => *self.u.choose(&PEERS)?,
        })
    }

    pub fn membership(&mut self) -> Result<Membership> {
        let mut members = BTreeMap::new();
        for node in PEERS.into_iter().chain([ME]) {
            if self.u.ratio(3, 4)? {
                members.insert(node, self.member()?);
            }
        }
        Ok(Membership { members })
    }

    fn member(&mut self) -> Result<Member> {
        let standing = if self.u.ratio(2, 3)? { Standing::Voter } else { Standing::Learner };
        let permission = *self.u.choose(&[Permission::Viewer, Permission::Editor, Permission::Owner])?;
        let session = if self.u.ratio(7, 8)? { LogIndex(1) } else { self.index()? };
        Ok(Member { standing, permission, key: [0; 32], session })
    }

    fn term(&mut self) -> Result<Term> {
        let own = self.node.term().0;
        Ok(Term(match self.u.int_in_range(0..=15)? {
            0 => own.saturating_sub(1),
            1..=3 => own.saturating_add(1),
            4 => *self.u.choose(&[0, 1 << 62, (1 << 62) + 1, u64::MAX])?,
            _ => own,
        }))
    }

    /// Somewhere in the log, mostly.
    pub fn index(&mut self) -> Result<LogIndex> {
        let node = self.node;
        let known = [node.last(), node.commit(), node.applied(), node.base().index, node.durable(), LogIndex(0)];
        let at = self.u.choose(&known)?.0;
        Ok(LogIndex(match self.u.int_in_range(0..=15)? {
            0..=3 => at.saturating_add(1),
            4..=5 => at.saturating_sub(1),
            6 => at.saturating_add(self.u.int_in_range(0..=300)?),
            7 => *self.u.choose(&[1 << 62, u64::MAX - 1, u64::MAX])?,
            _ => at,
        }))
    }

    fn position(&mut self) -> Result<LogPosition> {
        let index = self.index()?;
        let held = self.node.position_at(index).filter(|_| index > LogIndex(0));
        match held {
            Some(position) if self.u.ratio(3, 4)? => Ok(position),
            _ => Ok(LogPosition { term: self.term()?, index }),
        }
    }

    pub fn moment(&mut self) -> Result<Moment> {
        Ok(match self.u.int_in_range(0..=7)? {
            0 => Moment(u64::MAX),
            1 => Moment::ZERO,
            2 => self.now + Duration::from_millis(1),
            3 => Moment(self.now.0.saturating_sub(50_000_000)),
            _ => self.now,
        })
    }

    fn number(&mut self) -> Result<u64> {
        Ok(match self.u.int_in_range(0..=7)? {
            0 => u64::MAX,
            1 => self.u.arbitrary()?,
            2 => self.u.int_in_range(0..=20_000)?,
            _ => self.u.int_in_range(0..=1_000)?,
        })
    }

    fn serial(&mut self) -> Result<Serial> {
        let far = *self.u.choose(&[1 << 62, (1 << 62) + 1, u64::MAX])?;
        Ok(Serial(if self.u.ratio(1, 16)? { far } else { self.u.int_in_range(0..=9)? }))
    }

    fn digest(&mut self) -> Result<Digest> {
        let made = self.node.snapshot().filter(|_| self.u.arbitrary().unwrap_or_default());
        Ok(made.map_or(Digest([7; 32]), |snapshot| snapshot.digest()))
    }

    fn marked(&mut self) -> Result<Marked> {
        let made = if self.u.arbitrary()? { Some((self.index()?, self.digest()?)) } else { None };
        let wants = if self.u.arbitrary()? { Some(self.index()?) } else { None };
        Ok(Marked { makes: self.u.arbitrary()?, made, wants })
    }

    fn payload(&mut self) -> Result<Payload> {
        Ok(match self.u.int_in_range(0..=9)? {
            0 => Payload::Membership(self.membership()?),
            1 => Payload::Mark,
            2 => Payload::Agreed { mark: self.index()?, digest: self.digest()? },
            3 => Payload::Empty,
            _ => {
                let body = Bytes::from(vec![0; *self.u.choose(&BODY_BYTES)?]);
                Payload::Command(Command { author: self.anybody()?, serial: self.serial()?, body })
            }
        })
    }

    /// Entries, and what they follow: mostly as a leader would have them.
    fn entries(&mut self) -> Result<(LogPosition, Vec<Entry>)> {
        let previous = self.position()?;
        let (mut last, mut entries) = (previous, Vec::new());
        for _ in 0..self.u.int_in_range(0..=6)? {
            let held = self.node.entry(LogIndex(last.index.0.saturating_add(1))).cloned();
            let entry = match held {
                Some(entry) if self.u.arbitrary()? => entry,
                _ => self.entry_after(last)?,
            };
            last = entry.position();
            entries.push(entry);
        }
        Ok((previous, entries))
    }

    fn entry_after(&mut self, last: LogPosition) -> Result<Entry> {
        let skewed = self.u.ratio(1, 16)?;
        let index = if skewed { self.index()? } else { LogIndex(last.index.0.saturating_add(1)) };
        let term = match self.u.int_in_range(0..=7)? {
            0 => self.term()?,
            1..=2 => self.node.term().max(last.term),
            _ => last.term,
        };
        let time = LogTime(if self.u.ratio(1, 16)? { u64::MAX } else { self.u.int_in_range(0..=90)? * 1_000 });
        Ok(Entry { term, index, time, payload: self.payload()? })
    }

    fn forward(&mut self) -> Result<MessageBody> {
        let mut commands = Vec::new();
        let mut serial = self.serial()?;
        for _ in 0..self.u.int_in_range(0..=4)? {
            commands.push((serial, Bytes::from(vec![1; *self.u.choose(&BODY_BYTES)?])));
            serial = if self.u.ratio(7, 8)? { Serial(serial.0.saturating_add(1)) } else { self.serial()? };
        }
        let session = if self.u.ratio(3, 4)? { LogIndex(1) } else { self.index()? };
        Ok(MessageBody::Forward { session, after: self.serial()?, commands, sent: self.moment()? })
    }

    /// A part of a snapshot, or all of it.
    fn chunk(&mut self) -> Result<MessageBody> {
        let (mark, membership) = (self.position()?, self.membership()?);
        let room = self.room(mark, &membership)?;
        let state = Bytes::from(vec![5; self.u.int_in_range(0..=2_000)?]);
        let bytes: Bytes = [&(room.len() as u32).to_le_bytes()[..], &room, &state].concat().into();
        let snapshot = Snapshot::from_parts(&room, state);
        let digest = snapshot.map_or(Digest([0; 32]), |snapshot| snapshot.digest());
        let (mut offset, mut end, mut total) = (0, bytes.len(), bytes.len() as u64);
        if self.u.ratio(1, 3)? {
            offset = self.u.int_in_range(0..=bytes.len())?;
            end = self.u.int_in_range(offset..=bytes.len())?;
        }
        let mut place = offset as u64;
        if self.u.ratio(1, 8)? {
            (place, total) = (self.number()?, self.number()?);
        }
        let bytes = bytes.slice(offset..end);
        Ok(MessageBody::Snapshot { mark, digest, total, offset: place, bytes, sent: self.moment()? })
    }

    /// The room's part of a snapshot, as it is encoded.
    fn room(&mut self, mark: LogPosition, membership: &Membership) -> Result<Vec<u8>> {
        let mut sessions = BTreeMap::new();
        for (node, member) in &membership.members {
            sessions.insert(*node, self.session(member.session)?);
        }
        let set = if self.u.ratio(3, 4)? { LogIndex(1).min(mark.index) } else { self.index()? };
        let room = (mark, LogTime(self.u.int_in_range(0..=90_000)?), membership, set, sessions);
        Ok(bincode::serde::encode_to_vec(room, bincode::config::standard()).expect("it has an encoding"))
    }

    /// A member's session: when it was opened, its last serial, when that was used, the latest outcomes.
    fn session(&mut self, opened: LogIndex) -> Result<Encoded> {
        let last = if self.u.arbitrary()? { Some(self.serial()?) } else { None };
        let refusal = if self.u.arbitrary()? { Some(Refusal::NotPermitted) } else { None };
        let recent = last.map(|last| (last, Decision { index: self.node.commit(), refusal })).into_iter().collect();
        Ok((opened, last, LogTime(self.u.int_in_range(0..=90_000)?), recent))
    }
}

/// A session, as it is encoded.
type Encoded = (LogIndex, Option<Serial>, LogTime, Vec<(Serial, Decision)>);
