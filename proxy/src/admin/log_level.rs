//! `/admin/log-level`: how much is logged, read and set while the program runs.

use super::parameters;
use crate::config::{LogLevel, Span};
use crate::log::{self, Change, Handle, fields};
use crate::serve::{Call, Reply, Service};
use aqs_api::Problem;
use aqs_api::problem::Code;
use serde_json::json;
use std::time::Duration;

/// What is to be logged, and for how long.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    filter: String,
    lasts: Option<Duration>,
}

impl Service {
    /// Tells what is logged.
    pub(super) fn log_level(&self) -> Reply {
        let log = match self.own_log() {
            Ok(log) => log,
            Err(problem) => return Reply::problem(problem),
        };
        let (filter, then) = log.level();
        Reply::json(&json!({"filter": filter, "falls_back_to": then}))
    }

    /// Sets what is logged to what the query of a request says.
    pub(super) fn set_log_level(&self, query: &str, call: &Call<'_>) -> Reply {
        let refused = |detail| Reply::problem(Problem::new(400, Code::InvalidParameter, detail));
        let log = match self.own_log() {
            Ok(log) => log,
            Err(problem) => return Reply::problem(problem),
        };
        let wanted = match Wanted::parse(query) {
            Ok(wanted) => wanted,
            Err(detail) => return refused(detail),
        };
        match log.set(&wanted.filter, wanted.lasts) {
            Ok(change) => {
                wanted.tell(&change, call);
                let seconds = wanted.lasts.map(|lasts| lasts.as_secs_f64());
                Reply::json(&json!({"old": change.old, "new": change.new, "for_seconds": seconds}))
            }
            Err(error) => Reply::problem(Problem::new(503, Code::Unavailable, error.to_string())),
        }
    }

    fn own_log(&self) -> Result<&Handle, Problem> {
        self.log.as_ref().ok_or_else(|| {
            let detail = "the log belongs to the program around this server, which sets its level";
            Problem::new(503, Code::Unavailable, detail)
        })
    }
}

impl Wanted {
    fn parse(query: &str) -> Result<Self, String> {
        let (mut filter, mut lasts) = (None, None);
        for pair in parameters::of(query) {
            let (key, value) = pair?;
            match key {
                "level" | "filter" if filter.is_some() => {
                    return Err("say either a level or a filter, once".to_owned());
                }
                "level" => {
                    let level: LogLevel = value.parse()?;
                    filter = Some(level.filter().to_owned());
                }
                "filter" => filter = Some(value.into_owned()),
                "for" => lasts = Some(value.parse::<Span>()?.0),
                other => return Err(parameters::unknown(other, &["level", "filter", "for"])),
            }
        }
        let filter = filter.filter(|filter| !filter.is_empty()).ok_or_else(|| {
            parameters::missing("say a level (debug, info, warning, error) or a filter", "level")
        })?;
        log::filter(&filter).map_err(|error| error.to_string())?;
        Ok(Self { filter, lasts })
    }

    fn tell(&self, change: &Change, call: &Call<'_>) {
        let lasts = self.lasts.map(|lasts| Span(lasts).to_string());
        tracing::info!(
            target: fields::ADMIN,
            old = change.old,
            filter = change.new,
            lasts,
            { fields::REQUEST_ID } = call.request_id,
            "log level set by an operator"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_filters_are_understood() {
        let parse = |query| Wanted::parse(query).map(|wanted| (wanted.filter, wanted.lasts));
        let minutes = |count: u64| Some(Duration::from_secs(60 * count));
        for (query, filter, lasts) in [
            ("level=warning", LogLevel::Warning.filter(), None),
            ("level=ERROR&for=10m", LogLevel::Error.filter(), minutes(10)),
            ("for=1m&filter=aqs_origin%3Ddebug,info", "aqs_origin=debug,info", minutes(1)),
            ("filter=aqs_origin=debug,info", "aqs_origin=debug,info", None),
        ] {
            assert_eq!(parse(query), Ok((filter.to_owned(), lasts)), "{query}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (query, part) in [
            ("", "say a level"),
            ("filter=", "say a level"),
            ("filter=a=b=c", "`a=b=c` is no filter"),
            ("level=loud", "Unsupported log level: loud"),
            ("level=debug&filter=info", "either a level or a filter"),
            ("level=debug&for=soon", "is no duration"),
            ("level=debug&for=0s", "out of range"),
            ("level=debug&until=noon", "no parameter \"until\""),
            ("level=%FF", "no percent-encoded"),
        ] {
            let said = Wanted::parse(query).unwrap_err();
            assert!(said.contains(part), "{query}: {said}");
        }
    }
}
