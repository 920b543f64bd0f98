//! Helpers of unit tests: answers without a store.

use crate::artefact::{Identity, StoreIdentity};
use crate::generation::{Generation, MergeMode, PlanContent, PlanFacts, merge};
use aqs_api::lifetimes::Times;
use aqs_api::{Catalogue, Dialect, Key, NoData, NoDataReason, Query, Representation, Target};
use aqs_origin::{Entry, Epochs, Moment, ReadPlan};
use std::sync::Arc;

pub(crate) fn catalogue() -> Catalogue {
    Catalogue::standard().unwrap()
}

/// The address of a project's top list.
pub(crate) fn top(project: &str) -> String {
    format!("/pageviews/top/{project}/all-access/2026/01/all-days")
}

pub(crate) fn query(path: &str) -> Query {
    catalogue().resolve(Target { dialect: Dialect::V2, path }).unwrap()
}

/// An answer of the current epoch.
pub(crate) fn answer(path: &str, body: Option<&str>, epochs: &Epochs) -> (Key, Arc<Entry>) {
    let query = query(path);
    let tags = ReadPlan::new(query.clone(), &catalogue()).tags();
    let representation = match body {
        Some(body) => Representation::body(body.to_owned()),
        None => {
            let no_data = NoData::of(query.endpoint(), NoDataReason::OutOfRange);
            Representation::NoData(no_data.unwrap())
        }
    };
    let (id, epoch, data) = (query.endpoint_id(), epochs.current(), Times::default().data);
    let entry = Entry::new(representation, id, Moment(1), epoch, tags, data);
    (query.key().clone(), Arc::new(entry))
}

/// The result of a build whose answers were all confirmed `at` a moment.
pub(crate) fn content(
    plan: &str,
    answers: Vec<(Key, Arc<Entry>)>,
    at: Moment,
    mode: MergeMode,
) -> PlanContent {
    let wanted = answers.len() as u64;
    let facts = PlanFacts { name: plan.to_owned(), built: at, wanted, ..PlanFacts::default() };
    let answers = answers.into_iter().map(|(key, entry)| (key, entry, at)).collect();
    PlanContent { facts, answers, mode }
}

/// The child of a generation, in which a plan holds these answers.
pub(crate) fn generation(
    parent: Option<&Generation>,
    plan: &str,
    answers: Vec<(Key, Arc<Entry>)>,
    epochs: &Epochs,
) -> Generation {
    let id = parent.map_or(1, |parent| parent.id + 1);
    let content = content(plan, answers, Moment(1000), MergeMode::Replace);
    merge(parent, content, &|_| true, epochs, (id, Moment(1000))).unwrap()
}

pub(crate) fn identity() -> Identity {
    Identity::new(7, vec![store_known_by(&["a store"], &["all"])], &catalogue())
}

pub(crate) fn store_known_by(names: &[&str], datasets: &[&str]) -> StoreIdentity {
    let [names, datasets] =
        [names, datasets].map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    StoreIdentity { names, datasets }
}
