#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bevy_quorum_fuzz::frames::are_read_as_written(bytes));
