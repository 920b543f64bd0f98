//! The metrics of this crate: the one place where they are declared.

use crate::generation::Generation;
use aqs_origin::declare::Declarations;
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
};

/// What the hot set counts.
#[derive(Clone, Debug)]
pub struct Metrics {
    generation: IntGauge,
    built: IntGauge,
    keys: IntGauge,
    bytes: IntGauge,
    plan_built: IntGaugeVec,
    plan_keys: IntGaugeVec,
    completeness: GaugeVec,
    /// Jobs under way, by plan.
    pub running: IntGaugeVec,
    /// Jobs that ended, by plan and outcome.
    pub jobs: IntCounterVec,
    /// How long builds took, by plan.
    pub build_seconds: HistogramVec,
    /// Refused publications, by plan and check.
    pub refusals: IntCounterVec,
    /// Answers that builds brought, by plan and how.
    pub answers: IntCounterVec,
    /// Reads that builds took, by plan.
    pub reads: IntCounterVec,
    /// How long it took to write a generation to the disk.
    pub artefact_seconds: Histogram,
    /// What failed about generations on disk, by what was attempted.
    pub artefact_failures: IntCounterVec,
}

impl Metrics {
    /// Declares them.
    pub fn declare(declarations: &mut Declarations<'_>) -> Result<Self, prometheus::Error> {
        let counters =
            |name, help, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let gauges = |name, help| IntGaugeVec::new(Opts::new(name, help), &["plan"]);
        let seconds = |name, help| HistogramOpts::new(name, help);
        let metrics = Self {
            generation: IntGauge::new(
                "aqs_hot_set_generation",
                "The number of the published generation; 0 if there is none",
            )?,
            built: IntGauge::new(
                "aqs_hot_set_built_timestamp_seconds",
                "When the published generation was made, in seconds since 1970",
            )?,
            keys: IntGauge::new("aqs_hot_set_keys", "Answers in the published generation")?,
            bytes: IntGauge::new(
                "aqs_hot_set_bytes",
                "Bytes that the published generation takes in memory",
            )?,
            plan_built: gauges(
                "aqs_hot_set_plan_built_timestamp_seconds",
                "When a plan was last built, in seconds since 1970",
            )?,
            plan_keys: gauges("aqs_hot_set_plan_keys", "Answers that are held of a plan")?,
            completeness: GaugeVec::new(
                Opts::new(
                    "aqs_hot_set_plan_completeness_ratio",
                    "Which part of the answers that a plan wants is held, 0 to 1",
                ),
                &["plan"],
            )?,
            running: gauges("aqs_hot_set_jobs_running", "Builds under way, by plan")?,
            jobs: counters(
                "aqs_hot_set_jobs_total",
                "Builds that ended, by plan and outcome (done, refused, failed, cancelled)",
                &["plan", "outcome"],
            )?,
            build_seconds: HistogramVec::new(
                seconds("aqs_hot_set_build_seconds", "How long builds took, by plan")
                    .buckets(prometheus::exponential_buckets(0.1, 3.0, 10)?),
                &["plan"],
            )?,
            refusals: counters(
                "aqs_hot_set_refusals_total",
                "Generations that were not published, or only by force, by plan and check",
                &["plan", "check"],
            )?,
            answers: counters(
                "aqs_hot_set_answers_total",
                "Answers that builds brought, by plan and how (read, shared, kept, missing)",
                &["plan", "how"],
            )?,
            reads: counters(
                "aqs_hot_set_reads_total",
                "Store reads that builds asked for, by plan",
                &["plan"],
            )?,
            artefact_seconds: Histogram::with_opts(
                seconds(
                    "aqs_hot_set_artefact_write_seconds",
                    "How long it took to write a generation to the disk",
                )
                .buckets(prometheus::exponential_buckets(0.01, 3.0, 9)?),
            )?,
            artefact_failures: counters(
                "aqs_hot_set_artefact_failures_total",
                "Generations on disk that could not be written or used (write, load)",
                &["doing"],
            )?,
        };
        metrics.register(declarations)?;
        Ok(metrics)
    }

    fn register(&self, declarations: &mut Declarations<'_>) -> Result<(), prometheus::Error> {
        declarations.add(self.generation.clone())?;
        declarations.add(self.built.clone())?;
        declarations.add(self.keys.clone())?;
        declarations.add(self.bytes.clone())?;
        declarations.add(self.plan_built.clone())?;
        declarations.add(self.plan_keys.clone())?;
        declarations.add(self.completeness.clone())?;
        declarations.add(self.running.clone())?;
        declarations.add(self.jobs.clone())?;
        declarations.add(self.build_seconds.clone())?;
        declarations.add(self.refusals.clone())?;
        declarations.add(self.answers.clone())?;
        declarations.add(self.reads.clone())?;
        declarations.add(self.artefact_seconds.clone())?;
        declarations.add(self.artefact_failures.clone())
    }

    /// Tells of the generation that was just published instead of another.
    pub(crate) fn published(&self, new: &Generation, before: Option<&Generation>) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.generation.set(number(new.id));
        self.built.set(number(new.built.0 / 1000));
        self.keys.set(number(new.keys() as u64));
        self.bytes.set(number(new.bytes));
        for gone in before.into_iter().flat_map(|before| &before.plans) {
            if new.plan(&gone.name).is_none() {
                // They are there unless the same generation is told of twice.
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

    /// Makes the series of a plan, so that they begin at zero and not with the first event.
    pub(crate) fn expect(&self, plan: &str) {
        self.running.with_label_values(&[plan]);
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
        self.reads.with_label_values(&[plan]);
    }
}
