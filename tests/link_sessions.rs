//! Sessions over in-process links: who gets in, who doesn't, and what bad frames do.
#![cfg(feature = "playtest")]
#![allow(clippy::unwrap_used)]

mod meeting;

use bevy_quorum::{
    link::{
        ABANDONED_AFTER, Credentials, DATAGRAM_BYTES_MAX, FRAME_BYTES_MAX, HANDSHAKE_TIMEOUT, Lane, Link, LinkEvent,
        LinkId, Plane, RefusalKind, RefusalReason, SILENCE_MAX, SessionEvent, Sessions, UNPROVEN_BYTES_MAX,
        UnlinkReason,
        in_process::{Conditions, Endpoint, Network},
    },
    raft::{Moment, NodeId, Permission},
    wire::{ClusterId, Frame, FrameBody, FrameError, Hello, PROTOCOL_VERSION, PassedSignal, Secret, SessionTag},
};
use bytes::Bytes;
use meeting::{Meeting, Member, ROOM, changed, credentials, invitation, invited, whisper};
use std::time::Duration;

/// A peer whose frames the test writes by hand.
struct Stranger {
    endpoint: Endpoint,
    credentials: Credentials,
}

impl Stranger {
    fn new(meeting: &Meeting) -> Self {
        Self { endpoint: meeting.network.endpoint(), credentials: credentials(99) }
    }

    fn opened(&mut self, plane: Plane) -> LinkId {
        let opened = |event| match event {
            LinkEvent::Opened { link, plane: of } if of == plane => Some(link),
            _ => None,
        };
        std::iter::from_fn(|| self.endpoint.poll()).find_map(opened).unwrap()
    }

    fn hello(&self, plane: Plane) -> Hello {
        Hello {
            cluster: Hello::cluster_hash(ROOM),
            node: self.credentials.node(),
            key: self.credentials.key(),
            nonce: [5; 16],
            plane,
        }
    }

    fn say(&mut self, link: LinkId, hello: Hello) {
        let frame = Frame { tag: SessionTag::NONE, body: FrameBody::Hello(hello) };
        self.endpoint.send(link, Lane::Reliable, frame.encode().unwrap());
    }
}

const SHORTLY: Duration = Duration::from_millis(20);

#[test]
fn members_of_a_room_are_linked_on_both_planes() {
    let mut meeting = Meeting::of(&[1, 2, 3]);
    for member in 0..3 {
        assert_eq!(meeting.linked(member).len(), 2);
        assert!(meeting.refused(member).is_empty());
    }
    meeting.whisper(0, 1, "hi");
    meeting.pass(SHORTLY);
    assert_eq!(meeting.heard(1), ["hi"]);
    assert!(meeting.heard(2).is_empty());
}

#[test]
fn a_link_is_proven_under_loss_delay_and_duplication() {
    let mut meeting = Meeting { network: Network::new(3), now: Moment::ZERO, members: Vec::new() };
    meeting.network.condition_all(Conditions {
        delay: Duration::from_millis(75),
        jitter: Duration::from_millis(50),
        loss_permille: 200,
        duplication_permille: 200,
    });
    for name in 1..=4 {
        meeting.join(credentials(name));
    }
    meeting.pass(Duration::from_secs(10));
    for member in 0..4 {
        assert_eq!(meeting.linked(member).len(), 3);
        assert!(meeting.refused(member).is_empty(), "{:?}", meeting.refused(member));
    }
    let stats = meeting.members[0].sessions.stats(meeting.members[1].node).unwrap();
    let round_trip = stats.round_trip.unwrap();
    assert!(round_trip >= Duration::from_millis(150) && round_trip <= Duration::from_millis(260), "{round_trip:?}");
}

