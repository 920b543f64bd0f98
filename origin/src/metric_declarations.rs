//! Declares metrics: in a registry, and for the page that lists them.

use prometheus::core::Collector;
use prometheus::proto::MetricType;
use prometheus::{Error, Registry};

/// A registry, and the metrics that were declared in it.
#[derive(Debug)]
pub struct Declarations<'a> {
    registry: &'a Registry,
    /// In the order of their declaration.
    pub declared: Vec<Declared>,
}

/// A metric as the page describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    pub name: String,
    /// Counter, gauge or histogram.
    pub kind: &'static str,
    pub labels: Vec<String>,
    pub help: String,
}

impl<'a> Declarations<'a> {
    pub fn of(registry: &'a Registry) -> Self {
        Self { registry, declared: Vec::new() }
    }

    /// Declares a metric that is made here, and returns it.
    pub fn declare<C: Collector + Clone + 'static>(
        &mut self,
        made: Result<C, Error>,
    ) -> Result<C, Error> {
        let collector = made?;
        self.add(collector.clone())?;
        Ok(collector)
    }

    pub fn add(&mut self, collector: impl Collector + 'static) -> Result<(), Error> {
        let families = collector.collect();
        for desc in collector.desc() {
            let family = families.iter().find(|family| family.name() == desc.fq_name);
            let kind = match family.map(prometheus::proto::MetricFamily::get_field_type) {
                Some(MetricType::COUNTER) => "counter",
                Some(MetricType::HISTOGRAM) => "histogram",
                _ => "gauge",
            };
            let constant = desc.const_label_pairs.iter().map(|pair| pair.name().to_owned());
            self.declared.push(Declared {
                name: desc.fq_name.clone(),
                kind,
                labels: constant.chain(desc.variable_labels.iter().cloned()).collect(),
                help: desc.help.clone(),
            });
        }
        self.registry.register(Box::new(collector))
    }
}
