//! What else is done with generations: keeping, loading, looking at.

use super::Builder;
use super::back::publish_again;
use super::outcome::Verified;
use crate::artefact::{ArtefactDirectory, ArtefactError, Context, SetAside};
use crate::aside::{self, aside};
use crate::checks::compare;
use crate::generation::{Checksum, Generation};
use aqs_api::{Query, Target};
use aqs_origin::{Entry, Origin};
use std::sync::Arc;
use std::time::Instant;

pub(super) fn context(origin: &Origin, limit: u64) -> Context<'_> {
    let (catalogue, epochs) = (origin.catalogue(), &*origin.epochs);
    Context { catalogue, epochs, times: origin.times(), budget: &origin.budget, limit }
}

impl Builder {
    /// Publishes the newest generation on the disk that can be used, before anybody is served.
    /// Gives it, and what can't be used.
    ///
    /// It keeps its number if no later one was ever given, and has a new one otherwise: numbers
    /// only rise.
    pub async fn load(&self) -> Result<(Option<Arc<Generation>>, Vec<SetAside>), ArtefactError> {
        let Some(artefacts) = self.artefacts.clone() else { return Ok((None, Vec::new())) };
        let (origin, hot_set) = (Arc::clone(&self.origin), Arc::clone(&self.hot_set));
        let (metrics, limit) = (self.metrics.clone(), self.limit());
        let failures = self.metrics.artefact_failures.with_label_values(&["load"]);
        let work = aside(move || {
            let last = artefacts.last_number()?;
            let loaded = artefacts.load(context(&origin, limit))?;
            let Some(kept) = loaded.generation else {
                hot_set.number_after(last);
                return Ok((None, false, loaded.set_aside));
            };
            let again = kept.id < last;
            let generation = if again {
                hot_set.number_after(last);
                let now = origin.clock().now();
                publish_again(&hot_set, &kept, Some(&artefacts), &metrics, now)
            } else {
                let generation = hot_set.restore(kept);
                metrics.published(&generation, None);
                generation
            };
            Ok((Some(generation), again, loaded.set_aside))
        });
        let lost = || Err(ArtefactError::Lost);
        let loaded = work.await.unwrap_or_else(lost).inspect_err(|_| failures.inc());
        let (generation, again, set_aside) = loaded?;
        failures.inc_by(set_aside.len() as u64);
        if let (Some(generation), true) = (&generation, again) {
            self.keep(generation).await;
        }
        Ok((generation, set_aside))
    }

    /// Writes a generation to the disk, if it is kept there; tells how many bytes that took, or
    /// why it failed. It is served either way.
    pub(super) async fn keep(&self, generation: &Arc<Generation>) -> Option<Result<u64, String>> {
        let (artefacts, written) = (Arc::clone(self.artefacts.as_ref()?), Arc::clone(generation));
        let begun = Instant::now();
        let work = aside(move || artefacts.write(&written));
        let done = match work.await {
            Some(done) => done.map_err(|error| error.to_string()),
            None => Err("the task that writes it ended".to_owned()),
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

    /// The numbers of the generations on the disk, ascending; `None` if they are kept nowhere.
    ///
    /// # Errors
    ///
    /// If their directory can't be listed.
    pub fn kept(&self) -> Result<Option<Vec<u64>>, ArtefactError> {
        self.artefacts.as_ref().map(|artefacts| artefacts.kept()).transpose()
    }

    /// Looks at the published generation: its sum, its file, and a sample beside direct answers.
    /// `None` if nothing is published. Whoever asks while another look is taken waits for its end.
    pub async fn verify(&self, sample: usize) -> Option<Verified> {
        // It is never closed. Whoever asked may go away: the look at hand is taken to its end.
        let turn = Arc::clone(&self.verifying).acquire_owned().await.ok()?;
        let (hot_set, artefacts) = (Arc::clone(&self.hot_set), self.artefacts.clone());
        let (origin, limit) = (Arc::clone(&self.origin), self.limit());
        let work = aside(move || {
            let live = hot_set.live()?;
            let sum = Checksum::of(live.iter().map(|(key, held)| (key, &*held.entry)));
            let ctx = context(&origin, limit);
            let artefact = artefacts.map(|artefacts| same_on_disk(&artefacts, ctx, &live));
            let chosen = chosen(&live, &origin, sample);
            Some((live.id, sum == live.checksum, artefact, chosen, turn))
        });
        let (generation, intact, artefact, chosen, _turn) = work.await??;
        let compared = compare(&self.origin, chosen, self.settings.within).await;
        Some(Verified {
            generation,
            intact,
            artefact,
            asked: compared.asked,
            compared: compared.compared,
            differs: compared.differs.iter().map(ToString::to_string).collect(),
            unanswered: compared.last_error,
        })
    }
}

fn same_on_disk(
    artefacts: &ArtefactDirectory,
    ctx: Context<'_>,
    live: &Generation,
) -> Result<(), String> {
    match artefacts.checksum(live.id, ctx) {
        Ok(kept) if kept == live.checksum => Ok(()),
        Ok(_) => Err("its file holds other answers".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Some answers that no purge has met, at random.
fn chosen(live: &Generation, origin: &Origin, sample: usize) -> Vec<(Query, Arc<Entry>)> {
    use aqs_origin::epochs::Validity;
    debug_assert!(aside::here());
    let valid = live.iter().filter(|(_, held)| {
        origin.epochs.validity(held.entry.epoch, &held.entry.tags) == Validity::Valid
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
