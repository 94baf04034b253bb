//! Two nodes that meet, and somebody between them who loses, doubles, changes and invents frames.

use arbtest::arbitrary::{Result, Unstructured};
use bevy_quorum::{
    link::{Credentials, Lane, Link, LinkEvent, LinkId, Plane, SessionEvent, Sessions, UNPROVEN_LINKS_MAX},
    raft::{Message, MessageBody, Moment, NodeId, Permission, Term},
    wire::{Invitation, Payload},
};
use bytes::Bytes;
use ed25519_dalek::SigningKey;
use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

/// The most things that happen to two nodes.
const STEPS_MAX: usize = 250;
/// The most frames that wait between them.
const FRAMES_MAX: usize = 64;
/// Which of the two was invited to edit; the other may only watch.
const EDITOR: usize = 0;
/// An invitation to edit, the same in each run.
const INVITATION: &[u8] = include_bytes!("../golden/invitation.txt");

/// Nobody is linked but who proved its id; nothing panics, nothing sent is larger than its lane, and no more connections
/// are open than may be.
pub fn link_only_who_proves_it(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    let mut street = Street::new();
    for _ in 0..STEPS_MAX {
        if u.is_empty() || street.step(&mut u).is_err() {
            return;
        }
    }
}

/// What one end of a transport holds.
#[derive(Default)]
struct Ends {
    events: VecDeque<LinkEvent>,
    sent: VecDeque<(LinkId, Lane, Bytes)>,
    open: BTreeSet<LinkId>,
}

#[derive(Clone, Default)]
struct Wire(Arc<Mutex<Ends>>);

impl Wire {
    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link for Wire {
    fn poll(&mut self) -> Option<LinkEvent> {
        self.ends().events.pop_front()
    }

    fn send(&mut self, link: LinkId, lane: Lane, frame: Bytes) {
        assert!(frame.len() <= lane.bytes_max(), "{} bytes on {lane:?}", frame.len());
        let mut ends = self.ends();
        ends.sent.push_back((link, lane, frame));
        if ends.sent.len() > FRAMES_MAX {
            ends.sent.pop_front();
        }
    }

    fn close(&mut self, link: LinkId) {
        self.ends().open.remove(&link);
    }

    fn wake(&mut self, _: Waker) {}
}

struct End {
    wire: Wire,
    sessions: Sessions,
    node: NodeId,
}

impl End {
    fn new(number: u8, invitation: &Invitation) -> Self {
        let credentials = Credentials::new(SigningKey::from_bytes(&[number; 32]), invitation);
        let (wire, node) = (Wire::default(), credentials.node());
        Self { sessions: Sessions::new(Box::new(wire.clone()), credentials, [number; 32]), wire, node }
    }
}

/// Where they meet.
struct Street {
    ends: [End; 2],
    now: Moment,
    links: u64,
}

impl Street {
    fn new() -> Self {
        let text = std::str::from_utf8(INVITATION).expect("it is text");
        let link = text.split_whitespace().nth(1).expect("the first line is `editors LINK`");
        let editors: Invitation = link.parse().expect("it is an invitation");
        let viewers = editors.clone().with_permission(Permission::Viewer).expect("editors may let others watch");
        let mut street = Self { ends: [End::new(1, &editors), End::new(2, &viewers)], now: Moment::ZERO, links: 0 };
        street.connect(Plane::Consensus);
        street
    }

    /// A connection between both, by the same name on both sides.
    fn connect(&mut self, plane: Plane) {
        self.links += 1;
        let link = LinkId(self.links);
        for end in &self.ends {
            let mut ends = end.wire.ends();
            ends.open.insert(link);
            ends.events.push_back(LinkEvent::Opened { link, plane });
        }
    }

