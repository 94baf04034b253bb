//! What lies in stores and logs reads the same for ever: a changed vector means a new version.
#![allow(clippy::unwrap_used)]

use bevy_quorum::{
    raft::{
        Command, Digest, Entry, LogIndex, LogTime, Member, Membership, NodeId, Payload, Permission, Serial, Standing,
        Term,
    },
    storage::Identity,
    wire::{Invitation, decode_canonical, encode, node_id_of},
};
use bytes::Bytes;
use ed25519_dalek::SigningKey;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn entries() -> [(&'static str, Entry); 5] {
    let at = |index, payload| Entry { term: Term(3), index: LogIndex(index), time: LogTime(70_000), payload };
    let command =
        Command { author: NodeId(0x0123_4567_89ab_cdef), serial: Serial(251), body: Bytes::from_static(b"draw") };
    let member = |standing, permission, key| {
        (NodeId(u64::from(key)), Member { standing, permission, key: [key; 32], session: LogIndex(1) })
    };
    let members = [
        member(Standing::Voter, Permission::Owner, 1),
        member(Standing::Voter, Permission::Editor, 2),
        member(Standing::Learner, Permission::Viewer, 3),
    ];
    [
        ("empty", at(1, Payload::Empty)),
        ("command", at(300, Payload::Command(command))),
        ("mark", at(302, Payload::Mark)),
        ("agreed", at(303, Payload::Agreed { mark: LogIndex(302), digest: Digest([9; 32]) })),
        ("membership", at(301, Payload::Membership(Membership { members: members.into() }))),
    ]
}

#[test]
fn entries_are_encoded_as_agreed() {
    let encoded: Vec<_> =
        entries().iter().map(|(name, entry)| format!("{name} {}", hex(&encode(entry).unwrap()))).collect();
    assert_eq!(encoded.join("\n"), include_str!("golden/entries.txt").trim());
}

#[test]
fn encoded_entries_come_back() {
    for (name, entry) in entries() {
        assert_eq!(decode_canonical::<Entry>(&encode(&entry).unwrap(), 1_100).as_ref(), Ok(&entry), "{name}");
    }
}

#[test]
fn node_ids_are_drawn_from_public_keys_as_agreed() {
    let invitation = Invitation::new(["ws://127.0.0.1:3536"], Permission::Editor).unwrap();
    let identity = Identity { key: SigningKey::from_bytes(&[7; 32]), invitation };
    assert_eq!(identity.node(), node_id_of(&identity.public_key()));
    assert_eq!(identity.node().to_string(), include_str!("golden/node_id.txt").trim());
}

#[test]
fn identities_differ_and_keep_their_keys_out_of_logs() {
    let invitation = Invitation::new(["ws://127.0.0.1:3536"], Permission::Editor).unwrap();
    let (one, other) = (Identity::generate(invitation.clone()), Identity::generate(invitation));
    assert_ne!(one.node(), other.node());
    let (shown, key) = (format!("{one:?}"), one.key.to_bytes());
    assert!(!shown.contains(&format!("{key:?}")) && !shown.contains(&hex(&key)), "{shown}");
}
