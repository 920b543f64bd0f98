//! Reading the top lists that a plan takes its articles from.

use super::progress::Progress;
use super::{BuildError, Builder};
use crate::plan::{Newest, Plan, Tops};
use aqs_api::Coverage;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

impl Builder {
    /// The articles of the top lists that a plan needs.
    pub(super) async fn tops(
        &self,
        plan: &Plan,
        coverage: &Coverage,
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Tops, BuildError> {
        let mut tops = Tops::default();
        let reader = self.reader(plan, std::sync::Weak::new(), progress);
        for ((project, unit), count) in Tops::wanted(plan) {
            let catalogue = self.origin.catalogue();
            for query in Tops::queries(catalogue, coverage, &project, Newest { count, unit }) {
                let read = reader.clone().partition(vec![query]);
                let read = cancel.run_until_cancelled(read).await.ok_or(BuildError::Cancelled)?;
                let entry = read.answers.first().map(|(_, entry)| Arc::clone(entry));
                let unread = |reason: Option<String>| BuildError::Tops {
                    project: project.clone(),
                    reason: reason.unwrap_or_else(|| "its answer has no articles".to_owned()),
                };
                let entry = entry.ok_or_else(|| unread(read.error))?;
                tops.add(&project, unit, &entry).ok_or_else(|| unread(None))?;
            }
        }
        Ok(tops)
    }
}
