//! What a signaling server says.

use super::memory::within_bounds;
use bevy_quorum::{
    link::matchbox::decoders::{REMOTES_MAX, Rendezvous, signal},
    raft::Moment,
};
use std::time::Duration;

/// Lines are what the server says, one after the other, and what happens in between: none of it does harm, only so many
/// peers are known, and a signal means the same once it was passed on.
pub fn are_borne(bytes: &[u8]) {
    let (mut rendezvous, mut now) = (Rendezvous::default(), Moment::ZERO);
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(text) = std::str::from_utf8(line) else { continue };
        now = now + Duration::from_millis(700);
        match text {
            "wait" => now = now + Duration::from_secs(60),
            "wake" => rendezvous.wake(rendezvous.deadline().unwrap_or(now).max(now)),
            "connected" | "broken" => rendezvous.connect(now, text == "broken"),
            _ => drop(within_bounds(line, |_| rendezvous.hear(now, text))),
        }
        assert!(rendezvous.known() <= REMOTES_MAX);
        if let Some(passed_on) = within_bounds(line, |_| signal(text)) {
            assert_eq!(signal(&passed_on).as_ref(), Some(&passed_on));
        }
    }
}
