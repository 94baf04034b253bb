#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bevy_quorum_fuzz::introductions::link_only_who_proves_it(bytes));
