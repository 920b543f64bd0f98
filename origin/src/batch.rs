//! Many answers of one read: what warmers ask.
//!
//! Queries whose rows lie in one partition are answered from one read of all that they span;
//! each gets the rows that it would have got alone, so its bytes are those of
//! [`Origin::answer`]. The rules for epochs are the same, too: the epoch is taken before anything
//! is looked at, and the older of it and the read's goes with every answer.

use crate::answer::{Fetched, Origin, Represented, represent};
use crate::entry::Entry;
use crate::epochs::{Epoch, PurgeTags};
use crate::error::OriginError;
use crate::memory::Part;
use crate::read_plan::ReadPlan;
use crate::request_context::RequestContext;
use crate::singleflight::{Failure, Outcome};
use aqs_api::calendar::Digits;
use aqs_api::{Answer, Catalogue, Lookup, NoDataReason, Query, Rows};
use std::sync::Arc;

/// The answers of a batch.
#[derive(Debug)]
pub struct Batch {
    /// An outcome for each query, in their order.
    pub entries: Vec<Outcome<Entry>>,
    /// How many reads were asked for.
    pub reads: usize,
}

/// A query of a batch, on its way.
struct Asked {
    query: Query,
    tags: PurgeTags,
    wants: Wants,
}

/// What a query needs.
enum Wants {
    /// Nothing: what is loaded tells that there is none.
    Nothing(NoDataReason),
    /// Rows of the read at that position.
    Rows {
        read: usize,
        range: Option<(Digits, Digits)>,
        /// If nothing is found, this is why.
        beside: Option<NoDataReason>,
    },
}

impl Origin {
    /// Answers queries, reading each partition once. The answers are made off the threads that
    /// serve.
    pub async fn answers_of(&self, queries: &[Query], ctx: &RequestContext) -> Batch {
        // Before the coverage is looked at: what is clipped by an older one is older.
        let epoch = self.epochs.current();
        let now = self.clock.now();
        let (asked, reads) = self.plan(queries);
        let mut fetched = Vec::with_capacity(reads.len());
        for (lookup, tags) in &reads {
            fetched.push(self.fetch(Arc::clone(lookup), tags, ctx).await);
        }
        let represented = self.represent_all(&asked, &fetched).await;
        let entries = asked.iter().zip(represented).map(|(one, represented)| {
            let (asked, read_stamp) = match &one.wants {
                Wants::Nothing(_) => (now, epoch),
                Wants::Rows { read, .. } => match fetched.get(*read) {
                    Some(Ok(fetched)) => (fetched.asked, epoch.min(fetched.epoch)),
                    _ => (now, Epoch(0)),
                },
            };
            Ok(self.entry(&one.query, represented?, asked, read_stamp, one.tags))
        });
        Batch { entries: entries.collect(), reads: reads.len() }
    }

    /// Ends when no client waits for the store, or the asker has become more urgent than a
    /// warmer: until then nothing need be asked.
    pub async fn until_idle(&self, ctx: &RequestContext) {
        self.limiter.no_live_waits(ctx).await;
    }

    /// How many clients' reads wait for the store.
    pub fn live_waiting(&self) -> usize {
        self.limiter.live_waiting()
    }

    /// How many reads queries take that are asked together: one for each partition.
    pub fn reads_of(&self, queries: &[Query]) -> usize {
        self.plan(queries).1.len()
    }

    /// What is to be read for queries, each partition once and as wide as any of them needs.
    fn plan(&self, queries: &[Query]) -> (Vec<Asked>, Vec<(Arc<Lookup>, PurgeTags)>) {
        let coverage = self.coverage();
        let mut reads: Vec<(Arc<Lookup>, PurgeTags)> = Vec::new();
        let asked = queries.iter().map(|query| {
            let read_plan = ReadPlan::new(query.clone(), &self.catalogue);
            let clipped = read_plan.clipped(&coverage);
            let ReadPlan { query, tags, .. } = read_plan;
            let wants = match clipped {
                Err(reason) => Wants::Nothing(reason),
                Ok(lookup) => {
                    let range = match &*lookup {
                        Lookup::Points(read) => read.range,
                        _ => None,
                    };
                    let beside = coverage.no_data_reason(&lookup);
                    Wants::Rows { read: join(&mut reads, lookup, tags), range, beside }
                }
            };
            Asked { query, tags, wants }
        });
        (asked.collect(), reads)
    }

