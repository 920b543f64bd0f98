//! Lines that the log lost: read where the log counts them.

use crate::log::Handle;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, Opts};

/// Shows how many lines the log has lost. A counter beside the log's own would be brought up to
/// date by several scrapes at once, and be too high.
pub(super) struct LinesLost {
    opts: Opts,
    none: IntCounter,
    log: Option<Handle>,
}

impl LinesLost {
    pub(super) fn new(opts: Opts, log: Option<Handle>) -> Result<Self, prometheus::Error> {
        let none = IntCounter::with_opts(opts.clone())?;
        Ok(Self { opts, none, log })
    }
}

impl Collector for LinesLost {
    fn desc(&self) -> Vec<&Desc> {
        self.none.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let (Some(log), Ok(lost)) = (&self.log, IntCounter::with_opts(self.opts.clone())) else {
            return self.none.collect();
        };
        lost.inc_by(log.lost());
        lost.collect()
    }
}
