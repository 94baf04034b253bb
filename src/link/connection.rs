//! One connection on its way from a hello to a session.

use super::{Credentials, Lane, RefusalReason, credentials::Transcript, outstanding::Outstanding};
use crate::{
    raft::{Moment, NodeId, Permission},
    wire::{Frame, FrameBody, Hello, Plane, Proof, SessionTag, node_id_of},
};
use std::time::Duration;

/// How long a peer may take to introduce itself.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long after a hello it is said again, if no proof has come: a full buffer loses frames even on
/// reliable lanes.
pub const HELLO_INTERVAL: Duration = Duration::from_secs(1);
/// The most bytes taken from a peer before its proof.
pub const UNPROVEN_BYTES_MAX: usize = 64 * 1024;

/// A connection and how far its introduction got.
pub(super) struct Connection {
    pub(super) plane: Plane,
    pub(super) ours: Hello,
    pub(super) theirs: Option<Theirs>,
    /// What the peer proved, once it has.
    pub(super) proven: Option<Permission>,
    pub(super) timeout: Moment,
    pub(super) hello_due: Moment,
    pub(super) ping_due: Moment,
    pub(super) heard_at: Moment,
    /// Whether it goes through a relay, once the link says so.
    pub(super) relayed: Option<bool>,
    /// What was sent on it and not answered.
    pub(super) outstanding: Outstanding,
    /// Frames of other sessions that came so far.
    pub(super) foreign_frames: u32,
    unproven_bytes: usize,
}

/// What the peer said of itself.
pub(super) struct Theirs {
    pub(super) hello: Hello,
    pub(super) transcript: Transcript,
    pub(super) tag: SessionTag,
}

impl Connection {
    pub(super) fn new(now: Moment, ours: Hello) -> Self {
        Self {
            plane: ours.plane,
            ours,
            theirs: None,
            proven: None,
            timeout: now + HANDSHAKE_TIMEOUT,
            hello_due: now,
            ping_due: now,
            heard_at: now,
            relayed: None,
            outstanding: Outstanding::default(),
            foreign_frames: 0,
            unproven_bytes: 0,
        }
    }

    /// The tag of its frames; none before the peer's hello.
    pub(super) fn tag(&self) -> SessionTag {
        self.theirs.as_ref().map_or(SessionTag::NONE, |theirs| theirs.tag)
    }

    /// The peer, proven or not.
    pub(super) fn claimed_node(&self) -> Option<NodeId> {
        self.theirs.as_ref().map(|theirs| theirs.hello.node)
    }

    /// Reads a frame, as far as it belongs to this connection; `None` if it came too early to matter.
    pub(super) fn read(&mut self, lane: Lane, bytes: &[u8]) -> Result<Option<FrameBody>, RefusalReason> {
        if lane.plane() != self.plane {
            return Err(RefusalReason::OutOfPlace);
        }
        if self.proven.is_none() {
            self.unproven_bytes += bytes.len();
            if self.unproven_bytes > UNPROVEN_BYTES_MAX {
                return Err(RefusalReason::TooMuchUnproven);
            }
        }
        let (tag, _) = Frame::split(bytes, lane.bytes_max())?;
        let introduces = tag == SessionTag::NONE;
        if !introduces && tag != self.tag() {
            return Err(RefusalReason::OtherSession);
        }
        if !introduces && self.proven.is_none() {
            // The peer has our proof already, we don't have its yet.
            return Ok(None);
        }
        let body = Frame::decode(bytes, lane.bytes_max())?.body;
        let in_place = match body {
            FrameBody::Hello(_) | FrameBody::Proof(_) => introduces && lane == Lane::reliable(self.plane),
            FrameBody::Bye(_) => lane == Lane::reliable(self.plane),
            FrameBody::Neighbours(_) | FrameBody::Signal(_) => !introduces && lane == Lane::Reliable,
            FrameBody::Ping(_) | FrameBody::Pong(_) | FrameBody::Payload(_) => !introduces,
        };
        if in_place { Ok(Some(body)) } else { Err(RefusalReason::OutOfPlace) }
    }

    /// Takes the peer's hello. It is answered with a proof each time it is said.
    pub(super) fn hear_hello(&mut self, hello: Hello) -> Result<&Transcript, RefusalReason> {
        match &self.theirs {
            Some(theirs) if theirs.hello != hello => return Err(RefusalReason::ReplayedHello),
            Some(_) => {}
            None => {
                self.check_hello(&hello)?;
                let transcript = Transcript::of(&self.ours, &hello);
                let tag = transcript.tag();
                self.theirs = Some(Theirs { hello, transcript, tag });
            }
        }
        let theirs = self.theirs.as_ref().expect("it was set above");
        Ok(&theirs.transcript)
    }

    fn check_hello(&self, hello: &Hello) -> Result<(), RefusalReason> {
        if hello.cluster != self.ours.cluster {
            return Err(RefusalReason::OtherCluster);
        }
        if hello.node != node_id_of(&hello.key) {
            return Err(RefusalReason::ForgedId);
        }
        if hello.node == self.ours.node {
            return Err(RefusalReason::OwnId);
        }
        if hello.plane != self.plane {
            return Err(RefusalReason::WrongPlane);
        }
        if hello.nonce == self.ours.nonce {
            return Err(RefusalReason::ReplayedHello);
        }
        Ok(())
    }

    /// Takes the peer's proof; true if it is new. One that overtook its hello is asked for again by
    /// our next hello.
    pub(super) fn hear_proof(&mut self, credentials: &Credentials, proof: &Proof) -> Result<bool, RefusalReason> {
        let Some(theirs) = &self.theirs else { return Ok(false) };
        if self.proven.is_some() {
            return Ok(false);
        }
        let permission = credentials.verify(&theirs.transcript, &theirs.hello.key, proof);
        self.proven = Some(permission.ok_or(RefusalReason::Unproven)?);
        Ok(true)
    }
}