    fn step(&mut self, u: &mut Unstructured) -> Result<()> {
        let from = usize::from(u.arbitrary::<bool>()?);
        match u.int_in_range(0..=15)? {
            0..=8 => self.carry(u, from)?,
            9 => self.invent(u, from)?,
            10 => self.connect(if u.ratio(3, 4)? { Plane::Consensus } else { Plane::Bulk }),
            11 => {
                let link = LinkId(u.int_in_range(1..=self.links)?);
                self.ends[from].wire.ends().events.push_back(LinkEvent::Closed(link));
            }
            12 => {
                let message = Message { term: Term(1), body: MessageBody::Retire };
                let to = self.ends[1 - from].node;
                // Whoever isn't linked is told nothing.
                let _ = self.ends[from].sessions.send(to, Payload::Consensus(message));
            }
            13 if u.ratio(1, 8)? => self.ends[from].sessions.leave(),
            _ => {
                self.now = self.now + Duration::from_millis(u.int_in_range(0..=12_000)?);
                self.ends[from].sessions.tick(self.now);
            }
        }
        self.look(from);
        self.look(1 - from);
        Ok(())
    }

    /// A frame that waits goes on: as it is, changed, twice, or not at all.
    fn carry(&mut self, u: &mut Unstructured, from: usize) -> Result<()> {
        let waits = self.ends[from].wire.ends().sent.len();
        if waits == 0 {
            return Ok(());
        }
        let place = if u.ratio(3, 4)? { 0 } else { u.int_in_range(0..=waits - 1)? };
        let fate = u.int_in_range(0..=15)?;
        let taken = match fate {
            0 => self.ends[from].wire.ends().sent.get(place).cloned(),
            _ => self.ends[from].wire.ends().sent.remove(place),
        };
        let Some((link, lane, frame)) = taken else { return Ok(()) };
        let mut frame = frame.to_vec();
        match fate {
            1 => return Ok(()),
            2 => {
                let place = u.int_in_range(0..=frame.len() - 1)?;
                frame[place] ^= 1 << u.int_in_range(0..=7)?;
            }
            3 => frame.truncate(u.int_in_range(0..=frame.len())?),
            _ => {}
        }
        let link = if fate == 4 { LinkId(u.int_in_range(1..=self.links)?) } else { link };
        self.deliver(1 - from, link, lane, frame);
        Ok(())
    }

    /// A frame that nobody sent, or that its receiver did.
    fn invent(&mut self, u: &mut Unstructured, to: usize) -> Result<()> {
        let link = LinkId(u.int_in_range(1..=self.links)?);
        let lane = *u.choose(&[Lane::Unreliable, Lane::Reliable, Lane::BulkUnreliable, Lane::BulkReliable])?;
        let mirrored = self.ends[to].wire.ends().sent.front().map(|(_, _, frame)| frame.to_vec());
        let frame = match mirrored {
            Some(frame) if u.arbitrary()? => frame,
            _ => {
                let count = u.int_in_range(0..=80)?;
                [&[3, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], u.bytes(count)?].concat()
            }
        };
        self.deliver(to, link, lane, frame);
        Ok(())
    }

    fn deliver(&mut self, to: usize, link: LinkId, lane: Lane, frame: Vec<u8>) {
        let mut ends = self.ends[to].wire.ends();
        if ends.open.contains(&link) {
            ends.events.push_back(LinkEvent::Received { link, lane, frame: frame.into() });
        }
    }

    /// Takes in what came, and looks at who is linked.
    fn look(&mut self, at: usize) {
        let (node, other) = (self.ends[at].node, self.ends[1 - at].node);
        let sessions = &mut self.ends[at].sessions;
        while let Some(event) = sessions.poll(self.now) {
            match event {
                SessionEvent::Linked { node, permission, .. } => {
                    assert_eq!(node, other);
                    assert!(at != EDITOR || permission == Permission::Viewer, "a viewer is let in as {permission:?}");
                }
                // What it says is the encrypted channel's to protect.
                SessionEvent::Frame { from, .. } => assert_eq!(from, other),
                _ => {}
            }
        }
        assert!(sessions.linked().all(|linked| linked == other && linked != node));
        let open = self.ends[at].wire.ends().open.len();
        assert!(open <= UNPROVEN_LINKS_MAX + 2 * 4 + 1, "{open} connections are open");
        let _ = self.ends[at].sessions.deadline();
    }
}
