//! What the fuzzer starts from: real encodings.

use super::states::Step;
use bevy_quorum::{
    raft::{
        Ballot, Command, Digest, Entry, Holdup, LogIndex, LogPosition, LogTime, Marked, Message, MessageBody, Moment,
        NodeId, Payload, Serial, Term,
    },
    replicate::decoders::seal,
    wire::{self, Frame, FrameBody, Invitation, SessionTag, encode},
};
use bytes::Bytes;
use std::{fs, path::Path};

const SDP: &str = r#"{"node":9,"life":4,"word":{"Attempt":{"number":1,"signal":{"Offer":"v=0"}}}}"#;
const HERE: &str = r#"{"node":1,"life":4,"word":"Here"}"#;
const REMOTE: &str = "00000000-0000-0000-0000-00000000000a";

/// Writes each input to a file of its own.
pub fn write() {
    put("frames", frames());
    put("values", values());
    put("invitations", invitations());
    put("signals", signals());
    put("states", states());
    put("rooms", [unhex(&golden("snapshot.txt")[0].1)[4..].strip_suffix(b"board").expect("it is a board's").to_vec()]);
}

fn put(name: &str, inputs: impl IntoIterator<Item = Vec<u8>>) {
    let folder = Path::new("fuzz/corpus").join(name);
    fs::create_dir_all(&folder).expect("folders can be made");
    for (number, input) in inputs.into_iter().enumerate() {
        fs::write(folder.join(format!("{number:02}")), input).expect("files can be written");
    }
}

/// The lines of a golden file: a name and what stands behind it.
fn golden(file: &str) -> Vec<(String, String)> {
    let path = Path::new("tests/golden").join(file);
    let text = fs::read_to_string(path).expect("it is there");
    let words = |line: &str| line.split_once(' ').map(|(name, rest)| (name.to_owned(), rest.trim().to_owned()));
    text.lines().map(|line| words(line).unwrap_or((String::new(), line.to_owned()))).collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    let digit = |place: usize| u8::from_str_radix(&hex[place..place + 2], 16).expect("it is hexadecimal");
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn encoded(value: &(impl serde::Serialize + ?Sized)) -> Vec<u8> {
    encode(value).expect("it has an encoding")
}

fn frames() -> Vec<Vec<u8>> {
    let frame = |body| {
        let body = FrameBody::Payload(wire::Payload::Consensus(Message { term: Term(7), body }));
        Frame { tag: SessionTag([8; 8]), body }.encode().expect("it fits").to_vec()
    };
    let golden = golden("frames.txt").into_iter().map(|(_, hex)| unhex(&hex));
    golden.chain(messages().into_iter().map(frame)).collect()
}

fn at(term: u64, index: u64) -> LogPosition {
    LogPosition { term: Term(term), index: LogIndex(index) }
}

/// One message of each kind.
fn messages() -> Vec<MessageBody> {
    let (last, sent, digest) = (at(6, 300), Moment(1 << 40), Digest([9; 32]));
    let entry = |index, payload| Entry { term: Term(6), index: LogIndex(index), time: LogTime(70_000), payload };
    let command = Command { author: NodeId(5), serial: Serial(251), body: Bytes::from_static(b"draw") };
    let entries = vec![entry(301, Payload::Empty), entry(302, Payload::Command(command)), entry(303, Payload::Mark)];
    let (index, bytes) = (LogIndex(301), Bytes::from_static(b"part"));
    let (commands, holdup) = (vec![(Serial(8), bytes.clone()), (Serial(9), Bytes::new())], Some(Holdup::Full));
    let marked = Marked { makes: true, made: Some((index, digest)), wants: Some(index) };
    let entries = || entries.clone().into();
    vec![
        MessageBody::PreVote { last },
        MessageBody::PreVoteReply { asked: Term(8), granted: false, ahead: Some(last) },
        MessageBody::Vote { last, transfer: true },
        MessageBody::VoteReply { granted: true },
        MessageBody::Append { previous: last, entries: entries(), commit: index, durable: index, sent },
        MessageBody::Appended { matched: index },
        MessageBody::Mismatch { hint: last, sent },
        MessageBody::News { commit: last, durable: index },
        MessageBody::Heartbeat { commit: last, round: 3, patience_ms: 400, sent },
        MessageBody::HeartbeatReply { priority: 100, round: 3, sent, marked },
        MessageBody::Borrow { last },
        MessageBody::Lend { previous: last, entries: entries(), last: at(6, 303), commit: index },
        MessageBody::Outdated,
        MessageBody::Forward { session: LogIndex(2), after: Serial(7), commands, sent },
        MessageBody::Forwarded { appended: Serial(9), gap: true, holdup, sent },
        MessageBody::Forgotten { session: LogIndex(2) },
        MessageBody::ReadIndex { question: 5 },
        MessageBody::ReadIndexReply { question: 5, index },
        MessageBody::TimeoutNow { last },
        MessageBody::Retire,
        MessageBody::Snapshot { mark: last, digest, total: 900, offset: 300, bytes, sent },
        MessageBody::SnapshotReceived { mark: index, received: 300, missing: vec![300..400, 500..900], sent },
    ]
}

fn links() -> Vec<String> {
    golden("invitation.txt").into_iter().filter(|(_, link)| link.contains('#')).map(|(_, link)| link).collect()
}

fn invitations() -> Vec<Vec<u8>> {
    let invitation = |link: &String| encoded(&link.parse::<Invitation>().expect("it is one"));
    links().iter().map(invitation).chain(links().into_iter().map(String::into_bytes)).collect()
}

/// Each behind the number of its kind.
fn values() -> Vec<Vec<u8>> {
    let entries = golden("entries.txt").into_iter().map(|(_, hex)| [vec![0], unhex(&hex)].concat());
    let others = [
        [vec![1], invitations().swap_remove(0)].concat(),
        [vec![2], encoded(&Ballot { term: Term(300), vote: Some(NodeId(1 << 60)) })].concat(),
        [vec![3], encoded(&at(3, 70_000))].concat(),
        [vec![4], encoded(&Some(LogIndex(251)))].concat(),
        [vec![5], encoded(&Some(Bytes::from_static(b"room")))].concat(),
        [vec![6], encoded(&(Serial(9), 2_u16, [7_u8; 32]))].concat(),
    ];
    entries.chain(others).collect()
}

fn signals() -> Vec<Vec<u8>> {
    let offer = format!(r#"{{"Signal":{{"sender":"{REMOTE}","data":{SDP}}}}}"#);
    let candidate = offer.replace("Offer", "IceCandidate");
    let comes = format!(r#"{{"NewPeer":"{REMOTE}"}}"#);
    let goes = format!(r#"{{"PeerLeft":"{REMOTE}"}}"#);
    let here = offer.replace(SDP, HERE);
    let called = ["wait", &offer, "wait", &offer.replace(":1", ":2"), &candidate, "broken"].join("\n");
    let calls =
        [&comes, &here, "wake", "connected", "broken", "wake", &here.replace(":4", ":5"), "wake", &goes].join("\n");
    [called, calls, SDP.to_owned()].map(String::into_bytes).into()
}

fn states() -> Vec<Vec<u8>> {
    let next = Some(Box::new(Step { places: vec![(-1, 2)], name: "b".into(), next: None }));
    let step = Step { places: vec![(1, 2), (-70_000, 255)], name: "a".into(), next };
    vec![unhex(&golden("game_state.txt")[0].1), seal(&step).expect("it has an encoding").to_vec()]
}
