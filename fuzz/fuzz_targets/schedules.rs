#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bevy_quorum_fuzz::schedules::keeps_its_promises(bytes));