    async fn represent_all(
        &self,
        asked: &[Asked],
        fetched: &[Outcome<Fetched>],
    ) -> Vec<Outcome<Represented>> {
        let rows = fetched.iter().filter_map(|fetched| fetched.as_ref().ok());
        let weight: usize = rows.map(|fetched| fetched.rows.weight()).sum();
        // The text of each is about twice as long as its rows, and they are made one by one.
        let _building = self.budget.reserve(Part::Singleflight, 2 * weight);
        let works: Vec<Outcome<Work>> = asked.iter().map(|one| work(one, fetched)).collect();
        let count = works.len();
        let catalogue = Arc::clone(&self.catalogue);
        let done = tokio::task::spawn_blocking(move || {
            let represented = works.into_iter().map(|work| Ok(work?.represent(&catalogue)?));
            represented.collect::<Vec<Outcome<Represented>>>()
        });
        let lost = || std::iter::repeat_with(|| Err(OriginError::Lost.into())).take(count);
        done.await.unwrap_or_else(|_| lost().collect())
    }
}

/// What is left to do for one query once its rows are there.
enum Work {
    Nothing(NoDataReason),
    Shape {
        query: Query,
        fetched: Fetched,
        range: Option<(Digits, Digits)>,
        beside: Option<NoDataReason>,
    },
}

fn work(asked: &Asked, fetched: &[Outcome<Fetched>]) -> Outcome<Work> {
    match &asked.wants {
        Wants::Nothing(reason) => Ok(Work::Nothing(*reason)),
        Wants::Rows { read, range, beside } => {
            let fetched = fetched.get(*read).ok_or_else(|| Failure::from(OriginError::Lost))?;
            let fetched = fetched.as_ref().map_err(Clone::clone)?;
            let (query, fetched) = (asked.query.clone(), fetched.clone());
            Ok(Work::Shape { query, fetched, range: *range, beside: *beside })
        }
    }
}

impl Work {
    fn represent(self, catalogue: &Catalogue) -> Result<Represented, OriginError> {
        match self {
            Self::Nothing(reason) => Ok(Represented::of(&Answer::Empty(reason))),
            Self::Shape { query, fetched, range: None, beside } => {
                represent(&query, &fetched.rows, beside, catalogue)
            }
            Self::Shape { query, fetched, range: Some((first, last)), beside } => {
                let rows: Rows =
                    fetched.rows.between(&first, &last).map_err(|source| OriginError::Shape {
                        path: query.key().path().to_owned(),
                        source: source.into(),
                    })?;
                represent(&query, &rows, beside, catalogue)
            }
        }
    }
}

/// Joins a lookup to the read of its partition, which becomes as wide as it needs; tells which.
/// A flight is looked for by the tags of the first: the epochs tell if it is too old for others.
fn join(reads: &mut Vec<(Arc<Lookup>, PurgeTags)>, lookup: Arc<Lookup>, tags: PurgeTags) -> usize {
    // The newest is the likeliest: queries of one partition come together.
    if let Some(index) = reads.iter_mut().rposition(|(read, _)| widen(Arc::make_mut(read), &lookup))
    {
        return index;
    }
    reads.push((lookup, tags));
    reads.len() - 1
}

/// Makes a read wide enough for another of the same partition; false if it is of another.
fn widen(read: &mut Lookup, wanted: &Lookup) -> bool {
    let (Lookup::Points(held), Lookup::Points(new)) = (&mut *read, wanted) else {
        return read == wanted;
    };
    if held.dataset != new.dataset || held.partition != new.partition {
        return false;
    }
    match (&mut held.range, &new.range) {
        (Some(held), Some(new)) => *held = (held.0.min(new.0), held.1.max(new.1)),
        (held, new) => return *held == *new,
    }
    true
}
