//! `/admin/jobs`: builds of the hot set, started, watched and cancelled.

use super::{bad, parameters, unknown};
use crate::log::fields;
use crate::serve::{Call, Reply, Service};
use aqs_api::problem::Code;
use aqs_api::{Problem, param};
use aqs_warmers::build::How;
use aqs_warmers::jobs::{JobId, JobView, Start, StartError, Started, State, Trigger};
use aqs_warmers::plan::{Last, Overrides};
use serde::{Deserialize, Serialize};

/// A job that an operator has started, or joined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Begun {
    /// Whether it was under way already.
    pub joined: bool,
    /// The job.
    pub job: JobView,
}

const KNOWN: [&str; 6] = ["plan", "project", "last", "full", "force", "dry_run"];

impl Service {
    /// Starts the job that the query of a request says, or joins it.
    pub(super) fn start_job(&self, query: &str, call: &Call<'_>) -> Reply {
        let start = match parse(query) {
            Ok(start) => start,
            Err(detail) => return bad(detail),
        };
        if self.jobs.builder().plans().is_empty() {
            return unknown(
                "nothing is built ahead here: there are no plans; see hot_set.enabled, \
                 hot_set.built_in and hot_set.plans of the configuration",
            );
        }
        match self.jobs.start(start.clone()) {
            Ok(started) => {
                tell(&start, started, call);
                self.begun(started)
            }
            Err(error @ StartError::UnknownPlan { nearest: Some(_), .. }) => {
                unknown(error.to_string())
            }
            Err(error @ StartError::UnknownPlan { nearest: None, .. }) => {
                let plans = self.jobs.builder().plans().iter();
                let names: Vec<&str> = plans.map(|plan| plan.name.as_str()).collect();
                unknown(format!("{error}; the plans here: {}", names.join(", ")))
            }
            Err(error @ StartError::Plan(_)) => bad(error.to_string()),
            Err(error) => Reply::problem(Problem::new(503, Code::Unavailable, error.to_string())),
        }
    }

    fn begun(&self, Started { id, joined }: Started) -> Reply {
        match self.jobs.show(id) {
            Some(job) => Reply::begun(&Begun { joined, job }, format!("/admin/jobs/{id}")),
            None => gone(&id.to_string()),
        }
    }

    /// Tells of one job.
    pub(super) fn show_job(&self, id: &str) -> Reply {
        match self.job(id) {
            Some(job) => Reply::json(&job),
            None => gone(id),
        }
    }

    /// Cancels a job, which ends soon after.
    pub(super) fn cancel_job(&self, id: &str, query: &str, call: &Call<'_>) -> Reply {
        if let Some(pair) = parameters::of(query).next() {
            return bad(pair.map_or_else(|error| error, |(name, _)| parameters::unknown(name, &[])));
        }
        let Some(job) = self.job(id) else { return gone(id) };
        if job.state != State::Running || !self.jobs.cancel(job.id) {
            let detail = format!("job {id} has ended already");
            return Reply::problem(Problem::new(409, Code::Conflict, detail));
        }
        tracing::info!(
            target: fields::ADMIN,
            job = job.id.0,
            plan = job.plan,
            { fields::REQUEST_ID } = call.request_id,
            "a job was cancelled by an operator"
        );
        // It may have ended meanwhile, and be told of as that.
        let job = self.jobs.show(job.id).unwrap_or(job);
        let location = format!("/admin/jobs/{}", job.id);
        Reply::begun(&job, location)
    }

    fn job(&self, id: &str) -> Option<JobView> {
        self.jobs.show(JobId(id.parse().ok()?))
    }
}

fn gone(id: &str) -> Reply {
    unknown(format!("there is no job {id:?}; of those that ended only the last are remembered"))
}

