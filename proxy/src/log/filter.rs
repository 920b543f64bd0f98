//! Filters in the syntax of `tracing`, without its pitfalls.

use super::fields;
use super::level::LevelError;
use aqs_origin::suggest;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// Prefixes of the targets of our lines.
const TARGETS: [&str; 10] = [
    "aqs_api",
    "aqs_origin",
    "aqs_proxy",
    "aqs_warmers",
    "pingora_core",
    "scylla",
    "rustls",
    fields::ACCESS,
    fields::ADMIN,
    fields::FATAL,
];

/// The part of the Cassandra driver that repeats itself.
const DRIVER: &str = "scylla::cluster::metadata";

/// Parses a filter such as `debug` or `aqs_origin=debug,info`.
///
/// Access lines have their own switch, and admin requests are always logged: both pass at any level
/// unless the filter names them. The driver's lines about failed connections never pass: the store
/// logs each failure once.
///
/// A single word must be a level: `tracing` takes `verbose` for a target, and lets nothing else
/// pass.
pub fn filter(text: &str) -> Result<EnvFilter, LevelError> {
    let mut whole = format!("{}=info,{}=info,{DRIVER}=off", fields::ACCESS, fields::ADMIN);
    for part in parts(text) {
        if is_word(part) && !is_level(part) {
            return Err(LevelError::NoLevel { word: part.to_owned(), hint: hint(part) });
        }
        if let Some(nearest) = misspelt_target(part) {
            let target = target_of(part).to_owned();
            return Err(LevelError::NoTarget { target, nearest });
        }
        whole.push(',');
        whole.push_str(part);
    }
    EnvFilter::try_new(whole)
        .map_err(|source| LevelError::Filter { filter: text.to_owned(), source })
}

/// The warning about a filter that drops nearly all lines of this program.
pub fn warning(text: &str) -> Option<String> {
    let drops_all = !parts(text).any(|part| is_level(part) || is_ours(part));
    drops_all.then(|| {
        format!(
            "the filter `{text}` has no level for all that it does not name, and names nothing of \
             aqs: hardly anything will be logged; put a level before it, as info,aqs_origin=debug"
        )
    })
}

/// The target that is meant by one that no line has, if it is near to one of ours.
fn misspelt_target(part: &str) -> Option<&'static str> {
    let target = target_of(part);
    let root = target.split("::").next().unwrap_or(target);
    if root.is_empty() || is_word(part) || is_ours(part) {
        return None;
    }
    suggest(root, TARGETS)
}

fn target_of(part: &str) -> &str {
    part.split(['=', '[']).next().unwrap_or(part)
}

fn is_ours(part: &str) -> bool {
    let target = target_of(part);
    TARGETS.iter().any(|known| known.starts_with(target) || target.starts_with(known))
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Whether a part is a level alone, or a target alone.
fn is_word(part: &str) -> bool {
    !part.contains(['=', '['])
}

fn is_level(part: &str) -> bool {
    part.parse::<LevelFilter>().is_ok()
}

fn hint(word: &str) -> String {
    match suggest(&word.to_ascii_lowercase(), LEVELS) {
        Some(level) => format!("; the nearest is `{level}`"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_is_rejected() {
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
        // Blanks are trimmed.
        assert!(filter("error, debug").unwrap().to_string().split(',').any(|part| part == "debug"));
    }

    #[test]
    fn a_misspelt_part_of_the_program_is_rejected() {
        for (text, nearest) in [
            ("aqs_orign=debug", "aqs_origin"),
            ("info,aqs_orign::stores=debug", "aqs_origin"),
            ("acess=off", "access"),
        ] {
            let refused = filter(text).unwrap_err().to_string();
            assert!(refused.ends_with(&format!("; did you mean {nearest}?")), "{refused}");
        }
        assert!(filter("hyper=debug,info").is_ok() && filter("aqs_origin::stores=debug").is_ok());
    }

    #[test]
    fn a_filter_of_foreign_targets_alone_causes_a_warning() {
        for (text, warned) in [
            ("hyper=debug", true),
            ("hyper=debug,h2=info", true),
            ("hyper=debug,info", false),
            ("aqs=debug", false),
            ("aqs_origin::store=debug", false),
            ("access=off", false),
            ("off", false),
        ] {
            assert_eq!(warning(text).is_some(), warned, "{text}");
        }
    }
}
