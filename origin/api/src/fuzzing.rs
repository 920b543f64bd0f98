//! The checks of the fuzz target, which a test replays; in no other build.

#![allow(clippy::panic, reason = "a fuzz target reports by a panic")]

use crate::catalogue::Catalogue;
use crate::key::Dialect;
use crate::percent;
use crate::target::{Target, Uri};

/// Checks any bytes as a request target: the key of a query resolves to the same query, and a
/// fault is proper JSON.
pub fn target(catalogue: &Catalogue, bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let uri = Uri::of(text).to_string();
    assert!(uri.is_ascii(), "{uri} is not ASCII");
    assert_eq!(Uri::of(&uri).to_string(), uri, "the uri of a uri is another");
    text.split('/').for_each(segment);
    let Some(target) = Target::parse(text) else { return };
    let query = match catalogue.resolve(target) {
        Ok(query) => query,
        Err(fault) => {
            assert!([400, 404].contains(&fault.status()), "{fault:?}");
            for dialect in Dialect::ALL {
                let mut bytes = Vec::new();
                fault.render(dialect, "get", Uri::of(text), &mut bytes);
                let body: serde_json::Value = serde_json::from_slice(&bytes)
                    .unwrap_or_else(|error| panic!("no JSON for {text}: {error}"));
                assert_eq!(body["uri"], uri.as_str());
            }
            return;
        }
    };
    let key = query.key();
    let again = Target { dialect: key.dialect(), path: key.path() };
    let again = catalogue
        .resolve(again)
        .unwrap_or_else(|fault| panic!("{} is a key but {fault:?}", key.path()));
    assert_eq!(again.key(), key, "reading a key gives another");
    assert_eq!(again.id, query.id, "{} is another endpoint's", key.path());
    assert_eq!(again.values, query.values, "{} has other values", key.path());
    assert_eq!((again.granularity, again.span), (query.granularity, query.span));
    assert_eq!(again.lookup(), query.lookup(), "another lookup");
}

/// Decoding and encoding a segment loses nothing.
fn segment(raw: &str) {
    let Some(decoded) = percent::decode(raw) else { return };
    let mut wire = String::new();
    percent::encode_into(&mut wire, &decoded);
    assert!(wire.is_ascii() && !wire.contains(['/', '?', '#']), "{wire} is no segment");
    assert_eq!(percent::decode(&wire), Some(decoded), "{raw} is lost on the way");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    #[test]
    fn the_corpus_passes() {
        let catalogue = Catalogue::standard().unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/target");
        let mut tried = 0;
        for entry in fs::read_dir(folder).unwrap() {
            target(&catalogue, &fs::read(entry.unwrap().path()).unwrap());
            tried += 1;
        }
        assert!(tried > 0, "the corpus is empty");
    }
}
