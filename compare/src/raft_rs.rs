//! raft-rs 0.7 over its own `MemStorage`.

use crate::{machine::Machine, stepped::Participant};
use protobuf::Message as _;
use raft::{
    Config, RawNode, StateRole,
    eraftpb::{Entry, Message},
    storage::MemStorage,
};
use std::time::Duration;

/// The time of one tick: two of them are a heartbeat, twenty the shortest patience with a leader.
const TICK: Duration = Duration::from_millis(50);
/// The most bytes in one message; the default, 0, would mean one entry in each.
const APPEND_BYTES_MAX: u64 = 1 << 20;

/// Where its users choose.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Adds what is proposed to an append that waits to be sent.
    batch_append: bool,
    /// Tells followers what is committed with the next append only.
    skip_bcast_commit: bool,
}

pub struct RaftRs {
    node: RawNode<MemStorage>,
    ticked: Duration,
    machine: Machine,
    /// The term of what was applied last: the first entry of each term is its leader's own.
    term: u64,
}

impl RaftRs {
    fn apply(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            if std::mem::replace(&mut self.term, entry.term) == entry.term {
                self.machine.apply(&entry.data);
            }
        }
    }

    fn advance(&mut self, sent: &mut Vec<(usize, Message)>) {
        let mut ready = self.node.ready();
        send(ready.take_messages(), sent);
        self.apply(ready.take_committed_entries());
        {
            let mut store = self.node.store().wl();
            store.append(ready.entries()).expect("entries follow one another");
            if let Some(state) = ready.hs() {
                store.set_hardstate(state.clone());
            }
        }
        send(ready.take_persisted_messages(), sent);
        let mut light = self.node.advance(ready);
        if let Some(commit) = light.commit_index() {
            self.node.store().wl().mut_hard_state().set_commit(commit);
        }
        send(light.take_messages(), sent);
        self.apply(light.take_committed_entries());
        self.node.advance_apply();
    }
}

impl Participant for RaftRs {
    const NAME: &'static str = "raft-rs";
    const SETTINGS: &'static [Settings] = &[
        Settings { batch_append: false, skip_bcast_commit: false },
        Settings { batch_append: false, skip_bcast_commit: true },
        Settings { batch_append: true, skip_bcast_commit: false },
        Settings { batch_append: true, skip_bcast_commit: true },
    ];
    type Settings = Settings;
    type Message = Message;

    fn group(nodes: usize, settings: Settings) -> Vec<Self> {
        let voters: Vec<u64> = (1..=nodes as u64).collect();
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let node = |id: &u64| {
            let config = Config {
                id: *id,
                election_tick: 20,
                heartbeat_tick: 2,
                max_size_per_msg: APPEND_BYTES_MAX,
                max_inflight_msgs: 256,
                check_quorum: true,
                pre_vote: true,
                batch_append: settings.batch_append,
                skip_bcast_commit: settings.skip_bcast_commit,
                ..Config::default()
            };
            let store = MemStorage::new_with_conf_state((voters.clone(), vec![]));
            let node = RawNode::new(&config, store, &logger).expect("the settings are sound");
            Self { node, ticked: Duration::ZERO, machine: Machine::default(), term: 0 }
        };
        voters.iter().map(node).collect()
    }

    fn pass_time(&mut self, now: Duration) {
        while now >= self.ticked + TICK {
            self.ticked += TICK;
            self.node.tick();
        }
    }

    fn receive(&mut self, _from: usize, message: Message) {
        // Some answers of late come to nothing; it says so by an error.
        let _ = self.node.step(message);
    }

    fn propose(&mut self, body: Vec<u8>) {
        self.node.propose(vec![], body).expect("a leader takes proposals");
    }

    fn work(&mut self, sent: &mut Vec<(usize, Message)>) {
        while self.node.has_ready() {
            self.advance(sent);
        }
    }

    fn leads(&self) -> bool {
        self.node.raft.state == StateRole::Leader
    }

    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn encode(message: Message) -> Vec<u8> {
        message.write_to_bytes().expect("a message can be encoded")
    }

    fn decode(bytes: &[u8]) -> Message {
        Message::parse_from_bytes(bytes).expect("just encoded")
    }
}

fn send(messages: Vec<Message>, sent: &mut Vec<(usize, Message)>) {
    sent.extend(messages.into_iter().map(|message| (usize::try_from(message.to - 1).expect("a place"), message)));
}
