//! The metrics of the hot set.

use crate::generation::Generation;
use aqs_origin::metric_declarations::Declarations;
use prometheus::core::Collector;
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

fn add<C: Collector + Clone + 'static>(
    to: &mut Declarations<'_>,
    metric: Result<C, Error>,
) -> Result<C, Error> {
    let metric = metric?;
    to.add(metric.clone())?;
    Ok(metric)
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

        let help = "Id of the live generation; 0 without one";
        let generation = add(to, gauge("generation", help))?;
        let help = "When the live generation was built, in seconds since 1970";
        let built = add(to, gauge("built_timestamp_seconds", help))?;
        let keys = add(to, gauge("keys", "Answers of the live generation"))?;
        let bytes = add(to, gauge("bytes", "Memory of the live generation, in bytes"))?;
        let help = "When the last build of the plan began, in seconds since 1970";
        let plan_built = add(to, by_plan("plan_built_timestamp_seconds", help))?;
        let help = "Answers of the plan in the live generation";
        let plan_keys = add(to, by_plan("plan_keys", help))?;
        let help = "Held part of the answers that the plan wants, 0 to 1";
        let completeness = GaugeVec::new(opts("plan_completeness_ratio", help), &["plan"]);
        let completeness = add(to, completeness)?;
        let running = add(to, by_plan("jobs_running", "Running jobs"))?;
        let help = "Ended jobs by outcome (done, refused, failed, cancelled)";
        let jobs = add(to, counter("jobs_total", help, &["plan", "outcome"]))?;
        let build_seconds = histogram("build_seconds", "Duration of builds", 0.1, 10)?;
        let build_seconds = add(to, HistogramVec::new(build_seconds, &["plan"]))?;
        let help = "Failed checks of builds, including builds that were published by force";
        let refusals = add(to, counter("refusals_total", help, &["plan", "check"]))?;
        let help = "Answers of builds by origin (read, shared, kept, missing)";
        let answers = add(to, counter("answers_total", help, &["plan", "how"]))?;
        let reads = add(to, counter("reads_total", "Store reads of builds", &["plan"]))?;
        let help = "Duration of writing a generation to disk";
        let artefact_seconds = histogram("artefact_write_seconds", help, 0.01, 9)?;
        let artefact_seconds = add(to, Histogram::with_opts(artefact_seconds))?;
        let help = "Generations that could not be written to or loaded from disk (write, load)";
        let artefact_failures = add(to, counter("artefact_failures_total", help, &["doing"]))?;
        Ok(Self {
            generation,
            built,
            keys,
            bytes,
            plan_built,
            plan_keys,
            completeness,
            running,
            jobs,
            build_seconds,
            refusals,
            answers,
            reads,
            artefact_seconds,
            artefact_failures,
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
        for outcome in ["done", "refused", "failed", "cancelled"] {
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
