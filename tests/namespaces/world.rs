//! A network of networks: one switch, to which every process is cabled from a network of its own, and where frames
//! are lost.

use std::{
    collections::BTreeSet,
    env,
    io::Write,
    process::{Command, Output, Stdio},
};

/// Who is cabled to the switch: a peer, or the signaling server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    Rendezvous,
    Peer(usize),
}

impl Place {
    /// The name of its network, and of its cable at the switch.
    pub fn name(self) -> String {
        match self {
            Self::Rendezvous => "rendezvous".into(),
            Self::Peer(number) => format!("peer{number}"),
        }
    }

    /// Its address; of the range for tests of networks (RFC 2544).
    pub fn address(self) -> String {
        match self {
            Self::Rendezvous => "198.18.0.1".into(),
            Self::Peer(number) => format!("198.18.0.{}", 10 + number),
        }
    }
}

/// The frames that the switch loses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// All from the first to the second.
    pub cut: BTreeSet<(Place, Place)>,
    /// So many in a hundred, of everybody's.
    pub percent: u32,
}

/// Lays the cables between these places.
pub fn lay_cables(places: &[Place]) {
    // The names of networks are files: in a folder that only this world sees.
    succeed(Command::new("mount").args(["-t", "tmpfs", "world", "/run"]).output().unwrap());
    feed("ip", &["-batch", "-"], "link add switch type bridge\nlink set switch up\n");
    for place in places {
        let (name, address) = (place.name(), place.address());
        let switch = format!(
            "netns add {name}\n\
             link add {name} type veth peer name cable netns {name}\n\
             link set {name} master switch up\n"
        );
        feed("ip", &["-batch", "-"], &switch);
        // Without a way for multicast, no WebRTC agent starts; the cable leads to the switch and no further.
        let network = format!(
            "link set lo up\n\
             address add {address}/24 dev cable\n\
             link set cable up\n\
             route add default dev cable\n"
        );
        feed("ip", &["-n", &name, "-batch", "-"], &network);
    }
}

/// From now on, the switch loses these frames and no others.
pub fn lose(losses: &Losses) {
    let mut rules = String::new();
    for (from, to) in &losses.cut {
        rules += &format!("iifname {} oifname {} drop\n", from.name(), to.name());
    }
    if losses.percent > 0 {
        rules += &format!("numgen random mod 100 < {} drop\n", losses.percent);
    }
    // One transaction: no frame passes between the old rules and the new.
    let table = format!(
        "table bridge faults\ndelete table bridge faults\n\
         table bridge faults {{\nchain forward {{\ntype filter hook forward priority 0\n{rules}}}\n}}\n"
    );
    feed("nft", &["-f", "-"], &table);
}

/// This program again, in the network of `place`.
pub fn program_in(place: Place) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &place.name()]).arg(env::current_exe().unwrap());
    command
}

/// Runs a tool on what it reads from standard input.
fn feed(program: &str, arguments: &[&str], input: &str) {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} of {input}: {}", String::from_utf8_lossy(&output.stderr));
}

fn succeed(output: Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
