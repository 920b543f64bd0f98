//! Many answers from few reads, for warmers.
//!
//! Queries whose rows lie in one partition are answered from one read of everything that they
//! span. Each gets the rows that it would have got alone, so its bytes are those of
//! [`Origin::answer`]. Epochs follow the same rule, too: the epoch is taken first, and each answer
//! gets the older of it and the read's.

use crate::answer::{Fetched, Origin, represent};
use crate::clock::Moment;
use crate::entry::Entry;
use crate::epochs::{Epoch, PurgeTags};
use crate::error::OriginError;
use crate::memory_budget::Consumer;
use crate::read_plan::ReadPlan;
use crate::request_context::RequestContext;
use crate::singleflight::{Failure, Outcome};
use aqs_api::calendar::Digits;
use aqs_api::{Answer, Catalogue, Lookup, NoDataReason, Query, Representation};
use std::sync::Arc;

#[derive(Debug)]
pub struct Batch {
    /// An outcome for each query, in their order.
    pub entries: Vec<Outcome<Entry>>,
    pub reads: usize,
}

struct Planned {
    query: Query,
    tags: PurgeTags,
    need: Need,
}

/// What a query needs to be answered.
enum Need {
    /// No read: the coverage says that there is no data.
    Nothing(NoDataReason),
    Rows {
        /// The position of the read.
        read: usize,
        /// The query's own part of the rows.
        range: Option<(Digits, Digits)>,
        /// The reason if there is no data in them.
        if_empty: Option<NoDataReason>,
    },
}

/// A body, with the time and epoch of the read that it comes from.
type RenderedRead = (Representation, Option<(Moment, Epoch)>);

impl Origin {
    /// Answers queries with one read for each partition. Bodies are rendered off the async
    /// threads.
    pub async fn answers_of(&self, queries: &[Query], ctx: &RequestContext) -> Batch {
        // Before the coverage is read: what an older one clips has an older epoch.
        let epoch = self.epochs.current();
        let now = self.clock.now();
        let (planned, reads) = self.plan(queries);
        let mut fetched = Vec::with_capacity(reads.len());
        for (lookup, tags) in &reads {
            fetched.push(self.fetch(Arc::clone(lookup), tags, ctx).await);
        }
        let rows = fetched.iter().filter_map(|fetched| fetched.as_ref().ok());
        let weight: usize = rows.map(|fetched| fetched.rows.weight()).sum();
        // Bodies take about twice the memory of their rows.
        let _bodies = self.budget.reserve(Consumer::Flights, 2 * weight);
        let catalogue = Arc::clone(&self.catalogue);
        let rendering = tokio::task::spawn_blocking(move || {
            let rendered = planned.into_iter().map(|one| {
                let rendered = one.render(&fetched, &catalogue);
                (one, rendered)
            });
            rendered.collect::<Vec<_>>()
        });
        let entry = |(one, rendered): (Planned, Outcome<RenderedRead>)| {
            let (rendered, read) = rendered?;
            let (fetched_at, read_epoch) = read.unwrap_or((now, epoch));
            Ok(self.entry(&one.query, rendered, fetched_at, epoch.min(read_epoch), one.tags))
        };
        let entries = match rendering.await {
            Ok(rendered) => rendered.into_iter().map(entry).collect(),
            Err(_) => queries.iter().map(|_| Err(OriginError::Lost.into())).collect(),
        };
        Batch { entries, reads: reads.len() }
    }

    /// Ends when no client waits for a store of these queries, or when the priority has risen above
    /// warming: until then a warmer reads nothing.
    pub async fn until_idle(&self, queries: &[Query], ctx: &RequestContext) {
        self.stores().no_live_waits(queries, ctx).await;
    }

    /// The number of clients' reads that wait for a store.
    pub fn live_waiting(&self) -> usize {
        self.stores().live_waiting()
    }

    /// The number of reads for a batch of queries: one for each partition.
    pub fn reads_of(&self, queries: &[Query]) -> usize {
        self.plan(queries).1.len()
    }

    /// The reads of queries: each partition once, as wide as any of them needs.
    fn plan(&self, queries: &[Query]) -> (Vec<Planned>, Vec<(Arc<Lookup>, PurgeTags)>) {
        let coverage = self.coverage();
        let mut reads: Vec<(Arc<Lookup>, PurgeTags)> = Vec::new();
        let planned = queries.iter().map(|query| {
            let plan = ReadPlan::new(query.clone(), &self.catalogue);
            let clipped = plan.clipped(&coverage);
            let ReadPlan { query, tags, .. } = plan;
            let need = match clipped {
                Err(reason) => Need::Nothing(reason),
                Ok(lookup) => {
                    let (range, if_empty) = (lookup.range(), coverage.no_data_reason(&lookup));
                    Need::Rows { read: add_read(&mut reads, lookup, tags), range, if_empty }
                }
            };
            Planned { query, tags, need }
        });
        (planned.collect(), reads)
    }
}

impl Planned {
    /// Renders the answer; with the moment and epoch of its read, if it needed one.
    fn render(&self, fetched: &[Outcome<Fetched>], catalogue: &Catalogue) -> Outcome<RenderedRead> {
        let (read, range, if_empty) = match &self.need {
            Need::Nothing(reason) => {
                let nothing = aqs_api::render(&self.query, &Answer::Empty(*reason));
                let nothing = nothing.map_err(|source| OriginError::shape(&self.query, source))?;
                return Ok((nothing, None));
            }
            Need::Rows { read, range, if_empty } => (*read, range, *if_empty),
        };
        let fetched = fetched.get(read).ok_or_else(|| Failure::from(OriginError::Lost))?;
        let Fetched { rows, epoch, fetched_at } = fetched.as_ref().map_err(Clone::clone)?;
        let rendered = match range {
            None => represent(&self.query, rows, if_empty, catalogue),
            Some((first, last)) => {
                let rows = rows.between(first, last);
                let rows = rows.map_err(|error| OriginError::shape(&self.query, error.into()))?;
                represent(&self.query, &rows, if_empty, catalogue)
            }
        };
        Ok((rendered?, Some((*fetched_at, *epoch))))
    }
}

/// Adds a lookup to the read of its partition, which is widened, or as a new one. Returns the
/// read's position. A flight is joined by the tags of the first lookup: the epoch says whether it
/// is too old for the others.
fn add_read(
    reads: &mut Vec<(Arc<Lookup>, PurgeTags)>,
    lookup: Arc<Lookup>,
    tags: PurgeTags,
) -> usize {
    // Backwards: queries of one partition come together.
    let widened = reads.iter_mut().rposition(|(read, _)| widen(Arc::make_mut(read), &lookup));
    widened.unwrap_or_else(|| {
        reads.push((lookup, tags));
        reads.len() - 1
    })
}

/// Makes a read wide enough for another of the same partition; false if it is of another.
fn widen(read: &mut Lookup, wanted: &Lookup) -> bool {
    let (read, wanted) = match (read, wanted) {
        (Lookup::Points(read), Lookup::Points(wanted)) => (read, wanted),
        (Lookup::Events(read), Lookup::Events(wanted)) => return read == wanted,
        (Lookup::Points(_), Lookup::Events(_)) | (Lookup::Events(_), Lookup::Points(_)) => {
            return false;
        }
    };
    if read.dataset != wanted.dataset || read.partition != wanted.partition {
        return false;
    }
    match (&mut read.range, &wanted.range) {
        (Some(read), Some(wanted)) => *read = (read.0.min(wanted.0), read.1.max(wanted.1)),
        (read, wanted) => return *read == *wanted,
    }
    true
}
