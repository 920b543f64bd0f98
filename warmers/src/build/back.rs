//! The way back: an older content under a new number.

use super::outcome::RolledBack;
use super::publish::reserve;
use super::upkeep::context;
use super::{Builder, RollbackError};
use crate::artefact::ArtefactDirectory;
use crate::aside::aside;
use crate::generation::{Generation, HotSet, Provenance};
use crate::metrics::Metrics;
use aqs_origin::Moment;
use std::convert::Infallible;
use std::sync::Arc;

impl Builder {
    /// Publishes an older generation's content again: the one before, or that of a number. From
    /// memory it takes no time; then it is written to the disk, so that it stays after a restart.
    pub async fn rollback(&self, to: Option<u64>) -> Result<RolledBack, RollbackError> {
        let (origin, hot_set) = (Arc::clone(&self.origin), Arc::clone(&self.hot_set));
        let (artefacts, metrics) = (self.artefacts.clone(), self.metrics.clone());
        let limit = self.limit();
        let work = aside(move || {
            let live = hot_set.live();
            let live = live.as_deref();
            if let (Some(id), true) = (to, to == live.map(|live| live.id)) {
                return Err(RollbackError::Live(id));
            }
            let ctx = context(&origin, limit);
            let before = hot_set.previous();
            let to = match to {
                Some(to) => to,
                None => back_from(live, before.as_deref(), artefacts.as_deref())?,
            };
            let old = match before.filter(|before| before.id == to) {
                Some(old) => old,
                None => {
                    let artefacts = artefacts.as_deref().ok_or(RollbackError::Nothing)?;
                    Arc::new(artefacts.read(to, ctx)?)
                }
            };
            let now = origin.clock().now();
            Ok(publish_again(&hot_set, &old, artefacts.as_deref(), &metrics, now))
        });
        let generation = work.await.unwrap_or(Err(RollbackError::Lost))?;
        if let Provenance::RolledBack { from } = generation.provenance {
            tracing::warn!(id = generation.id, from, "rolled back");
        }
        let artefact = self.keep(&generation).await;
        Ok(RolledBack { generation, artefact })
    }
}

/// Publishes the content of a generation under a new number.
pub(super) fn publish_again(
    hot_set: &HotSet,
    old: &Generation,
    artefacts: Option<&ArtefactDirectory>,
    metrics: &Metrics,
    now: Moment,
) -> Arc<Generation> {
    let again = |live: Option<&Generation>, id| {
        reserve(artefacts, id, metrics);
        let new = old.again(id, live.map(|live| live.id), now);
        metrics.published(&new, live);
        Ok::<_, Infallible>(new)
    };
    let Ok(new) = hot_set.publish(again);
    new
}

/// Where to go back to if nobody says: before the live generation. If that has gone back itself,
/// what came after the one that it has gone back to was found bad already.
fn back_from(
    live: Option<&Generation>,
    previous: Option<&Generation>,
    artefacts: Option<&ArtefactDirectory>,
) -> Result<u64, RollbackError> {
    let from = |provenance| match provenance {
        Provenance::RolledBack { from } => Some(from),
        Provenance::Built => None,
    };
    let mut rolled_back = live.and_then(|live| from(live.provenance));
    if let (None, Some(previous)) = (rolled_back, previous) {
        return Ok(previous.id);
    }
    let artefacts = artefacts.ok_or(RollbackError::Nothing)?;
    let mut before = live.map_or(u64::MAX, |live| live.id);
    // It may have gone back to one that had gone back.
    while let Some(older) = rolled_back.filter(|older| *older < before) {
        before = older;
        rolled_back = artefacts.header(older).ok().and_then(|header| from(header.provenance));
    }
    let gone_back = live.filter(|live| live.provenance != Provenance::Built);
    let other = |id: &u64| match (gone_back, artefacts.header(*id)) {
        (Some(live), Ok(header)) => header.checksum != live.checksum,
        // What is wrong with it is told when it is read.
        _ => true,
    };
    let mut older = artefacts.kept()?.into_iter().rev().filter(|id| *id < before);
    older.find(other).ok_or(RollbackError::Nothing)
}
