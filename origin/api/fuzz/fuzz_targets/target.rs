#![no_main]

use aqs_api::{Catalogue, fuzzing};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::standard().unwrap());

fuzz_target!(|bytes: &[u8]| fuzzing::target(&CATALOGUE, bytes));
