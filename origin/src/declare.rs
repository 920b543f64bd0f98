//! Declaring metrics: in a registry, and for the page that lists them.

use prometheus::Registry;
use prometheus::core::Collector;
use prometheus::proto::MetricType;

/// A registry, and what was declared in it so far.
#[derive(Debug)]
pub struct Declarations<'a> {
    registry: &'a Registry,
    /// What was declared, in order.
    pub declared: Vec<Declared>,
}

/// What people read about a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// Counter, gauge or histogram.
    pub kind: &'static str,
    /// The labels that tell its series apart.
    pub labels: Vec<String>,
    /// What it counts.
    pub help: String,
}

impl<'a> Declarations<'a> {
    /// Nothing declared yet.
    pub fn of(registry: &'a Registry) -> Self {
        Self { registry, declared: Vec::new() }
    }

    /// Declares a metric.
    pub fn add(&mut self, collector: impl Collector + 'static) -> Result<(), prometheus::Error> {
        let families = collector.collect();
        for desc in collector.desc() {
            let family = families.iter().find(|family| family.name() == desc.fq_name);
            let kind = match family.map(prometheus::proto::MetricFamily::get_field_type) {
                Some(MetricType::COUNTER) => "counter",
                Some(MetricType::HISTOGRAM) => "histogram",
                _ => "gauge",
            };
            self.declared.push(Declared {
                name: desc.fq_name.clone(),
                kind,
                labels: desc
                    .const_label_pairs
                    .iter()
                    .map(|pair| pair.name().to_owned())
                    .chain(desc.variable_labels.iter().cloned())
                    .collect(),
                help: desc.help.clone(),
            });
        }
        self.registry.register(Box::new(collector))
    }
}
