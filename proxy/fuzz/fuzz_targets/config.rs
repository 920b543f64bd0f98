#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| aqs_proxy::fuzzing::config(bytes));
