//! What a panel of the dashboard is.

/// Panels that belong together, under a heading.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The heading.
    pub title: &'static str,
    /// The panels, in the order of reading.
    pub panels: &'static [Panel],
}

/// A figure or a graph.
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    /// What it shows, unlike any other's title.
    pub title: &'static str,
    /// What it tells, in a sentence or two.
    pub help: &'static str,
    /// How it is drawn.
    pub kind: Kind,
    /// In what it is measured.
    pub unit: Unit,
    /// What is drawn.
    pub targets: &'static [Target],
}

/// An expression of a panel, with `$here` for the instances that were chosen.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What Prometheus is asked.
    pub expr: &'static str,
    /// What its series are called.
    pub legend: &'static str,
    /// Whether it has a series at every house that has answered something. Others are about what
    /// not every house has.
    pub always: bool,
}

/// How a panel is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The newest value as a number.
    Figure,
    /// A line for each series.
    Lines,
    /// Areas on top of each other.
    Areas,
}

/// In what a panel is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of something.
    Count,
    /// Parts of one, shown as percent.
    Ratio,
    /// Seconds.
    Seconds,
    /// Bytes, by 1024.
    Bytes,
    /// Requests per second.
    Requests,
    /// Reads per second.
    Reads,
    /// Anything else per second.
    Events,
}

impl Target {
    /// An expression that has a series at every house that has answered something.
    pub const fn always(expr: &'static str, legend: &'static str) -> Self {
        Self { expr, legend, always: true }
    }

    /// An expression about what not every house has.
    pub const fn maybe(expr: &'static str, legend: &'static str) -> Self {
        Self { expr, legend, always: false }
    }
}

impl Unit {
    /// Grafana's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "short",
            Self::Ratio => "percentunit",
            Self::Seconds => "s",
            Self::Bytes => "bytes",
            Self::Requests => "reqps",
            Self::Reads => "rps",
            Self::Events => "cps",
        }
    }
}
