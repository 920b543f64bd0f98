//! `/admin/jobs`: builds of the hot set.

use super::query::{self, Query};
use super::{AppState, Reply, accepted, bad_parameter, conflict, json, not_found, unavailable};
use crate::log::fields;
use aqs_api::{Coverage, param};
use aqs_origin::{RequestId, suggest_project};
use aqs_warmers::build::BuildOptions;
use aqs_warmers::jobs::{JobView, Jobs, Start, StartError, State as JobState, Trigger};
use aqs_warmers::plan::Overrides;
use axum::extract::{Extension, State};
use axum::http::Uri;
use serde::{Deserialize, Serialize};

/// The answer to a start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartedJob {
    /// Whether the job ran already.
    pub joined: bool,
    pub job: JobView,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Parameters {
    plan: Option<String>,
    project: Vec<String>,
    last: Option<String>,
    full: bool,
    force: bool,
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoParameters {}

pub(super) async fn list(State(state): AppState) -> Reply {
    Ok(json(&state.jobs.list()))
}

pub(super) async fn show(State(state): AppState, uri: Uri) -> Reply {
    find(&state.jobs, &uri).map(|job| json(&job))
}

pub(super) async fn start(
    State(state): AppState,
    Extension(id): Extension<RequestId>,
    Query(parameters): Query<Parameters>,
) -> Reply {
    let start = parameters.into_start().map_err(bad_parameter)?;
    let plans = state.jobs.builder().plans();
    if plans.is_empty() {
        return Err(not_found(
            "there are no plans; see hot_set.enabled, hot_set.built_in and hot_set.plans of the \
             configuration",
        ));
    }
    let BuildOptions { overrides, force, .. } = &start.options;
    if !force {
        check_projects(&overrides.projects, &state.origin.coverage())?;
    }
    let started = state.jobs.start(start.clone()).map_err(|error| match &error {
        StartError::UnknownPlan { nearest: None, .. } => {
            let names: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
            not_found(format!("{error}; the plans are {}", names.join(", ")))
        }
        StartError::UnknownPlan { .. } => not_found(error.to_string()),
        StartError::Plan(_) => bad_parameter(error.to_string()),
        StartError::Stopping => unavailable(error.to_string()),
    })?;
    let BuildOptions { overrides: Overrides { projects, last }, full, force } = &start.options;
    tracing::info!(
        target: fields::ADMIN,
        job = started.id,
        joined = started.joined,
        plan = start.plan,
        projects = (!projects.is_empty()).then(|| projects.join(",")),
        last = last.map(|last| last.to_string()),
        full,
        force,
        dry_run = start.dry_run,
        { fields::REQUEST_ID } = %id,
        "a job was started by an operator"
    );
    let job = state.jobs.show(started.id).ok_or_else(|| gone(&started.id.to_string()))?;
    let location = location(&job);
    Ok(accepted(&StartedJob { joined: started.joined, job }, location))
}

/// Requests the cancellation of a job, which ends soon after.
pub(super) async fn cancel(
    State(state): AppState,
    Extension(id): Extension<RequestId>,
    uri: Uri,
    Query(NoParameters {}): Query<NoParameters>,
) -> Reply {
    let job = find(&state.jobs, &uri)?;
    if job.state != JobState::Running || !state.jobs.cancel(job.id) {
        return Err(conflict(format!("job {} has ended already", job.id)));
    }
    tracing::info!(
        target: fields::ADMIN,
        job = job.id,
        plan = job.start.plan,
        { fields::REQUEST_ID } = %id,
        "a job was cancelled by an operator"
    );
    // It may have ended meanwhile.
    let job = state.jobs.show(job.id).unwrap_or(job);
    let location = location(&job);
    Ok(accepted(&job, location))
}

/// The job that the last segment of a path names.
fn find(jobs: &Jobs, uri: &Uri) -> Result<JobView, super::ApiError> {
    let id = uri.path().rsplit('/').next().unwrap_or_default();
    id.parse().ok().and_then(|id| jobs.show(id)).ok_or_else(|| gone(id))
}

fn gone(id: &str) -> super::ApiError {
    not_found(format!("there is no job {id:?}; only the last ended jobs are listed"))
}

fn location(job: &JobView) -> String {
    format!("/admin/jobs/{}", job.id)
}

impl Parameters {
    fn into_start(self) -> Result<Start, String> {
        let mut projects = Vec::new();
        for given in &self.project {
            let project = param::project(given).ok_or(format!("{given:?} is not a project"))?;
            let project = project.into_owned();
            if let Some(meant) = of_database_name(&project) {
                return Err(format!("{given:?} is the name of a database; did you mean {meant}?"));
            }
            if !projects.contains(&project) {
                projects.push(project);
            }
        }
        let last = self.last.map(|last| last.parse().map_err(|error| format!("last: {error}")));
        let plan = self.plan.ok_or_else(|| query::missing("plan", "plan"))?;
        let overrides = Overrides { projects, last: last.transpose()? };
        let options = BuildOptions { overrides, full: self.full, force: self.force };
        Ok(Start { plan, options, dry_run: self.dry_run, trigger: Trigger::Operator })
    }
}

/// Refuses projects of which nothing is loaded: each of their answers would be without data.
fn check_projects(projects: &[String], coverage: &Coverage) -> Result<(), super::ApiError> {
    let Some(project) = projects.iter().find(|project| coverage.lacks_project(project)) else {
        return Ok(());
    };
    let loaded = coverage.projects().unwrap_or_default();
    let nearest = suggest_project(project, loaded.iter().map(|loaded| &***loaded));
    let hint = nearest.map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default();
    Err(bad_parameter(format!(
        "nothing of {project} is loaded{hint} (force builds its answers nevertheless)"
    )))
}

/// The project that the name of a wiki's database means, as `enwiki` means `en.wikipedia`.
fn of_database_name(name: &str) -> Option<String> {
    let families = [
        ("wiki", "wikipedia"),
        ("wiktionary", "wiktionary"),
        ("wikibooks", "wikibooks"),
        ("wikinews", "wikinews"),
        ("wikiquote", "wikiquote"),
        ("wikisource", "wikisource"),
        ("wikiversity", "wikiversity"),
        ("wikivoyage", "wikivoyage"),
    ];
    families.into_iter().find_map(|(suffix, family)| {
        let language = name.strip_suffix(suffix)?;
        let is_language = (2..=12).contains(&language.len())
            && language.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        is_language.then(|| format!("{}.{family}", language.replace('_', "-")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(query: &str) -> Result<Start, String> {
        query::parse::<Parameters>(query)?.into_start()
    }

    #[test]
    fn parameters_become_a_start() {
        let plain = Start {
            plan: "top-articles".to_owned(),
            options: BuildOptions::default(),
            dry_run: false,
            trigger: Trigger::Operator,
        };
        assert_eq!(start("plan=top-articles"), Ok(plain.clone()));
        assert_eq!(start("full=false&plan=top%2Darticles&dry_run=false"), Ok(plain.clone()));
        // Two spellings of a project are the same project.
        let projects = vec!["en.wikipedia".to_owned(), "wikidata".to_owned()];
        let last = Some("13m".parse().unwrap());
        let options =
            BuildOptions { overrides: Overrides { projects, last }, full: true, force: true };
        let full = Start { options, dry_run: true, ..plain };
        let query = "plan=top-articles&project=EN.wikipedia.org&project=wikidata\
                     &project=en.wikipedia&last=13m&full=true&force=true&dry_run=true";
        assert_eq!(start(query), Ok(full));
    }

    #[test]
    fn mistakes_name_the_parameter() {
        for (query, part) in [
            ("", "plan is missing (in the query, as ?plan=..., not in the body)"),
            ("plan=", "plan has no value"),
            ("plan=a&plan=b", "plan is given more than once"),
            ("plan=a&project=a%20b", "\"a b\" is not a project"),
            ("plan=a&project=", "project has no value"),
            (
                "plan=a&project=enwiki",
                "\"enwiki\" is the name of a database; did you mean en.wikipedia?",
            ),
            ("plan=a&project=zh_yuewiktionary", "did you mean zh-yue.wiktionary?"),
            ("plan=a&last=week", "\"week\" is no span of days or months such as 7d"),
            ("plan=a&last=0d", "such as 7d or 13m"),
            ("plan=a&last=7d&last=8d", "last is given more than once"),
            ("plan=a&full", "full has no value"),
            ("plan=a&force=yes", "force: invalid value: string \"yes\", expected \"true\""),
            ("plan=a&dry-run=true", "did you mean dry_run?"),
            ("plan=a&projects=b", "did you mean project?"),
            ("plan=a&x=b", "no parameter `x`, expected one of `plan`, `project`, `last`, `full`"),
            ("plan=%FF", "`plan` is not valid percent-encoded UTF-8"),
        ] {
            let detail = start(query).unwrap_err();
            assert!(detail.contains(part), "{query}: {detail}");
        }
    }
}