#[test]
fn an_invitation_to_view_proves_no_more_than_that() {
    let mut meeting = Meeting::of(&[1]);
    let viewing = invitation().with_permission(Permission::Viewer).unwrap();
    let viewer = meeting.join(invited(7, &viewing));
    meeting.pass(SHORTLY);
    let node = meeting.members[viewer].node;
    let proven = meeting.members[0].events.iter().find_map(|event| match event {
        SessionEvent::Linked { node: of, permission, .. } if *of == node => Some(*permission),
        _ => None,
    });
    assert_eq!(proven, Some(Permission::Viewer));
    // One who takes the viewers' secret for the editors' proves nothing at all.
    meeting.join(invited(8, &changed(invitation(), ROOM, viewing.secret)));
    meeting.pass(SHORTLY);
    assert_eq!(meeting.linked(0), [node]);
    assert!(meeting.refused(0).contains(&RefusalReason::Unproven));
}

#[test]
fn another_version_is_refused_by_naming_both() {
    let mut meeting = Meeting::of(&[1, 2]);
    let mut stranger = Stranger::new(&meeting);
    meeting.pass(SHORTLY);
    let link = stranger.opened(Plane::Consensus);
    let frame = Frame { tag: SessionTag::NONE, body: FrameBody::Hello(stranger.hello(Plane::Consensus)) };
    let mut bytes = frame.encode().unwrap().to_vec();
    bytes[..2].copy_from_slice(&9_u16.to_le_bytes());
    stranger.endpoint.send(link, Lane::Reliable, bytes.into());
    meeting.pass(SHORTLY);
    let refused = meeting.refused(0);
    assert_eq!(refused, [RefusalReason::Frame(FrameError::Version { ours: PROTOCOL_VERSION, theirs: 9 })]);
    let words = format!("the peer speaks protocol version 9, this is version {PROTOCOL_VERSION}");
    assert_eq!(refused[0].to_string(), words);
    assert_eq!(meeting.linked(0), [meeting.members[1].node]);
}

#[test]
fn another_room_is_refused_on_both_sides() {
    let mut meeting = Meeting::of(&[1]);
    let other = meeting.join(invited(2, &changed(invitation(), ClusterId([9; 16]), invitation().secret)));
    meeting.pass(SHORTLY);
    assert!(meeting.linked(0).is_empty() && meeting.linked(other).is_empty());
    assert!(meeting.members[0].sessions.refusals().of(RefusalKind::Foreign) > 0);
    assert!(!meeting.refused(other).is_empty());
}

#[test]
fn a_wrong_secret_is_refused() {
    let mut meeting = Meeting::of(&[1]);
    meeting.join(invited(2, &changed(invitation(), ROOM, Secret::from_bytes([77; 32]))));
    meeting.pass(SHORTLY);
    assert!(meeting.linked(0).is_empty());
    assert!(meeting.refused(0).contains(&RefusalReason::Unproven));
}

#[test]
fn hellos_that_lie_are_refused() {
    type Lie = fn(&mut Hello, &Meeting);
    let lies: [(Lie, RefusalReason); 4] = [
        (|hello, _| hello.node = NodeId(4), RefusalReason::ForgedId),
        (|hello, _| hello.plane = Plane::Bulk, RefusalReason::WrongPlane),
        (|hello, _| hello.cluster = [0; 16], RefusalReason::OtherCluster),
        (
            |hello, meeting| {
                hello.node = meeting.members[0].node;
                hello.key = credentials(1).key();
            },
            RefusalReason::OwnId,
        ),
    ];
    for (lie, reason) in lies {
        let mut meeting = Meeting::of(&[1]);
        let mut stranger = Stranger::new(&meeting);
        meeting.pass(SHORTLY);
        let link = stranger.opened(Plane::Consensus);
        let mut hello = stranger.hello(Plane::Consensus);
        lie(&mut hello, &meeting);
        stranger.say(link, hello);
        meeting.pass(SHORTLY);
        assert_eq!(meeting.refused(0), [reason]);
    }
}

