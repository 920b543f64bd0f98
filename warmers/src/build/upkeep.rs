//! What else is done with generations: keeping, loading, going back, looking at.

use super::outcome::{RolledBack, Verified};
use super::{Builder, RollbackError};
use crate::artefact::{ArtefactDirectory, ArtefactError, Context, SetAside};
use crate::checks::compare;
use crate::generation::{Checksum, Generation};
use aqs_api::{Query, Target};
use aqs_origin::{Entry, Origin};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

fn context(origin: &Origin) -> Context<'_> {
    let (catalogue, epochs) = (origin.catalogue(), &*origin.epochs);
    Context { catalogue, epochs, times: origin.times() }
}

impl Builder {
    /// Publishes the newest generation on the disk that can be used, before anybody is served.
    /// Gives it, and what had to be set aside.
    pub fn load(&self) -> Result<(Option<Arc<Generation>>, Vec<SetAside>), ArtefactError> {
        let Some(artefacts) = &self.artefacts else { return Ok((None, Vec::new())) };
        let failed = |error| {
            self.metrics.artefact_failures.with_label_values(&["load"]).inc();
            error
        };
        let loaded = artefacts.load(context(&self.origin)).map_err(failed)?;
        let failures = self.metrics.artefact_failures.with_label_values(&["load"]);
        failures.inc_by(loaded.set_aside.len() as u64);
        let generation = loaded.generation.map(|kept| {
            let generation = self.hot_set.restore(kept);
            self.metrics.published(&generation, None);
            generation
        });
        self.hot_set.number_after(artefacts.highest().map_err(failed)?);
        Ok((generation, loaded.set_aside))
    }

    /// Writes a generation to the disk, if it is kept there; tells how many bytes that took, or
    /// why it failed. It is served either way.
    pub(super) async fn keep(&self, generation: &Arc<Generation>) -> Option<Result<u64, String>> {
        let (artefacts, written) = (Arc::clone(self.artefacts.as_ref()?), Arc::clone(generation));
        let begun = Instant::now();
        let work = tokio::task::spawn_blocking(move || artefacts.write(&written));
        let done = match work.await {
            Ok(done) => done.map_err(|error| error.to_string()),
            Err(_) => Err("the task that writes it ended".to_owned()),
        };
        match &done {
            Ok(_) => self.metrics.artefact_seconds.observe(begun.elapsed().as_secs_f64()),
            Err(error) => {
                self.metrics.artefact_failures.with_label_values(&["write"]).inc();
                let id = generation.id;
                tracing::error!(id, error, "the generation is served, but not kept for a restart");
            }
        }
        Some(done)
    }

    /// Publishes an older generation's content again: the one before, or that of a number. From
    /// memory it takes no time; then it is written to the disk, so that it stays after a restart.
    pub async fn rollback(&self, to: Option<u64>) -> Result<RolledBack, RollbackError> {
        let (origin, hot_set) = (Arc::clone(&self.origin), Arc::clone(&self.hot_set));
        let (artefacts, metrics) = (self.artefacts.clone(), self.metrics.clone());
        let work = tokio::task::spawn_blocking(move || {
            let live_id = hot_set.live().map(|live| live.id);
            if let (Some(id), true) = (to, to == live_id) {
                return Err(RollbackError::Live(id));
            }
            let in_memory = hot_set.previous();
            let in_memory = in_memory.filter(|previous| to.is_none_or(|to| to == previous.id));
            let old = match in_memory {
                Some(old) => old,
                None => Arc::new(from_disk(artefacts.as_deref(), &origin, to, live_id)?),
            };
            let now = origin.clock().now();
            let again = |live: Option<&Generation>, id| {
                let new = old.again(id, live.map(|live| live.id), now);
                metrics.published(&new, live);
                Ok::<_, Infallible>(new)
            };
            let Ok(new) = hot_set.publish(again);
            Ok(new)
        });
        let generation = work.await.unwrap_or(Err(RollbackError::Lost))?;
        tracing::warn!(id = generation.id, birth = ?generation.birth, "rolled back");
        let artefact = self.keep(&generation).await;
        Ok(RolledBack { generation, artefact })
    }

    /// The numbers of the generations on the disk, ascending; `None` if they are kept nowhere.
    ///
    /// # Errors
    ///
    /// If their directory can't be listed.
    pub fn kept(&self) -> Result<Option<Vec<u64>>, ArtefactError> {
        self.artefacts.as_ref().map(|artefacts| artefacts.kept()).transpose()
    }

    /// Looks at the published generation: its sum, its file, and a sample beside direct answers.
    /// `None` if nothing is published.
    pub async fn verify(&self, sample: usize) -> Option<Verified> {
        let live = self.hot_set.live()?;
        let (looked_at, artefacts) = (Arc::clone(&live), self.artefacts.clone());
        let origin = Arc::clone(&self.origin);
        let work = tokio::task::spawn_blocking(move || {
            let sum = Checksum::of(looked_at.iter().map(|(key, held)| (key, &*held.entry)));
            let artefact = artefacts.map(|artefacts| same_on_disk(&artefacts, &origin, &looked_at));
            (sum == looked_at.checksum, artefact, chosen(&looked_at, &origin, sample))
        });
        let (intact, artefact, chosen) = work.await.ok()?;
        let compared = compare(&self.origin, chosen, self.settings.within).await;
        Some(Verified {
            generation: live.id,
            intact,
            artefact,
            compared: compared.compared,
            differs: compared.refusals.iter().map(ToString::to_string).collect(),
        })
    }
}

/// Reads a generation, or the newest that is older than the live one.
fn from_disk(
    artefacts: Option<&ArtefactDirectory>,
    origin: &Origin,
    to: Option<u64>,
    live: Option<u64>,
) -> Result<Generation, RollbackError> {
    let artefacts = artefacts.ok_or(RollbackError::Nothing)?;
    if let Some(id) = to {
        return Ok(artefacts.read(id, context(origin))?);
    }
    let kept = artefacts.kept()?;
    let older = kept.into_iter().rev().find(|id| live.is_none_or(|live| *id < live));
    Ok(artefacts.read(older.ok_or(RollbackError::Nothing)?, context(origin))?)
}

fn same_on_disk(
    artefacts: &ArtefactDirectory,
    origin: &Origin,
    live: &Generation,
) -> Result<(), String> {
    match artefacts.read(live.id, context(origin)) {
        Ok(kept) if kept.checksum == live.checksum => Ok(()),
        Ok(_) => Err("its file holds other answers".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Some answers that no purge has met, at random.
fn chosen(live: &Generation, origin: &Origin, sample: usize) -> Vec<(Query, Arc<Entry>)> {
    use aqs_origin::epochs::Validity;
    let valid = live.iter().filter(|(_, held)| {
        origin.epochs.validity(held.entry.stamp, &held.entry.slots) == Validity::Valid
    });
    let chosen = fastrand::choose_multiple(valid, sample);
    let query = |key: &aqs_api::Key| {
        let target = Target { dialect: key.dialect(), path: key.path() };
        origin.catalogue().resolve(target).ok()
    };
    chosen
        .into_iter()
        .filter_map(|(key, held)| Some((query(key)?, Arc::clone(&held.entry))))
        .collect()
}
