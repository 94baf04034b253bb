//! What holds for any input of the consensus core: the properties that `fuzz/` tries with a fuzzer, here on stable.
//!
//! Each is a function of bytes, which it takes for choices; see `fuzz/README.md`.
#![cfg(feature = "playtest")]

mod draw;
mod nodes;
mod rooms;
mod schedules;
mod store;
mod trial;

use trial::hold;

#[test]
fn a_node_bears_whatever_peers_say() {
    hold("nodes", nodes::bears_whatever_peers_say);
}

#[test]
fn a_cluster_keeps_its_promises_on_any_schedule() {
    hold("schedules", schedules::keeps_its_promises);
}

#[test]
fn the_room_of_a_snapshot_has_one_spelling() {
    hold("rooms", rooms::has_one_spelling);
}
