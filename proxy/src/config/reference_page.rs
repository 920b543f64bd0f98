//! The reference page and the example file, from the schema of [`Config`] and its defaults.

use super::load::{FILE, VARIABLES};
use super::value_tree::{Entry, Node, Value};
use super::{Config, Druid};
use aqs_origin::store::cassandra;
use serde_json::Value as Json;
use std::fmt::Write;

const HEAD: &str = "\
# Configuration

Written by `aqs config-docs`; don't edit it. Sources, each over the ones before: defaults, the
file of `--config FILE` (or `-config FILE`, or `AQS_CONFIG`), the environment, flags. Without such
a file none is read. An unknown key is an error; a key without a value keeps its default.
Durations are written `250ms`, `300s`, `5m` or `24h` (1ms to 8760h), sizes `16KiB` or `2GiB`.
`aqs check-config` prints the resulting configuration, and warnings about what is probably not
intended. It and `aqs serve` report all mistakes at once and end with exit code 64; a command line
that cannot be parsed ends with 2. The configuration is read once at the start; SIGHUP does not
reload it.

## Keys

| key | takes | default | meaning |
|---|---|---|---|
";

const VARIABLES_HEAD: &str = "
## Environment

An empty variable counts as absent. Lists are separated by commas. Other variables that begin with
`AQS_` cause a warning, except those that Kubernetes sets for a service called aqs (`AQS_PORT…`,
`AQS_SERVICE_…`).

| variable | sets |
|---|---|
";

const EXAMPLE_HEAD: &str = "\
# The configuration of aqs, every key with its default. Written by `aqs config-docs --example`.
# Keys whose default depends on something are commented out. See REFERENCE.md for what keys take.
";

/// Sections that are absent by default.
const OPTIONAL: [&str; 4] =
    ["cassandra.authentication", "cassandra", "druid.authentication", "druid"];

/// A key with what the documentation says of it.
struct Key<'a> {
    name: &'a str,
    /// The name with those of its sections.
    path: String,
    about: String,
    /// What it takes; a section has its keys instead.
    takes: String,
    keys: Vec<Key<'a>>,
    default: &'a Node,
    /// What holds if it is absent and that is no fixed value.
    unset: Option<&'a str>,
}

/// Every key and variable as a Markdown page.
pub fn page() -> String {
    let (schema, defaults) = (schema(), defaults());
    let mut text = HEAD.to_owned();
    rows(&mut text, &keys(&schema, &schema, &defaults, ""));
    text.push_str(VARIABLES_HEAD);
    // Writing to a String can't fail.
    let _ = writeln!(text, "| `{FILE}` | the file, as `--config` |");
    for (name, key) in VARIABLES {
        let note = if key.starts_with("cassandra") { ", if there is such a section" } else { "" };
        let _ = writeln!(text, "| `{name}` | {key}{note} |");
    }
    text
}

/// A file with every key at its default.
pub fn example() -> String {
    let (schema, defaults) = (schema(), defaults());
    let mut text = EXAMPLE_HEAD.to_owned();
    entries(&mut text, "", "", &keys(&schema, &schema, &defaults, ""));
    text
}

/// All keys with their defaults, also those of the optional sections.
fn defaults() -> Node {
    let authentication = Some(cassandra::Credentials::default());
    Node::of(&Config {
        cassandra: Some(cassandra::Options {
            credentials: authentication.clone(),
            ..cassandra::Options::default()
        }),
        druid: Some(Druid { authentication, ..Druid::default() }),
        ..Config::default()
    })
}

fn schema() -> Json {
    schemars::schema_for!(Config).to_value()
}

/// The schema that another one refers to, or that is not null.
fn resolved<'a>(root: &'a Json, schema: &'a Json) -> &'a Json {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        return &root["$defs"][name];
    }
    match schema["anyOf"].get(0) {
        Some(first) => resolved(root, first),
        None => schema,
    }
}

