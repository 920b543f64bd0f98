//! Everything that Prometheus is asked, wherever it stands.

use crate::alerts::ALERTS;
use crate::overview;
use crate::recordings::RECORDINGS;

/// Something that Prometheus is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Where it stands, for people.
    pub place: String,
    /// What is asked.
    pub expr: String,
    /// Whether there is an answer at every house that has answered something.
    pub always: bool,
}

/// Every expression of the dashboard, with `$here` and its window still open.
pub fn of_panels() -> Vec<Asked> {
    let targets = overview::panels()
        .flat_map(|panel| panel.targets.iter().map(move |target| (panel, target)));
    let asked = targets.map(|(panel, target)| Asked {
        place: format!("{} · {}", panel.title, target.legend),
        expr: target.expr.to_owned(),
        always: target.always,
    });
    asked.collect()
}

/// Every expression of the rules. Of an alert there are two: what is watched, and the whole, which
/// has an answer only when somebody is called.
pub fn of_rules() -> Vec<Asked> {
    let recordings = RECORDINGS.iter().map(|rule| Asked {
        place: rule.record.to_owned(),
        expr: rule.expr.to_owned(),
        always: true,
    });
    let alerts = ALERTS.iter().flat_map(|alert| {
        let (place, watched) = (format!("{} watches", alert.name), alert.watched.to_owned());
        [
            Asked { place, expr: watched, always: alert.always },
            Asked { place: alert.name.to_owned(), expr: alert.expr(), always: false },
        ]
    });
    recordings.chain(alerts).collect()
}