#[test]
fn a_recorded_introduction_opens_nothing() {
    let mut meeting = Meeting::of(&[1]);
    let mut stranger = Stranger::new(&meeting);
    meeting.pass(SHORTLY);
    let link = stranger.opened(Plane::Consensus);
    // An honest node introduces itself to the stranger, who repeats its words to another member.
    let mut honest = Sessions::new(Box::new(meeting.network.endpoint()), credentials(3), [3; 32]);
    meeting.pass(SHORTLY);
    while honest.poll(meeting.now).is_some() {}
    meeting.pass(SHORTLY);
    let words: Vec<Bytes> = std::iter::from_fn(|| stranger.endpoint.poll())
        .filter_map(|event| match event {
            LinkEvent::Received { frame, lane: Lane::Reliable, .. } => Some(frame),
            _ => None,
        })
        .collect();
    assert!(!words.is_empty());
    for word in words {
        stranger.endpoint.send(link, Lane::Reliable, word);
    }
    meeting.pass(SHORTLY);
    assert!(!meeting.refused(0).is_empty());
}

#[test]
fn a_silent_stranger_is_given_up() {
    let mut meeting = Meeting::of(&[1]);
    let _stranger = Stranger::new(&meeting);
    meeting.pass(HANDSHAKE_TIMEOUT + Duration::from_secs(1));
    assert!(meeting.refused(0).contains(&RefusalReason::TimedOut));
}

#[test]
fn a_stranger_may_not_talk_much() {
    let mut meeting = Meeting::of(&[1, 2]);
    let mut stranger = Stranger::new(&meeting);
    meeting.pass(SHORTLY);
    let link = stranger.opened(Plane::Consensus);
    let filler = Frame { tag: SessionTag([1; 8]), body: FrameBody::Ping(0) }.encode().unwrap();
    for _ in 0..=UNPROVEN_BYTES_MAX / filler.len() {
        stranger.endpoint.send(link, Lane::Unreliable, filler.clone());
    }
    meeting.pass(Duration::from_secs(1));
    assert_eq!(meeting.refused(0).last(), Some(&RefusalReason::TooMuchUnproven));
    assert_eq!(meeting.linked(0), [meeting.members[1].node]);
}

/// Lets the test read and change what one member sends.
struct Tampering {
    endpoint: Endpoint,
    tamper: std::sync::Arc<std::sync::Mutex<Vec<(Lane, Bytes)>>>,
    opened: std::collections::BTreeMap<LinkId, Plane>,
}

impl Link for Tampering {
    fn poll(&mut self) -> Option<LinkEvent> {
        let event = self.endpoint.poll();
        if let Some(LinkEvent::Opened { link, plane }) = event {
            self.opened.insert(link, plane);
        }
        event
    }

    fn send(&mut self, link: LinkId, lane: Lane, frame: Bytes) {
        self.endpoint.send(link, lane, frame);
        // Whatever the test queued goes out behind the next frame.
        for (lane, frame) in self.tamper.lock().unwrap().drain(..) {
            let links = self.opened.iter().filter(|(_, plane)| **plane == lane.plane());
            for (link, _) in links {
                self.endpoint.send(*link, lane, frame.clone());
            }
        }
    }

    fn close(&mut self, link: LinkId) {
        self.opened.remove(&link);
        self.endpoint.close(link);
    }

    fn wake(&mut self, waker: std::task::Waker) {
        self.endpoint.wake(waker);
    }
}

/// A proven peer sends `bytes(tag)` on `lane`; returns what its partner, and a bystander, make of it.
fn bad_frame(lane: Lane, bytes: fn(SessionTag) -> Vec<u8>) -> Meeting {
    let mut meeting = Meeting::of(&[1, 2]);
    let tamper = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let endpoint = meeting.network.endpoint();
    let (address, credentials) = (endpoint.address(), credentials(3));
    let node = credentials.node();
    let link = Tampering { endpoint, tamper: tamper.clone(), opened: Default::default() };
    let sessions = Sessions::new(Box::new(link), credentials, [3; 32]);
    meeting.members.push(Member { address, node, sessions, events: Vec::new() });
    meeting.pass(Duration::from_secs(1));
    assert_eq!(meeting.linked(0).len(), 2);
    let tag = tag_of(&meeting, lane.plane());
    tamper.lock().unwrap().push((lane, bytes(tag).into()));
    meeting.pass(Duration::from_secs(3));
    meeting
}

