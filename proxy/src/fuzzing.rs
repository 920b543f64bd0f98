//! The properties that fuzz targets check and tests replay. Compiled for these only.

#![allow(clippy::panic, clippy::indexing_slicing, reason = "a fuzz target reports by panicking")]

use crate::config;
use std::path::Path;

/// Parses any bytes as the start of a connection.
pub fn head(bytes: &[u8]) {
    crate::net::fuzzing::head(bytes);
}

/// Any bytes as a configuration file: a valid one is printed, read again, and is the same.
pub fn config(bytes: &[u8]) {
    let path = Path::new("fuzz.yaml");
    let config = match config::from_bytes(path, bytes) {
        Ok(config) => config,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let print = |config: &config::Config| {
        let printed = config.effective().to_yaml();
        printed.unwrap_or_else(|error| panic!("failed to print the configuration: {error}"))
    };
    let printed = print(&config);
    let again = config::from_bytes(path, printed.as_bytes())
        .unwrap_or_else(|error| panic!("what is printed is refused: {error}\n{printed}"));
    assert_eq!(print(&again), printed, "what is printed means something else");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn replay(name: &str, target: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let mut tried = 0;
        for entry in fs::read_dir(folder).unwrap() {
            target(&fs::read(entry.unwrap().path()).unwrap());
            tried += 1;
        }
        assert!(tried > 0, "the corpus of {name} is empty");
    }

    #[test]
    fn the_corpus_of_heads_holds() {
        replay("head", head);
    }

    #[test]
    fn the_corpus_of_configurations_holds() {
        replay("config", config);
    }
}
