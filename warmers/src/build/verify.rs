//! Verifies the live generation against its checksum, its file and the store.

use super::Builder;
use crate::blocking;
use crate::checks::compare;
use crate::generation::{Checksum, Generation};
use aqs_api::{Key, Query, Target};
use aqs_origin::epochs::Validity;
use aqs_origin::{Entry, Origin};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedView {
    pub generation: u64,
    /// No check failed, and if there is a sample, some of it could be compared.
    #[serde(rename = "well")]
    pub passed: bool,
    /// The answers in memory have the checksum that they were built with.
    pub intact: bool,
    /// The file holds the same answers. `None` without a directory.
    pub kept: Option<bool>,
    pub kept_error: Option<String>,
    /// How many answers are in the sample.
    #[serde(rename = "asked")]
    pub sampled: usize,
    /// How many of them could be compared with the store.
    pub compared: usize,
    pub differs: Vec<String>,
    /// Why the others could not be compared.
    #[serde(rename = "unanswered")]
    pub last_error: Option<String>,
}

impl VerifiedView {
    /// Whether the only problem is that nothing could be compared.
    pub fn is_uncompared(&self) -> bool {
        let failed = !self.intact || self.kept == Some(false) || !self.differs.is_empty();
        !failed && !self.passed && self.compared == 0
    }
}

impl Builder {
    /// Verifies the live generation, with a comparison of `sample` answers. `None` if nothing is
    /// published. Waits for a verification that is already running.
    pub async fn verify(self: &Arc<Self>, sample: usize) -> Option<VerifiedView> {
        // The blocking part keeps the permit, also if this future is dropped.
        let permit = Arc::clone(&self.verifying).acquire_owned().await.ok()?;
        let files = Arc::clone(&self.files).write_owned().await;
        let builder = Arc::clone(self);
        let work = blocking::run(move || {
            let _files = files;
            let live = builder.hot_set.live()?;
            let checksum = Checksum::of(live.iter().map(|(key, hot)| (key, &*hot.entry)));
            let kept = builder.artefacts.as_ref().map(|artefacts| {
                match artefacts.verify(live.id, builder.restore_context()) {
                    Ok(kept) if kept == live.checksum => Ok(()),
                    Ok(_) => Err("its file holds other answers".to_owned()),
                    Err(error) => Err(error.to_string()),
                }
            });
            let wanted = sample.min(live.keys());
            let sample = choose(&live, &builder.origin, sample);
            Some((live.id, checksum == live.checksum, kept, (wanted, sample), permit))
        });
        let (generation, intact, kept, (wanted, sample), _permit) = work.await??;
        let compared = compare(&self.origin, sample, self.settings.within).await;
        let differs = compared.differences;
        let could_compare = wanted == 0 || compared.compared > 0;
        let purged = || "all answers were purged since they were built".to_owned();
        let last_error = compared.last_error.or_else(|| (compared.sampled < wanted).then(purged));
        Some(VerifiedView {
            generation,
            passed: could_compare && intact && differs.is_empty() && !matches!(kept, Some(Err(_))),
            intact,
            kept: kept.as_ref().map(Result::is_ok),
            kept_error: kept.and_then(Result::err),
            sampled: compared.sampled,
            compared: compared.compared,
            differs,
            last_error,
        })
    }
}

/// Chooses answers at random that no purge has met.
fn choose(live: &Generation, origin: &Origin, sample: usize) -> Vec<(Query, Arc<Entry>)> {
    let valid = live.iter().filter(|(_, hot)| {
        origin.epochs.validity(hot.entry.epoch, &hot.entry.tags) == Validity::Valid
    });
    let query = |key: &Key| {
        let target = Target { dialect: key.dialect(), path: key.path() };
        origin.catalogue().resolve(target).ok()
    };
    let chosen = fastrand::choose_multiple(valid, sample).into_iter();
    chosen.filter_map(|(key, hot)| Some((query(key)?, Arc::clone(&hot.entry)))).collect()
}