/// The tag between members 0 and 2, as a member computes it from what both said: from its seed.
fn tag_of(meeting: &Meeting, plane: Plane) -> SessionTag {
    let member = &meeting.members[0];
    member.sessions.tag(meeting.members[2].node, plane).unwrap()
}

/// A signal to the second member in somebody's name. Who hears it, in this network, connects to the first member.
fn signal(tag: SessionTag, from: NodeId) -> Vec<u8> {
    let signal = PassedSignal { from, to: credentials(2).node(), plane: Plane::Consensus, sealed: "0".into() };
    Frame { tag, body: FrameBody::Signal(signal) }.encode().unwrap().to_vec()
}

#[test]
fn a_signal_is_passed_on_for_its_sender_alone() {
    let times_linked = |meeting: Meeting| {
        let first = meeting.members[0].node;
        let linked = |event: &&SessionEvent| matches!(event, SessionEvent::Linked { node, .. } if *node == first);
        meeting.members[1].events.iter().filter(linked).count()
    };
    assert_eq!(times_linked(bad_frame(Lane::Reliable, |tag| signal(tag, NodeId(77)))), 1);
    assert_eq!(times_linked(bad_frame(Lane::Reliable, |tag| signal(tag, credentials(3).node()))), 2);
}

/// What every frame begins with.
const VERSION: [u8; 2] = PROTOCOL_VERSION.to_le_bytes();

#[test]
fn malformed_frames_on_every_lane_drop_the_link_that_sent_them_and_no_other() {
    for lane in [Lane::Unreliable, Lane::Reliable, Lane::BulkUnreliable, Lane::BulkReliable] {
        let bad: [fn(SessionTag) -> Vec<u8>; 4] = [
            |_| vec![VERSION[0]],
            |_| [&VERSION[..], &[3, 4]].concat(),
            |tag| [&VERSION[..], &tag.0, &[250, 250, 250]].concat(),
            |tag| {
                let ping = Frame { tag, body: FrameBody::Ping(1) }.encode().unwrap();
                [&ping[..], b"behind"].concat()
            },
        ];
        for bytes in bad {
            let meeting = bad_frame(lane, bytes);
            let others = [meeting.members[1].node];
            // Frames that don't even hold a tag go to both members, those with a tag are for one.
            assert!(meeting.members[0].sessions.refusals().of(RefusalKind::Malformed) == 1, "{lane:?}");
            assert!(!meeting.refused(0).is_empty());
            if lane.plane() == Plane::Consensus {
                assert_eq!(meeting.linked(0), others);
                assert_eq!(meeting.unlinked(0), [UnlinkReason::Refused]);
            }
        }
    }
}

#[test]
fn frames_of_another_session_are_refused_and_cost_no_link() {
    for lane in [Lane::Unreliable, Lane::Reliable, Lane::BulkUnreliable, Lane::BulkReliable] {
        let meeting =
            bad_frame(lane, |_| Frame { tag: SessionTag([6; 8]), body: FrameBody::Ping(1) }.encode().unwrap().into());
        assert_eq!(meeting.refused(0), [RefusalReason::OtherSession]);
        assert_eq!(meeting.linked(0).len(), 2);
    }
}

#[test]
fn duplicates_are_harmless() {
    let mut meeting = Meeting::of(&[1, 2]);
    meeting.network.condition_all(Conditions { duplication_permille: 999, ..Conditions::default() });
    meeting.whisper(0, 1, "twice");
    meeting.pass(SHORTLY);
    assert_eq!(meeting.heard(1), ["twice", "twice"]);
    assert!(meeting.refused(1).is_empty());
}

#[test]
fn a_peer_that_leaves_is_unlinked_at_once() {
    let mut meeting = Meeting::of(&[1, 2, 3]);
    meeting.members[1].sessions.leave();
    meeting.pass(SHORTLY);
    assert_eq!(meeting.unlinked(0), [UnlinkReason::Left]);
    assert_eq!(meeting.linked(0), [meeting.members[2].node]);
    assert!(meeting.linked(1).is_empty());
}

