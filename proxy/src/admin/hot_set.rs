//! `/admin/hot-set`: what is served of what was built ahead, the way back, and a close look.

use super::{bad, outlasting, parameters, unknown};
use crate::log::fields;
use crate::serve::{Call, Reply, Served, Service};
use aqs_api::Problem;
use aqs_api::problem::Code;
use aqs_origin::RequestId;
use aqs_warmers::artefact::ArtefactError;
use aqs_warmers::build::{RollbackError, RolledBack};
use aqs_warmers::view::{GenerationView, HotSetView, RolledBackView, VerifiedView};
use std::sync::Arc;

/// As many answers are compared with direct ones at once as before a publication.
const MOST_COMPARED: usize = 10_000;

impl Service {
    /// Tells what there is.
    pub(super) fn show_hot_set(&self) -> Served {
        let jobs = Arc::clone(&self.jobs);
        let work = self.tasks.spawn_blocking(move || match HotSetView::of(&jobs) {
            Ok(view) => Reply::json(&view),
            Err(error) => {
                tracing::error!(target: fields::ADMIN, %error, "the hot set can't be shown");
                failed(error.to_string())
            }
        });
        outlasting(work, "the hot set can't be shown; the log says why")
    }

    /// Publishes an older content again: that of the number in the query, or the one before.
    pub(super) fn roll_back(self: &Arc<Self>, query: &str, call: &Call<'_>) -> Served {
        let to = match parse_number(query, "to") {
            Ok(to) => to,
            Err(detail) => return Served::Now(bad(detail)),
        };
        let (service, id) = (Arc::clone(self), call.to_owned().request_id);
        let work = self.tasks.spawn(async move {
            match service.jobs.builder().rollback(to).await {
                Ok(back) => service.rolled_back(back, &id).await,
                Err(error) => refused(&error),
            }
        });
        outlasting(work, "the way back failed; the log says why")
    }

    async fn rolled_back(&self, back: RolledBack, id: &RequestId) -> Reply {
        let RolledBack { generation, artefact } = back;
        let not_kept = artefact.and_then(Result::err);
        tracing::info!(
            target: fields::ADMIN,
            generation = generation.id,
            before = generation.parent,
            not_kept,
            { fields::REQUEST_ID } = %id,
            "the hot set was rolled back by an operator"
        );
        let jobs = Arc::clone(&self.jobs);
        let number = generation.id;
        let work = tokio::task::spawn_blocking(move || GenerationView::of(&generation, &jobs));
        match work.await {
            Ok(generation) => Reply::json(&RolledBackView { generation, not_kept }),
            Err(_) => failed(format!("rolled back to generation {number}, which can't be shown")),
        }
    }

    /// Looks at what is published closely. Who asked goes away: then nobody needs to.
    pub(super) fn verify_hot_set(self: &Arc<Self>, query: &str, call: &Call<'_>) -> Served {
        let sample = match parse_number(query, "sample") {
            Ok(sample) => sample.unwrap_or_else(|| self.jobs.builder().sample_size()),
            Err(detail) => return Served::Now(bad(detail)),
        };
        if sample > MOST_COMPARED {
            return Served::Now(bad(format!("sample is at most {MOST_COMPARED}, not {sample}")));
        }
        if self.hot_set.live().is_none() {
            return Served::Now(unknown("nothing is published yet"));
        }
        let (service, id) = (Arc::clone(self), call.to_owned().request_id);
        Served::Later(Box::pin(async move {
            let Some(verified) = service.jobs.builder().verify(sample).await else {
                return failed("nothing could be looked at; the program is perhaps ending".into());
            };
            tracing::info!(
                target: fields::ADMIN,
                generation = verified.generation,
                compared = verified.compared,
                well = verified.is_well(),
                { fields::REQUEST_ID } = %id,
                "the hot set was looked at by an operator"
            );
            Reply::json(&VerifiedView::from(verified))
        }))
    }
}

/// The one number that a query may give.
fn parse_number<T: std::str::FromStr>(
    query: &str,
    name: &'static str,
) -> Result<Option<T>, String> {
    let mut number = None;
    for pair in parameters::of(query) {
        let (key, value) = pair?;
        if key != name {
            return Err(parameters::unknown(key, &[name]));
        }
        parameters::once(&mut number, name, parameters::number(name, &value)?)?;
    }
    Ok(number)
}

fn refused(error: &RollbackError) -> Reply {
    let detail = error.to_string();
    match error {
        RollbackError::Nothing | RollbackError::Artefact(ArtefactError::Missing { .. }) => {
            unknown(detail)
        }
        RollbackError::Live(_) => Reply::problem(Problem::new(409, Code::Conflict, detail)),
        _ => {
            tracing::error!(target: fields::ADMIN, %error, "the hot set can't be rolled back");
            failed(detail)
        }
    }
}

fn failed(detail: String) -> Reply {
    Reply::problem(Problem::new(500, Code::StoreFailed, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_may_be_given() {
        let parse = |query| parse_number::<u64>(query, "to");
        assert_eq!((parse(""), parse("to=17")), (Ok(None), Ok(Some(17))));
        for (query, part) in [
            ("to=", "to is a whole number, not \"\""),
            ("to=-1", "to is a whole number"),
            ("to=1.5", "to is a whole number"),
            ("to=99999999999999999999", "to is a whole number"),
            ("to=1&to=1", "say to once"),
            ("generation=1", "there is no parameter \"generation\"; there is to"),
        ] {
            let said = parse(query).unwrap_err();
            assert!(said.contains(part), "{query}: {said}");
        }
    }
}
