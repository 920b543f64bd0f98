//! JSON lines in the Elastic Common Schema, as the upstream services write them (contract §6.3).

use super::fields;
use aqs_origin::{Clock, Moment};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Formats events as ECS lines.
#[derive(Clone, Debug)]
pub struct Ecs {
    pub service: String,
    pub clock: Clock,
}

/// A line. The contract has the first four keys in this order.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    message: &'a str,
    log: Log,
    service: Service<'a>,
    #[serde(flatten)]
    fields: &'a Map<String, Value>,
}

#[derive(Serialize)]
struct Log {
    level: &'static str,
}

#[derive(Serialize)]
struct Service<'a> {
    name: &'a str,
}

/// The fields of an event.
#[derive(Default)]
struct Recorded {
    message: String,
    fields: Map<String, Value>,
    /// The target of an event of the `log` crate.
    target: Option<String>,
}

impl<S, N> FormatEvent<S, N> for Ecs
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut recorded = Recorded::default();
        event.record(&mut recorded);
        let target = recorded.target.take().unwrap_or_else(|| metadata.target().to_owned());
        recorded.insert(fields::TARGET, target.into());
        let now = self.clock.now();
        recorded.insert(fields::CREATED, milliseconds(now).into());
        let line = Line {
            timestamp: seconds(now),
            message: &recorded.message,
            log: Log { level: level(*metadata.level(), metadata.target()) },
            service: Service { name: &self.service },
            fields: &recorded.fields,
        };
        let text = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{text}")
    }
}

/// A moment in UTC, to the second.
fn seconds(moment: Moment) -> String {
    let seconds = i64::try_from(moment.0 / 1000).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX).to_string()
}

/// A moment in UTC, to the millisecond.
fn milliseconds(moment: Moment) -> String {
    let milliseconds = i64::try_from(moment.0).unwrap_or(i64::MAX);
    format!("{:.3}", Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX))
}

fn level(level: Level, target: &str) -> &'static str {
    match level {
        Level::ERROR if target == fields::FATAL => "FATAL",
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        _ => "DEBUG",
    }
}

impl Recorded {
    fn record(&mut self, field: &Field, value: Value) {
        match field.name() {
            "message" => self.message = value.as_str().map_or(value.to_string(), str::to_owned),
            // The origin of events of the `log` crate.
            "log.target" => self.target = value.as_str().map(str::to_owned),
            name if name.starts_with("log.") => {}
            name => self.insert(&fields::ecs_name(name), value),
        }
    }

    /// Inserts a value at a name whose parts are nested objects.
    fn insert(&mut self, name: &str, value: Value) {
        let (sets, last) = name.rsplit_once('.').unwrap_or(("", name));
        let mut fields = &mut self.fields;
        for set in sets.split('.').filter(|set| !set.is_empty()) {
            let node = fields.entry(set).or_insert(Value::Null);
            if !node.is_object() {
                *node = Value::Object(Map::new());
            }
            let Value::Object(below) = node else { return };
            fields = below;
        }
        fields.insert(last.to_owned(), value);
    }
}

impl Visit for Recorded {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.record(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.record(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record(field, format!("{value:?}").into());
    }
}
