//! The names of fields: those of ECS where it has one, else with `aqs.` in front.
//!
//! In ECS lines a field with one of these names keeps it; any other, such as `path = …`, gets the
//! prefix. Readable lines have the names as they are.

use std::borrow::Cow;

/// The target of access lines.
pub const ACCESS: &str = "access";
/// The target of lines about admin requests.
pub const ADMIN: &str = "admin";
/// The target of the last line of a failing program. Its level is FATAL.
pub const FATAL: &str = "fatal";

/// The error; `error = …` is the same.
pub const ERROR: &str = "error.message";
pub const REQUEST_ID: &str = "http.request.id";
pub const METHOD: &str = "http.request.method";
pub const STATUS: &str = "http.response.status_code";
/// The size of head and body.
pub const BYTES: &str = "http.response.bytes";
/// The request target as received.
pub const URL: &str = "url.original";
/// The time to the millisecond; `@timestamp` is to the second, as upstream has it.
pub const CREATED: &str = "event.created";
/// Nanoseconds from the complete head to the last byte of the response.
pub const DURATION: &str = "event.duration";
pub const TRACE: &str = "trace.id";
pub const CLIENT: &str = "client.address";

/// The name of the endpoint in the catalogue.
pub const ENDPOINT: &str = "aqs.endpoint";
/// The cache result, as in metrics.
pub const CACHE: &str = "aqs.cache";
/// The `detail` of `Cache-Status`.
pub const DETAIL: &str = "aqs.detail";
/// The caller's span. ECS has only a name for own spans, `span.id`.
pub const PARENT: &str = "aqs.parent_span";
/// The content coding of the body.
pub const CODING: &str = "aqs.coding";
/// The request whose answer this one shared.
pub const LEADER: &str = "aqs.leader";
/// Whether the client disconnected, or was too slow, before the end of the response.
pub const INCOMPLETE: &str = "aqs.cut";
/// The key that was read from the store.
pub const KEY: &str = "aqs.key";
/// The module that logs the line.
pub const TARGET: &str = "aqs.target";

/// The ECS field sets used above.
const SETS: [&str; 6] = ["client", "error", "event", "http", "trace", "url"];

/// The name of a field in an ECS line.
pub fn ecs_name(name: &str) -> Cow<'_, str> {
    let set = name.split_once('.').map(|(set, _)| set);
    match (name, set) {
        ("error", _) => ERROR.into(),
        (_, Some(set)) if set == "aqs" || SETS.contains(&set) => name.into(),
        _ => format!("aqs.{}", name.strip_prefix("r#").unwrap_or(name)).into(),
    }
}