fn tell(start: &Start, started: Started, call: &Call<'_>) {
    let How { overrides: Overrides { projects, last }, full, force } = &start.how;
    tracing::info!(
        target: fields::ADMIN,
        job = started.id.0,
        joined = started.joined,
        plan = start.plan,
        projects = (!projects.is_empty()).then(|| projects.join(",")),
        last = last.map(|last| last.to_string()),
        full,
        force,
        dry_run = start.dry_run,
        { fields::REQUEST_ID } = call.request_id,
        "a job was started by an operator"
    );
}

/// What a query asks for.
fn parse(query: &str) -> Result<Start, String> {
    let (mut plan, mut last, mut projects) = (None, None, Vec::new());
    let (mut full, mut force, mut dry_run) = (None, None, None);
    for pair in parameters::of(query) {
        let (key, value) = pair?;
        match key {
            "plan" => parameters::once(&mut plan, key, value.into_owned())?,
            "project" => {
                let project = param::project(&value);
                let project = project.ok_or(format!("{value:?} is no project"))?.into_owned();
                if !projects.contains(&project) {
                    projects.push(project);
                }
            }
            "last" => {
                let given: Last = value.parse().map_err(|error| format!("last: {error}"))?;
                parameters::once(&mut last, key, given)?;
            }
            "full" => parameters::once(&mut full, key, parameters::flag(key, &value)?)?,
            "force" => parameters::once(&mut force, key, parameters::flag(key, &value)?)?,
            "dry_run" => parameters::once(&mut dry_run, key, parameters::flag(key, &value)?)?,
            other => return Err(parameters::unknown(other, &KNOWN)),
        }
    }
    let plan = plan.filter(|plan| !plan.is_empty());
    let plan = plan.ok_or_else(|| parameters::missing("say which plan", "plan"))?;
    let how = How {
        overrides: Overrides { projects, last },
        full: full.unwrap_or_default(),
        force: force.unwrap_or_default(),
    };
    Ok(Start { plan, how, dry_run: dry_run.unwrap_or_default(), trigger: Trigger::Operator })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_understood() {
        let plain = Start {
            plan: "top-articles".to_owned(),
            how: How::default(),
            dry_run: false,
            trigger: Trigger::Operator,
        };
        assert_eq!(parse("plan=top-articles"), Ok(plain.clone()));
        assert_eq!(parse("full=false&plan=top%2Darticles&dry_run=false"), Ok(plain.clone()));
        // Other aliases of a project are the same project.
        let projects = vec!["en.wikipedia".to_owned(), "wikidata".to_owned()];
        let last = Some("13m".parse().unwrap());
        let how = How { overrides: Overrides { projects, last }, full: true, force: true };
        let full = Start { how, dry_run: true, ..plain };
        let query = "plan=top-articles&project=EN.wikipedia.org&project=wikidata\
                     &project=en.wikipedia&last=13m&full=true&force=true&dry_run=true";
        assert_eq!(parse(query), Ok(full));
    }

    #[test]
    fn mistakes_are_named() {
        for (query, part) in [
            ("", "say which plan (in the query, as ?plan=..., not in the body)"),
            ("plan=", "say which plan"),
            ("plan=a&plan=b", "say plan once"),
            ("plan=a&project=a%20b", "\"a b\" is no project"),
            ("plan=a&project=", "\"\" is no project"),
            ("plan=a&last=week", "\"week\" is no span of days or months such as 7d"),
            ("plan=a&last=0d", "such as 7d or 13m"),
            ("plan=a&last=7d&last=8d", "say last once"),
            ("plan=a&full", "full is true or false, not \"\""),
            ("plan=a&force=yes", "force is true or false, not \"yes\""),
            ("plan=a&dry-run=true", "did you mean dry_run?"),
            ("plan=a&projects=b", "did you mean project?"),
            ("plan=a&x=b", "there are plan, project, last, full, force and dry_run"),
            ("plan=%FF", "`plan` is no percent-encoded UTF-8"),
        ] {
            let said = parse(query).unwrap_err();
            assert!(said.contains(part), "{query}: {said}");
        }
    }
}
