//! Filters: what of the log is written, in `tracing`'s words and without its traps.

use super::fields;
use super::level::LevelError;
use crate::nearest::resembling;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// The levels that a filter may name.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// Beginnings of the targets that lines have here.
const TARGETS: [&str; 7] = [
    "aqs_api",
    "aqs_origin",
    "aqs_proxy",
    "pingora_core",
    fields::ACCESS,
    fields::ADMIN,
    fields::FATAL,
];

/// The part of Cassandra's driver that repeats itself.
const DRIVER: &str = "scylla::cluster::metadata";

/// A filter as `tracing` has it: `debug`, or `aqs_origin=debug,info`.
///
/// Access lines have a switch of their own, and what operators do is told in any case: both pass
/// at any level unless the filter names them. What Cassandra's driver says of connections that
/// fail passes at none: the store says it once, and better.
///
/// # Errors
///
/// If it is none, or has a word alone that is no level: `tracing` would take `verbose` for a
/// target, and let nothing else pass.
pub fn filter(text: &str) -> Result<EnvFilter, LevelError> {
    let mut whole = format!("{}=info,{}=info,{DRIVER}=off", fields::ACCESS, fields::ADMIN);
    for part in parts(text) {
        if is_word(part) && !is_level(part) {
            return Err(LevelError::NoLevel { word: part.to_owned(), hint: hint(part) });
        }
        whole.push(',');
        whole.push_str(part);
    }
    EnvFilter::try_new(whole)
        .map_err(|source| LevelError::Filter { filter: text.to_owned(), source })
}

/// What has to be said about a filter that lets hardly anything of this program pass.
pub fn doubt(text: &str) -> Option<String> {
    let ours = |part: &str| {
        let target = part.split(['=', '[']).next().unwrap_or(part);
        TARGETS.iter().any(|known| known.starts_with(target) || target.starts_with(known))
    };
    let deaf = !parts(text).any(|part| is_level(part) || ours(part));
    deaf.then(|| {
        format!(
            "the filter `{text}` has no level for all that it does not name, and names nothing of \
             aqs: hardly anything will be logged; put a level before it, as info,aqs_origin=debug"
        )
    })
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Whether a part has no target, or is one without a level.
fn is_word(part: &str) -> bool {
    !part.contains(['=', '['])
}

fn is_level(part: &str) -> bool {
    part.parse::<LevelFilter>().is_ok()
}

fn hint(word: &str) -> String {
    match resembling(&word.to_ascii_lowercase(), LEVELS) {
        Some(level) => format!("; the nearest is `{level}`"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_is_refused() {
        let levels = "is no level; there are off, error, warn, info, debug and trace";
        for (text, word, hint) in [
            ("inof", "inof", "; the nearest is `info`"),
            ("verbose", "verbose", ""),
            ("aqs_origin=debug, WARNING", "WARNING", "; the nearest is `warn`"),
            ("info,aqs_origin", "aqs_origin", ""),
        ] {
            let refused = filter(text).unwrap_err().to_string();
            let part = "; a part of the program is given one as aqs_origin=debug";
            assert_eq!(refused, format!("`{word}` {levels}{hint}{part}"));
        }
        let unknown = filter("aqs_origin=verbose").unwrap_err().to_string();
        assert!(unknown.starts_with("`aqs_origin=verbose` is no filter: "), "{unknown}");
        for text in ["", "info", "DEBUG", "off", "3", " warn , aqs=trace ", "info,,", "[span]=info"]
        {
            assert!(filter(text).is_ok(), "{text}");
        }
        // Blanks are no part of a target.
        assert!(filter("error, debug").unwrap().to_string().split(',').any(|part| part == "debug"));
    }

    #[test]
    fn a_filter_of_foreign_targets_alone_is_doubted() {
        for (text, doubted) in [
            ("hyper=debug", true),
            ("hyper=debug,rustls=info", true),
            ("hyper=debug,info", false),
            ("aqs=debug", false),
            ("aqs_origin::store=debug", false),
            ("access=off", false),
            ("off", false),
        ] {
            assert_eq!(doubt(text).is_some(), doubted, "{text}");
        }
    }
}
