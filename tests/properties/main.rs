//! What holds for any bytes that a peer, a server, a person or a disk may hand in: the properties that `fuzz/` tries with
//! a fuzzer, here on stable.
//!
//! Those of the core are in `properties_raft`; see `fuzz/README.md`.
#![cfg(all(feature = "playtest", feature = "webrtc"))]

mod frames;
mod introductions;
mod invitations;
mod memory;
mod seeds;
mod signals;
mod states;
#[path = "../properties_raft/trial.rs"]
mod trial;
mod values;

use trial::hold;

#[test]
fn a_frame_is_read_as_it_was_written_or_not_at_all() {
    hold("frames", frames::are_read_as_written);
}

#[test]
fn a_stored_value_has_one_spelling() {
    hold("values", values::have_one_spelling);
}

#[test]
fn an_invitation_leads_where_its_link_leads() {
    hold("invitations", invitations::lead_where_their_links_lead);
}

#[test]
fn who_is_introduced_is_who_it_says() {
    hold("introductions", introductions::link_only_who_proves_it);
}

#[test]
fn a_rendezvous_bears_whatever_a_server_says() {
    hold("signals", signals::are_borne);
}

#[test]
fn a_games_state_has_one_spelling() {
    hold("states", states::have_one_spelling);
}

#[test]
#[ignore = "writes what the fuzzer starts from"]
fn seeds_are_written() {
    seeds::write();
}
