//! What travels on a lane reads the same for ever: a changed vector means a new protocol version.
#![allow(clippy::unwrap_used)]

use bevy_quorum::{
    raft::NodeId,
    wire::{
        ByeReason, ClusterId, Frame, FrameBody, FrameError, Hello, PROTOCOL_VERSION, PassedSignal, Payload, Plane,
        Proof, SessionTag, Whisper,
    },
};
use bytes::Bytes;

fn frames() -> Vec<(&'static str, Frame)> {
    let hello = Hello {
        cluster: Hello::cluster_hash(ClusterId([1; 16])),
        node: NodeId(0x0123_4567_89ab_cdef),
        key: [2; 32],
        nonce: [3; 16],
        plane: Plane::Bulk,
    };
    let viewer = Proof { signature: [[4; 32], [5; 32]], viewer: [6; 32], editor: None };
    let editor = Proof { editor: Some([7; 32]), ..viewer.clone() };
    let whisper = Whisper { kind: u64::MAX, sequence: 70_000, body: Bytes::from_static(b"here") };
    let (from, to) = (NodeId(1), NodeId(2));
    let signal = PassedSignal { from, to, plane: Plane::Bulk, sealed: "sealed".into() };
    let (none, tag) = (SessionTag::NONE, SessionTag([8; 8]));
    let frame = |tag, body| Frame { tag, body };
    vec![
        ("hello", frame(none, FrameBody::Hello(hello))),
        ("proof-viewer", frame(none, FrameBody::Proof(viewer))),
        ("proof-editor", frame(none, FrameBody::Proof(editor))),
        ("bye-leaving", frame(tag, FrameBody::Bye(ByeReason::Leaving))),
        ("bye-version", frame(none, FrameBody::Bye(ByeReason::Version(1)))),
        ("bye-cluster", frame(none, FrameBody::Bye(ByeReason::Cluster))),
        ("bye-unproven", frame(none, FrameBody::Bye(ByeReason::Unproven))),
        ("bye-malformed", frame(tag, FrameBody::Bye(ByeReason::Malformed))),
        ("bye-full", frame(none, FrameBody::Bye(ByeReason::Full))),
        ("bye-superseded", frame(tag, FrameBody::Bye(ByeReason::Superseded))),
        ("ping", frame(tag, FrameBody::Ping(1_000_000_000))),
        ("pong", frame(tag, FrameBody::Pong(1_000_000_000))),
        ("neighbours", frame(tag, FrameBody::Neighbours(vec![NodeId(1), NodeId(u64::MAX)]))),
        ("signal", frame(tag, FrameBody::Signal(signal))),
        ("whisper", frame(tag, FrameBody::Payload(Payload::Whisper(whisper)))),
    ]
}

#[test]
fn frames_are_encoded_as_agreed() {
    let hex = |bytes: Bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let encoded: Vec<_> =
        frames().iter().map(|(name, frame)| format!("{name} {}", hex(frame.encode().unwrap()))).collect();
    assert_eq!(encoded.join("\n"), include_str!("golden/frames.txt").trim());
}

#[test]
fn encoded_frames_come_back() {
    for (name, frame) in frames() {
        assert_eq!(Frame::decode(&frame.encode().unwrap(), 1_100).as_ref(), Ok(&frame), "{name}");
    }
}

#[test]
fn every_cut_and_every_extra_byte_is_refused() {
    for (name, frame) in frames() {
        let mut bytes = frame.encode().unwrap().to_vec();
        for end in 0..bytes.len() {
            assert!(Frame::decode(&bytes[..end], 1_100).is_err(), "{name} cut at {end}");
        }
        bytes.push(0);
        assert!(matches!(Frame::decode(&bytes, 1_100), Err(FrameError::Body(_))), "{name} with a byte behind");
    }
}

#[test]
fn arbitrary_bytes_never_panic() {
    arbtest::arbtest(|u| {
        let mut bytes: Vec<u8> = u.arbitrary()?;
        let _ = Frame::decode(&bytes, 1_100);
        bytes.splice(0..0, PROTOCOL_VERSION.to_le_bytes());
        let _ = Frame::decode(&bytes, 1_100);
        Ok(())
    })
    .budget_ms(200);
}
