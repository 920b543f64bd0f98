//! What a rule of Prometheus is.

/// A series that is made of others, for rules and for whoever looks back far.
#[derive(Clone, Copy, Debug)]
pub struct Recording {
    /// The name of the series.
    pub record: &'static str,
    /// What it is made of.
    pub expr: &'static str,
}

/// When somebody is called.
#[derive(Clone, Copy, Debug)]
pub struct Alert {
    /// Its name, which is also that of its section in RUNBOOK.md.
    pub name: &'static str,
    /// What is watched.
    pub watched: &'static str,
    /// What it must not be, as `> 0.05`.
    pub must_not_be: &'static str,
    /// What must hold too, as `and on (job, instance) up == 1`; may be empty.
    pub and: &'static str,
    /// Whether there is something to watch at every house that has answered something.
    pub always: bool,
    /// For how long it must be so.
    pub held: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub summary: &'static str,
    /// What is seen, with the figures.
    pub description: &'static str,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Clients get errors: look now.
    Critical,
    /// It costs more than it should, or will soon be critical: look today.
    Warning,
}

impl Alert {
    /// What Prometheus evaluates. What is watched binds closer than what it is compared with.
    pub fn expr(&self) -> String {
        let Self { watched, must_not_be, and, .. } = self;
        format!("{watched} {must_not_be} {and}").trim_end().to_owned()
    }

    /// Where its section is.
    pub fn runbook(&self) -> String {
        format!("dashboards/RUNBOOK.md#{}", self.anchor())
    }

    /// What its section is called in links.
    pub fn anchor(&self) -> String {
        self.name.to_ascii_lowercase()
    }
}

impl Severity {
    /// Its name in labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}
