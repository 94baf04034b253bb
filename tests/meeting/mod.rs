//! A few nodes with sessions over one in-process network.
#![allow(clippy::unwrap_used)]
// Each test file uses a part of it.
#![allow(dead_code)]

use bevy_quorum::{
    link::{
        Credentials, RefusalReason, SessionEvent, Sessions, UnlinkReason,
        in_process::{Address, Network},
    },
    raft::{Moment, NodeId, Permission},
    wire::{ClusterId, Invitation, Payload, Secret, Whisper},
};
use bytes::Bytes;
use ed25519_dalek::SigningKey;
use std::time::Duration;

pub const ROOM: ClusterId = ClusterId([1; 16]);

pub fn invitation() -> Invitation {
    let invitation = Invitation::new(["ws://127.0.0.1:3536"], Permission::Editor).unwrap();
    changed(invitation, ROOM, Secret::from_bytes([2; 32]))
}

pub fn changed(mut invitation: Invitation, cluster: ClusterId, secret: Secret) -> Invitation {
    (invitation.cluster, invitation.secret) = (cluster, secret);
    invitation
}

pub fn credentials(who: u8) -> Credentials {
    invited(who, &invitation())
}

pub fn invited(who: u8, invitation: &Invitation) -> Credentials {
    Credentials::new(SigningKey::from_bytes(&[who; 32]), invitation)
}

/// A few nodes and strangers in one network.
pub struct Meeting {
    pub network: Network,
    pub now: Moment,
    pub members: Vec<Member>,
}

pub struct Member {
    pub address: Address,
    pub node: NodeId,
    pub sessions: Sessions,
    pub events: Vec<SessionEvent>,
}

impl Meeting {
    pub fn of(names: &[u8]) -> Self {
        let mut meeting = Self { network: Network::new(1), now: Moment::ZERO, members: Vec::new() };
        for name in names {
            meeting.join(credentials(*name));
        }
        meeting.pass(Duration::from_secs(1));
        meeting
    }

    /// Returns the member's place in `members`.
    pub fn join(&mut self, credentials: Credentials) -> usize {
        let endpoint = self.network.endpoint();
        let (address, node) = (endpoint.address(), credentials.node());
        let mut seed = [0; 32];
        seed[0] = address.0 as u8;
        let sessions = Sessions::new(Box::new(endpoint), credentials, seed);
        self.members.push(Member { address, node, sessions, events: Vec::new() });
        self.members.len() - 1
    }

    /// Lets time pass, a millisecond at a time.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now = self.now + Duration::from_millis(1);
            self.network.advance(self.now);
            for member in &mut self.members {
                while let Some(event) = member.sessions.poll(self.now) {
                    member.events.push(event);
                }
                if self.now >= member.sessions.deadline() {
                    member.sessions.tick(self.now);
                }
            }
        }
    }

    pub fn linked(&self, member: usize) -> Vec<NodeId> {
        self.members[member].sessions.linked().collect()
    }

    pub fn whisper(&mut self, from: usize, to: usize, text: &str) {
        let to = self.members[to].node;
        self.members[from].sessions.send(to, whisper(text)).unwrap();
    }

    pub fn heard(&self, member: usize) -> Vec<String> {
        let text = |event: &SessionEvent| match event {
            SessionEvent::Frame { payload: Payload::Whisper(whisper), .. } => {
                Some(String::from_utf8(whisper.body.to_vec()).unwrap())
            }
            _ => None,
        };
        self.members[member].events.iter().filter_map(text).collect()
    }

    pub fn refused(&self, member: usize) -> Vec<RefusalReason> {
        let reason = |event: &SessionEvent| match event {
            SessionEvent::Refused { reason, .. } => Some(*reason),
            _ => None,
        };
        self.members[member].events.iter().filter_map(reason).collect()
    }

    pub fn unlinked(&self, member: usize) -> Vec<UnlinkReason> {
        let reason = |event: &SessionEvent| match event {
            SessionEvent::Unlinked { reason, .. } => Some(*reason),
            _ => None,
        };
        self.members[member].events.iter().filter_map(reason).collect()
    }
}

pub fn whisper(text: &str) -> Payload {
    Payload::Whisper(Whisper { kind: 1, sequence: 0, body: Bytes::copy_from_slice(text.as_bytes()) })
}
