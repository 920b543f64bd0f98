//! The names of fields in the log, in one place: ECS's where it has one, `aqs.` before ours.
//!
//! A field that is given here by its whole name stands there in ECS lines too; any other, such as
//! `path = …`, stands under `aqs`. Readable lines have the names as they were given.

use std::borrow::Cow;

/// The target of access lines.
pub const ACCESS: &str = "access";
/// The target of lines about what operators do, or may not.
pub const ADMIN: &str = "admin";
/// The target of the line that a failing program ends with: its level is FATAL.
pub const FATAL: &str = "fatal";

/// What went wrong; `error = …` is the same.
pub const ERROR: &str = "error.message";
/// The request's name, as its client has it.
pub const REQUEST_ID: &str = "http.request.id";
/// GET, HEAD …
pub const METHOD: &str = "http.request.method";
/// The answer's status.
pub const STATUS: &str = "http.response.status_code";
/// The answer's size, head and body.
pub const BYTES: &str = "http.response.bytes";
/// What was asked for, as it came.
pub const URL: &str = "url.original";
/// When the line was told, to the millisecond; `@timestamp` is upstream's, to the second.
pub const CREATED: &str = "event.created";
/// From the complete head to the answer's last byte, in nanoseconds.
pub const DURATION: &str = "event.duration";
/// The trace that the request belongs to.
pub const TRACE: &str = "trace.id";
/// Who asked, if that is to be logged.
pub const CLIENT: &str = "client.address";

/// The endpoint, by its name in the catalogue.
pub const ENDPOINT: &str = "aqs.endpoint";
/// What the cache had to do with it, as in metrics.
pub const CACHE: &str = "aqs.cache";
/// What more `Cache-Status` says.
pub const DETAIL: &str = "aqs.detail";
/// The caller's part of the trace. ECS has a place for spans of one's own alone, `span.id`.
pub const PARENT: &str = "aqs.parent_span";
/// The coding of the body.
pub const CODING: &str = "aqs.coding";
/// The request whose answer this one shared.
pub const LEADER: &str = "aqs.leader";
/// Whether the client went away, or took too long, before it had all.
pub const CUT: &str = "aqs.cut";
/// The key whose answer was asked of the store.
pub const KEY: &str = "aqs.key";
/// The part of the program that tells it.
pub const TARGET: &str = "aqs.target";

/// The ECS field sets that are used above.
const SETS: [&str; 6] = ["client", "error", "event", "http", "trace", "url"];

/// Where a field stands in an ECS line.
pub fn place(name: &str) -> Cow<'_, str> {
    let set = name.split_once('.').map(|(set, _)| set);
    match (name, set) {
        ("error", _) => ERROR.into(),
        (_, Some(set)) if set == "aqs" || SETS.contains(&set) => name.into(),
        _ => format!("aqs.{}", name.strip_prefix("r#").unwrap_or(name)).into(),
    }
}
