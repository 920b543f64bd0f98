//! The reference page and the example file, both from the tree of keys.

use super::environment::{FILE, VARIABLES};
use super::key::{Described, Key, Kind};
use super::tree::Config;
use serde_json::Value;
use std::fmt::Write;

const HEAD: &str = "\
# Configuration

Written by `aqs config-docs`; don't edit it. Sources, each over the ones before: defaults, the
file of `--config FILE` (or `-config FILE`, or `AQS_CONFIG`), the environment, flags. Without such
a file none is read. An unknown key is an error; a key without a value keeps its default.
Durations are written `250ms`, `300s`, `5m` or `24h` (1ms to 8760h), sizes `16KiB` or `2GiB`.
`aqs check-config` prints what holds in the end, and warns of what is hardly meant. A bad
configuration, also a bad value of a flag, ends `aqs` with exit code 64; words of the command line
that are not understood at all, with 2. It is read at the start alone: SIGHUP does not read it anew.

## Keys

| key | takes | default | meaning |
|---|---|---|---|
";

const VARIABLES_HEAD: &str = "
## Environment

An empty variable counts as absent. Of others that begin with `AQS_` the log warns, but for what
Kubernetes sets for a service called aqs (`AQS_PORT…`, `AQS_SERVICE_…`).

| variable | sets |
|---|---|
";

const EXAMPLE_HEAD: &str = "\
# The configuration of aqs, every key with its default. Written by `aqs config-docs --example`.
# Keys whose default depends on something are commented out. See REFERENCE.md for what keys take.
";

/// Every key and variable as a Markdown page.
pub fn page() -> String {
    let mut text = HEAD.to_owned();
    rows(&mut text, "", &keys());
    text.push_str(VARIABLES_HEAD);
    // Writing to a String can't fail.
    let _ = writeln!(text, "| `{FILE}` | the file, as `--config` |");
    for variable in VARIABLES {
        let _ = writeln!(text, "| `{}` | {} |", variable.name, variable.sets);
    }
    text
}

/// A file with every key at its default.
pub fn example() -> String {
    let mut text = EXAMPLE_HEAD.to_owned();
    entries(&mut text, "", "", &keys());
    text
}

/// All keys of the root.
pub fn keys() -> Vec<Key> {
    match Config::kind() {
        Kind::Section(keys) => keys,
        Kind::Value(_) => Vec::new(),
    }
}

fn rows(text: &mut String, section: &str, keys: &[Key]) {
    for Key { name, meaning, kind, default, unset } in keys {
        match kind {
            Kind::Section(keys) => {
                let _ = writeln!(text, "| `{section}{name}` | keys | | {meaning} |");
                rows(text, &format!("{section}{name}."), keys);
            }
            Kind::Value(takes) => {
                let default = match default {
                    Value::Null if unset.is_empty() => "not set".to_owned(),
                    Value::Null => (*unset).to_owned(),
                    Value::Array(list) if list.is_empty() => "none".to_owned(),
                    Value::Array(list) => format!("`{}`", words(list).join(" ")),
                    value => format!("`{}`", word(value)),
                };
                let _ = writeln!(text, "| `{section}{name}` | {takes} | {default} | {meaning} |");
            }
        }
    }
}

/// `indent` starts each line; a section that is null by default is a comment as a whole.
fn entries(text: &mut String, indent: &str, comment: &str, keys: &[Key]) {
    for Key { name, meaning, kind, default, unset } in keys {
        if indent.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(text, "{comment}{indent}# {meaning}");
        match (kind, default) {
            (Kind::Section(keys), Value::Null) => {
                let _ = writeln!(text, "#{indent}{name}:");
                entries(text, &format!("{indent}  "), "#", keys);
            }
            (Kind::Section(keys), _) => {
                let _ = writeln!(text, "{comment}{indent}{name}:");
                entries(text, &format!("{indent}  "), comment, keys);
            }
            (_, Value::Null) => {
                if !unset.is_empty() {
                    let _ = writeln!(text, "{comment}{indent}# Default: {unset}.");
                }
                let _ = writeln!(text, "{comment}{indent}#{name}:");
            }
            (_, Value::Array(list)) => {
                let list = words(list).join(", ");
                let _ = writeln!(text, "{comment}{indent}{name}: [{list}]");
            }
            (_, value) => {
                let _ = writeln!(text, "{comment}{indent}{name}: {}", word(value));
            }
        }
    }
}

fn words(list: &[Value]) -> Vec<String> {
    list.iter().map(word).collect()
}

/// A default as one would write it.
fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