fn keys<'a>(root: &'a Json, section: &'a Json, node: &'a Node, path: &str) -> Vec<Key<'a>> {
    let Value::Map(entries) = &node.value else { return Vec::new() };
    let key = |entry: &'a Entry| {
        let schema = &section["properties"][entry.key.as_str()];
        let kind = resolved(root, schema);
        let path = format!("{path}{}", entry.key);
        Key {
            name: &entry.key,
            about: schema["description"].as_str().unwrap_or_default().replace('\n', " "),
            takes: takes(root, kind),
            keys: match kind["properties"].is_object() {
                true => keys(root, kind, &entry.node, &format!("{path}.")),
                false => Vec::new(),
            },
            path,
            default: &entry.node,
            unset: schema["unset"].as_str(),
        }
    };
    entries.iter().map(key).collect()
}

fn takes(root: &Json, schema: &Json) -> String {
    let schema = resolved(root, schema);
    if let Some(title) = schema["title"].as_str() {
        return title.to_owned();
    }
    let kind = &schema["type"];
    match kind.as_str().or_else(|| kind[0].as_str()) {
        Some("boolean") => "true or false".to_owned(),
        Some("string") => "text".to_owned(),
        Some("array") => format!("list of {}", takes(root, &schema["items"])),
        Some("object") if schema["properties"].is_object() => "keys".to_owned(),
        Some("object") => {
            format!("for each name: {}", takes(root, &schema["additionalProperties"]))
        }
        _ => String::new(),
    }
}

fn rows(text: &mut String, keys: &[Key<'_>]) {
    for Key { path, about, takes, keys, default, unset, .. } in keys {
        let default = match (&default.value, unset) {
            _ if !keys.is_empty() => String::new(),
            (_, Some(unset)) => format!("{unset} "),
            (Value::Null, None) => "not set ".to_owned(),
            (Value::List(list), None) if list.is_empty() => "none ".to_owned(),
            (Value::List(list), None) => {
                let words: Vec<_> = list.iter().map(Node::inline).collect();
                format!("`{}` ", words.join(" "))
            }
            (Value::Scalar { .. } | Value::Map(_), None) => format!("`{}` ", default.inline()),
        };
        let _ = writeln!(text, "| `{path}` | {takes} | {default}| {about} |");
        rows(text, keys);
    }
}

/// `indent` starts each line; a section that is absent by default is a comment as a whole.
fn entries(text: &mut String, indent: &str, comment: &str, keys: &[Key<'_>]) {
    for Key { name, path, about, keys, default, unset, .. } in keys {
        if indent.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(text, "{comment}{indent}# {about}");
        let deeper = format!("{indent}  ");
        match (&default.value, unset) {
            _ if !keys.is_empty() => {
                let comment = if OPTIONAL.contains(&path.as_str()) { "#" } else { comment };
                let _ = writeln!(text, "{comment}{indent}{name}:");
                entries(text, &deeper, comment, keys);
            }
            (Value::Null, _) | (_, Some(_)) => {
                if let Some(unset) = unset {
                    let _ = writeln!(text, "{comment}{indent}# Default: {unset}.");
                }
                let _ = writeln!(text, "{comment}{indent}#{name}:");
            }
            (Value::Scalar { .. } | Value::List(_) | Value::Map(_), None) => {
                let _ = writeln!(text, "{comment}{indent}{name}: {}", default.inline());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_meaning_and_says_what_it_takes() {
        fn check(keys: &[Key<'_>]) {
            for key in keys {
                assert!(key.about.ends_with('.'), "{}: {}", key.path, key.about);
                assert!(!key.takes.is_empty(), "{}", key.path);
                check(&key.keys);
            }
        }
        let (schema, defaults) = (schema(), defaults());
        let keys = keys(&schema, &schema, &defaults, "");
        assert!(keys.len() > 15);
        check(&keys);
    }
}