#[test]
fn a_peer_that_froze_goes_on_where_it_was() {
    let mut meeting = Meeting::of(&[1, 2]);
    let frozen = meeting.members[1].address;
    meeting.network.partition(&[frozen]);
    meeting.pass(SILENCE_MAX + Duration::from_secs(1));
    assert_eq!(meeting.unlinked(0), [UnlinkReason::Silent]);
    meeting.network.heal();
    meeting.pass(Duration::from_secs(3));
    assert_eq!(meeting.linked(0), [meeting.members[1].node]);
    meeting.whisper(0, 1, "awake");
    meeting.pass(SHORTLY);
    assert_eq!(meeting.heard(1), ["awake"]);
}

#[test]
fn a_peer_that_comes_back_replaces_its_old_connection() {
    let mut meeting = Meeting::of(&[1, 2]);
    let old_tag = meeting.members[0].sessions.tag(meeting.members[1].node, Plane::Consensus).unwrap();
    let address = meeting.members[1].address;
    meeting.network.kill(address);
    meeting.members.remove(1);
    let returned = meeting.join(credentials(2));
    meeting.pass(SHORTLY);
    let node = meeting.members[returned].node;
    assert_eq!(meeting.linked(0), [node]);
    assert_ne!(meeting.members[0].sessions.tag(node, Plane::Consensus), Some(old_tag));
    assert!(meeting.unlinked(0).is_empty());
    meeting.whisper(0, returned, "back?");
    meeting.whisper(returned, 0, "back");
    meeting.pass(Duration::from_secs(40));
    assert_eq!((meeting.heard(0), meeting.heard(returned)), (vec!["back".into()], vec!["back?".into()]));
    assert_eq!(meeting.linked(0), [node]);
    assert!(meeting.unlinked(0).is_empty());
}

#[test]
fn after_leaving_nobody_is_met() {
    let mut meeting = Meeting::of(&[1, 2]);
    meeting.members[0].sessions.leave();
    meeting.join(credentials(3));
    meeting.pass(Duration::from_secs(1));
    assert!(meeting.linked(0).is_empty());
    assert_eq!(meeting.linked(1), [meeting.members[2].node]);
}

#[test]
fn a_connection_that_stays_silent_is_made_again() {
    let mut meeting = Meeting::of(&[1, 2]);
    let tag = meeting.members[0].sessions.tag(meeting.members[1].node, Plane::Consensus);
    let silent = meeting.members[1].address;
    meeting.network.partition(&[silent]);
    meeting.pass(ABANDONED_AFTER + Duration::from_secs(5));
    assert_eq!(meeting.unlinked(0), [UnlinkReason::Silent]);
    assert!(meeting.linked(0).is_empty());
    meeting.network.heal();
    meeting.pass(Duration::from_secs(20));
    assert_eq!(meeting.linked(0), [meeting.members[1].node]);
    assert_ne!(meeting.members[0].sessions.tag(meeting.members[1].node, Plane::Consensus), tag);
    meeting.whisper(0, 1, "again");
    meeting.whisper(1, 0, "and again");
    meeting.pass(SHORTLY);
    assert_eq!((meeting.heard(0), meeting.heard(1)), (vec!["and again".into()], vec!["again".into()]));
}

#[test]
fn what_fits_no_frame_is_not_sent() {
    let mut meeting = Meeting::of(&[1, 2]);
    let to = meeting.members[1].node;
    assert!(meeting.members[0].sessions.send(to, whisper(&"x".repeat(1_001))).is_err());
    assert!(meeting.members[0].sessions.send(NodeId(1), whisper("x")).is_err());
    let largest = Frame { tag: SessionTag([255; 8]), body: FrameBody::Payload(whisper(&"x".repeat(1_000))) };
    assert!(largest.encode().unwrap().len() <= DATAGRAM_BYTES_MAX);
    assert!(Frame::decode(&[0; FRAME_BYTES_MAX + 1], FRAME_BYTES_MAX).is_err());
}
