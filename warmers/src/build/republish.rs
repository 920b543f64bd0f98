//! Publishes generations that exist already: after a restart, and when an operator rolls back.

use super::{Builder, RollbackError};
use crate::artefact::{ArtefactDirectory, ArtefactError, RestoreContext};
use crate::blocking;
use crate::generation::{Generation, Provenance};
use aqs_origin::Origin;
use std::convert::Infallible;
use std::sync::Arc;

impl Builder {
    pub(super) fn restore_context(&self) -> RestoreContext<'_> {
        let Origin { epochs, budget, .. } = &*self.origin;
        let (catalogue, times) = (self.origin.catalogue(), self.origin.times());
        RestoreContext { catalogue, epochs, times, budget, limit: self.limit() }
    }

    /// Publishes the newest usable generation on disk. Returns it, and the files that cannot be
    /// used.
    ///
    /// It keeps its id unless a later one was used already, since ids only rise.
    pub async fn load(
        self: &Arc<Self>,
    ) -> Result<(Option<Arc<Generation>>, Vec<ArtefactError>), ArtefactError> {
        let Some(artefacts) = self.artefacts.clone() else { return Ok((None, Vec::new())) };
        let builder = Arc::clone(self);
        let _writing = Arc::clone(&self.files).read_owned().await;
        let work = blocking::run(move || {
            let last = artefacts.last_id()?;
            let (kept, quarantined) = artefacts.load(builder.restore_context())?;
            let Some(kept) = kept else {
                builder.hot_set.skip_ids(last);
                return Ok((None, false, quarantined));
            };
            let has_new_id = kept.id < last;
            let generation = if has_new_id {
                builder.hot_set.skip_ids(last);
                builder.republish(&kept)
            } else {
                let generation = builder.hot_set.restore(kept);
                builder.metrics.published(&generation, None);
                generation
            };
            Ok((Some(generation), has_new_id, quarantined))
        });
        let failures = self.metrics.artefact_failures.with_label_values(&["load"]);
        let loaded = work.await.unwrap_or(Err(ArtefactError::Lost));
        let (generation, has_new_id, quarantined) = loaded.inspect_err(|_| failures.inc())?;
        let failed =
            quarantined.iter().filter(|error| !matches!(error, ArtefactError::Foreign { .. }));
        failures.inc_by(failed.count() as u64);
        if let (Some(generation), true) = (&generation, has_new_id) {
            // It was logged, and the generation is served nevertheless.
            let _ = self.write_artefact(generation).await;
        }
        Ok((generation, quarantined))
    }

    /// The ids of the generations on disk, ascending. `None` without a directory. Blocks.
    pub fn kept(&self) -> Result<Option<Vec<u64>>, ArtefactError> {
        self.artefacts.as_ref().map(|artefacts| artefacts.kept()).transpose()
    }

    /// Publishes the content of an older generation again: that of `to`, or of the one before the
    /// live one. Then it is written to disk under its new id. Also returns why it could not be
    /// written.
    pub async fn rollback(
        self: &Arc<Self>,
        to: Option<u64>,
    ) -> Result<(Arc<Generation>, Option<String>), RollbackError> {
        let builder = Arc::clone(self);
        let _writing = Arc::clone(&self.files).read_owned().await;
        let work = blocking::run(move || {
            let Self { hot_set, artefacts, .. } = &*builder;
            let (live, previous) = (hot_set.live(), hot_set.previous());
            let (live, artefacts) = (live.as_deref(), artefacts.as_deref());
            if let (Some(id), true) = (to, to == live.map(|live| live.id)) {
                return Err(RollbackError::Live(id));
            }
            let to = match to {
                Some(to) => to,
                None => default_target(live, previous.as_deref(), artefacts)?,
            };
            let old = match previous.filter(|previous| previous.id == to) {
                Some(previous) => previous,
                None => {
                    let artefacts = artefacts.ok_or(RollbackError::Nothing)?;
                    Arc::new(artefacts.read(to, builder.restore_context())?)
                }
            };
            Ok((to, builder.republish(&old)))
        });
        let (from, generation) = work.await.unwrap_or(Err(ArtefactError::Lost.into()))?;
        tracing::warn!(id = generation.id, from, "rolled back");
        let not_kept = self.write_artefact(&generation).await.err();
        Ok((generation, not_kept))
    }

    /// Publishes the content of a generation under a new id.
    fn republish(&self, old: &Generation) -> Arc<Generation> {
        let now = self.origin.clock().now();
        let Ok(new) = self.hot_set.publish(|live, id| {
            let new = old.republished(id, live.map(|live| live.id), now);
            self.before_publication(&new, live);
            Ok::<_, Infallible>(new)
        });
        new
    }
}

/// The generation before the live one. If that was itself rolled back to, the newest generation
/// before its source that has another content.
fn default_target(
    live: Option<&Generation>,
    previous: Option<&Generation>,
    artefacts: Option<&ArtefactDirectory>,
) -> Result<u64, RollbackError> {
    let source = |provenance| match provenance {
        Provenance::RolledBack { from } => Some(from),
        Provenance::Built => None,
    };
    let mut from = live.and_then(|live| source(live.provenance));
    if let (None, Some(previous)) = (from, previous) {
        return Ok(previous.id);
    }
    let rejected = live.filter(|_| from.is_some()).map(|live| live.checksum);
    let artefacts = artefacts.ok_or(RollbackError::Nothing)?;
    let mut before = live.map_or(u64::MAX, |live| live.id);
    // The source may have been a rollback, too.
    while let Some(older) = from.filter(|older| *older < before) {
        before = older;
        from = artefacts.header(older).ok().and_then(|header| source(header.provenance));
    }
    // A file whose header cannot be read is a candidate: reading it reports the reason.
    let differs = |id: &u64| {
        rejected.is_none() || artefacts.header(*id).ok().map(|header| header.checksum) != rejected
    };
    let mut older = artefacts.kept()?.into_iter().rev().filter(|id| *id < before);
    older.find(differs).ok_or(RollbackError::Nothing)
}
