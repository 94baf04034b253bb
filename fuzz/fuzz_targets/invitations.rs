#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bevy_quorum_fuzz::invitations::lead_where_their_links_lead(bytes));
