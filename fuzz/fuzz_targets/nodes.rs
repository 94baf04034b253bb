#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bevy_quorum_fuzz::nodes::bears_whatever_peers_say(bytes));
