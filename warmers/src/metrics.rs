//! The metrics of the hot set.

use crate::generation::Generation;
use aqs_origin::metric_declarations::Declarations;
use prometheus::{
    Error, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, exponential_buckets,
};

#[derive(Clone, Debug)]
pub struct Metrics {
    generation: IntGauge,
    built: IntGauge,
    keys: IntGauge,
    bytes: IntGauge,
    plan_built: IntGaugeVec,
    plan_keys: IntGaugeVec,
    completeness: GaugeVec,
    pub(crate) running: IntGaugeVec,
    pub(crate) jobs: IntCounterVec,
    pub(crate) build_seconds: HistogramVec,
    pub(crate) refusals: IntCounterVec,
    pub(crate) answers: IntCounterVec,
    pub(crate) reads: IntCounterVec,
    pub(crate) artefact_seconds: Histogram,
    pub(crate) artefact_failures: IntCounterVec,
}

impl Metrics {
    pub fn declare(to: &mut Declarations<'_>) -> Result<Self, Error> {
        let opts = |name, help| Opts::new(format!("aqs_hot_set_{name}"), help);
        let histogram = |name, help, first, count| -> Result<HistogramOpts, Error> {
            Ok(HistogramOpts::from(opts(name, help))
                .buckets(exponential_buckets(first, 3.0, count)?))
        };
        let gauge = |name, help| IntGauge::with_opts(opts(name, help));
        let by_plan = |name, help| IntGaugeVec::new(opts(name, help), &["plan"]);
        let counter = |name, help, labels: &[&str]| IntCounterVec::new(opts(name, help), labels);

        let published = "When the live generation was built, in seconds since 1970";
        let plan_built = "When the last build of the plan began, in seconds since 1970";
        let complete = "Held part of the answers that the plan wants, 0 to 1";
        let complete = GaugeVec::new(opts("plan_completeness_ratio", complete), &["plan"]);
        let outcomes = "Ended jobs by outcome (done, refused, failed, cancelled, skipped)";
        let refused = "Failed checks of builds, including builds that were published by force";
        let origins = "Answers of builds by origin (read, shared, kept, missing)";
        let failures = "Generations that could not be written to or loaded from disk (write, load)";
        let build = histogram("build_seconds", "Duration of builds", 0.1, 10)?;
        let write = "Duration of writing a generation to disk";
        let write = histogram("artefact_write_seconds", write, 0.01, 9)?;
        Ok(Self {
            generation: to
                .declare(gauge("generation", "Id of the live generation; 0 without one"))?,
            built: to.declare(gauge("built_timestamp_seconds", published))?,
            keys: to.declare(gauge("keys", "Answers of the live generation"))?,
            bytes: to.declare(gauge("bytes", "Memory of the live generation, in bytes"))?,
            plan_built: to.declare(by_plan("plan_built_timestamp_seconds", plan_built))?,
            plan_keys: to
                .declare(by_plan("plan_keys", "Answers of the plan in the live generation"))?,
            completeness: to.declare(complete)?,
            running: to.declare(by_plan("jobs_running", "Running jobs"))?,
            jobs: to.declare(counter("jobs_total", outcomes, &["plan", "outcome"]))?,
            build_seconds: to.declare(HistogramVec::new(build, &["plan"]))?,
            refusals: to.declare(counter("refusals_total", refused, &["plan", "check"]))?,
            answers: to.declare(counter("answers_total", origins, &["plan", "how"]))?,
            reads: to.declare(counter("reads_total", "Store reads of builds", &["plan"]))?,
            artefact_seconds: to.declare(Histogram::with_opts(write))?,
            artefact_failures: to.declare(counter(
                "artefact_failures_total",
                failures,
                &["doing"],
            ))?,
        })
    }

    /// Describes a generation that replaces another.
    pub(crate) fn published(&self, new: &Generation, before: Option<&Generation>) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.generation.set(number(new.id));
        self.built.set(number(new.built.0 / 1000));
        self.keys.set(number(new.keys() as u64));
        self.bytes.set(number(new.bytes));
        for gone in before.into_iter().flat_map(|before| &before.plans) {
            if new.plan(&gone.name).is_none() {
                // An error means that there is no such series.
                let _ = self.plan_built.remove_label_values(&[&gone.name]);
                let _ = self.plan_keys.remove_label_values(&[&gone.name]);
                let _ = self.completeness.remove_label_values(&[&gone.name]);
            }
        }
        for plan in &new.plans {
            let name = [plan.name.as_str()];
            self.plan_built.with_label_values(&name).set(number(plan.built.0 / 1000));
            self.plan_keys.with_label_values(&name).set(number(plan.keys));
            self.completeness.with_label_values(&name).set(plan.completeness());
        }
    }

    /// Creates the series of a plan, so that they begin at zero.
    pub(crate) fn initialise(&self, plan: &str) {
        self.running.with_label_values(&[plan]);
        self.reads.with_label_values(&[plan]);
        for outcome in ["done", "refused", "failed", "cancelled", "skipped"] {
            self.jobs.with_label_values(&[plan, outcome]);
        }
        for how in ["read", "shared", "kept", "missing"] {
            self.answers.with_label_values(&[plan, how]);
        }
        for check in crate::checks::NAMES {
            self.refusals.with_label_values(&[plan, check]);
        }
        for doing in ["write", "load"] {
            self.artefact_failures.with_label_values(&[doing]);
        }
    }
}
