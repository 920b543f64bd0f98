//! A store whose behaviour tests set: it answers, waits, fails or hangs.

use aqs_api::calendar::Digits;
use aqs_api::table::ColumnType;
use aqs_api::{Coverage, Extent, Lookup, Rows};
use aqs_origin::store::{Store, StoreError};
use aqs_origin::{Priority, RequestContext};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// What a read does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Answers,
    IsEmpty,
    Fails,
    Hangs,
}

/// Returns one row per lookup, at the beginning of its range, with `value` in every number.
pub(crate) struct Scripted {
    pub(crate) value: AtomicU64,
    pub(crate) reads: AtomicUsize,
    behaviour: Mutex<Behaviour>,
    /// Reads pass one by one as permits are given; closed, all pass.
    limiter: Semaphore,
    /// The priority of each read when it passed the limiter.
    pub(crate) priorities: Mutex<Vec<Priority>>,
    /// The request id and trace of each read.
    pub(crate) calls: Mutex<Vec<(String, Option<String>)>>,
    /// Reads under way.
    pub(crate) inside: AtomicUsize,
    /// Whether reads sleep for different times before they answer.
    pub(crate) jitters: AtomicBool,
    /// Reads of this project wait.
    held: watch::Sender<Option<&'static str>>,
    /// Reads of this project fail.
    pub(crate) failing_project: Mutex<Option<&'static str>>,
    coverage: Mutex<Coverage>,
    change: AtomicU64,
    versions: Mutex<BTreeMap<&'static str, u64>>,
}

impl Scripted {
    /// A store that answers at once.
    pub(crate) fn open() -> Arc<Self> {
        let store = Self::gated();
        store.limiter.close();
        store
    }

    /// A store whose reads wait at the limiter.
    pub(crate) fn gated() -> Arc<Self> {
        Arc::new(Self {
            value: AtomicU64::new(1),
            reads: AtomicUsize::new(0),
            behaviour: Mutex::new(Behaviour::Answers),
            limiter: Semaphore::new(0),
            priorities: Mutex::default(),
            calls: Mutex::default(),
            inside: AtomicUsize::new(0),
            jitters: AtomicBool::new(false),
            held: watch::Sender::new(None),
            failing_project: Mutex::default(),
            coverage: Mutex::default(),
            change: AtomicU64::new(0),
            versions: Mutex::default(),
        })
    }

    pub(crate) fn set_behaviour(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// Lets one read pass.
    pub(crate) fn let_one_pass(&self) {
        self.limiter.add_permits(1);
    }

    /// Lets all reads pass from now on.
    pub(crate) fn let_all_pass(&self) {
        self.limiter.close();
    }

    /// Holds reads of a project until this is called with another, or with none.
    pub(crate) fn hold(&self, project: Option<&'static str>) {
        self.held.send_replace(project);
    }

    /// Adds days of a dataset to the coverage.
    pub(crate) fn set_coverage(&self, dataset: &str, first: &str, last: &str) {
        let catalogue = super::catalogue();
        let dataset = catalogue.datasets().iter().find(|one| one.name == dataset).unwrap();
        let [first, last] = [first, last].map(|day| Digits::from_text(day).unwrap());
        let extent = Extent { first, last, series: None, exact: false };
        self.coverage.lock().unwrap().insert(dataset, extent);
        self.change.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    /// Changes the rows of a dataset, as a load would.
    pub(crate) fn load(&self, dataset: &'static str, value: u64) {
        self.value.store(value, Ordering::SeqCst);
        *self.versions.lock().unwrap().entry(dataset).or_default() += 1;
        self.change.fetch_add(1, Ordering::SeqCst);
    }

    fn behaviour(&self) -> Behaviour {
        *self.behaviour.lock().unwrap()
    }
}

struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Store for Scripted {
    async fn read(&self, lookup: &Lookup, ctx: &RequestContext) -> Result<Rows, StoreError> {
        let number = self.reads.fetch_add(1, Ordering::SeqCst);
        self.inside.fetch_add(1, Ordering::SeqCst);
        let call = (ctx.request_id.to_string(), ctx.trace.map(|trace| trace.to_string()));
        self.calls.lock().unwrap().push(call);
        let _inside = Inside(&self.inside);
        // Read before it waits: a later change does not affect it.
        let value = self.value.load(Ordering::SeqCst) as i64;
        if let Ok(permit) = self.limiter.acquire().await {
            permit.forget();
        }
        let mut held = self.held.subscribe();
        let _ = held.wait_for(|held| !held.is_some_and(|project| is_about(lookup, project))).await;
        if self.jitters.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_micros(number as u64 * 7919 % 1000)).await;
        }
        self.priorities.lock().unwrap().push(ctx.priority());
        let failing_project = *self.failing_project.lock().unwrap();
        if failing_project.is_some_and(|project| is_about(lookup, project)) {
            let reason = "poisoned".to_owned();
            return Err(StoreError::Unavailable { store: "scripted", reason });
        }
        match self.behaviour() {
            Behaviour::Answers => Ok(one_row(lookup, value)),
            Behaviour::IsEmpty => Ok(lookup.rows().finish()),
            Behaviour::Fails => {
                Err(StoreError::Unavailable { store: "scripted", reason: "scripted".into() })
            }
            // Ignores deadlines too.
            Behaviour::Hangs => pending().await,
        }
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        Ok(self.coverage.lock().unwrap().clone())
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        match self.behaviour() {
            Behaviour::Answers | Behaviour::IsEmpty => Ok(self.change.load(Ordering::SeqCst)),
            Behaviour::Fails | Behaviour::Hangs => {
                Err(StoreError::Unavailable { store: "scripted", reason: "scripted".into() })
            }
        }
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        Ok(self.versions.lock().unwrap().clone())
    }
}

fn is_about(lookup: &Lookup, project: &str) -> bool {
    let Lookup::Points(read) = lookup else { panic!("no table has events") };
    read.partition.iter().any(|part| part == project)
}

fn one_row(lookup: &Lookup, value: i64) -> Rows {
    let Lookup::Points(read) = lookup else { panic!("no table has events") };
    let table = read.table;
    let mut rows = Rows::of(table);
    for (index, column) in table.read_columns().enumerate() {
        match column.kind {
            ColumnType::Int | ColumnType::BigInt => rows.int(index, Some(value)).unwrap(),
            ColumnType::Double => rows.double(index, Some(value as f64)).unwrap(),
            ColumnType::Text | ColumnType::Timestamp | ColumnType::Date => {
                let timestamp =
                    read.range.map_or("2024010100".to_owned(), |(first, _): (Digits, _)| {
                        first.as_str().to_owned()
                    });
                rows.text(index, Some(&timestamp)).unwrap();
            }
            ColumnType::Json => {
                let list = format!(r#"[{{"article":"A","views":{value},"rank":1}}]"#);
                rows.text(index, Some(&list)).unwrap();
            }
        }
    }
    rows.end_row().unwrap();
    rows.finish()
}
