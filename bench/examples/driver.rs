//! The bare driver makes the read of a miss: `bench/against-driver` compares `aqs` with it.
//! `driver HOST:PORT CONNECTIONS` reads for as long as each line `SECONDS` on standard input says,
//! and prints the number of reads and the median and 99th percentile of their microseconds.

use aqs_api::tables::UNIQUE_DEVICES;
use aqs_origin::store::cassandra::cql;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::statement::Consistency;
use scylla::statement::prepared::PreparedStatement;
use std::error::Error;
use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The allocator of `aqs`: the comparison is about the rest.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A row of the statement: its timestamp and three counters.
type Row<'a> = (&'a str, Option<i64>, Option<i64>, Option<i64>);
type Failure = Box<dyn Error + Send + Sync>;

/// The projects that `bench/against-driver` loads.
const PROJECTS: usize = 2000;
/// The first days of reads, and the days of each.
const WINDOWS: usize = 30;
const ROWS: usize = 30;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: driver HOST:PORT CONNECTIONS";
    let (address, concurrency) = (arguments.next().ok_or(usage)?, arguments.next().ok_or(usage)?);
    let concurrency: usize = concurrency.parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (session, statement) = runtime.block_on(prepare(&address))?;
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let until = Instant::now() + Duration::from_secs_f64(line?.trim().parse()?);
        let next = Arc::new(AtomicUsize::new(0));
        let readers: Vec<_> = (0..concurrency)
            .map(|_| {
                let (session, statement) = (Arc::clone(&session), statement.clone());
                runtime.spawn(read(session, statement, Arc::clone(&next), until))
            })
            .collect();
        let mut micros: Vec<u64> = Vec::new();
        for reader in readers {
            micros.extend(runtime.block_on(reader)??);
        }
        micros.sort_unstable();
        let at = |part: usize| micros.get(micros.len() * part / 100).copied().unwrap_or_default();
        println!("{} {} {}", micros.len(), at(50), at(99));
    }
    Ok(())
}

async fn prepare(address: &str) -> Result<(Arc<Session>, PreparedStatement), Failure> {
    let session = SessionBuilder::new().known_node(address).build().await?;
    let mut statement = session.prepare(cql::select(&UNIQUE_DEVICES, |_| true, true)).await?;
    statement.set_consistency(Consistency::LocalOne);
    statement.set_is_idempotent(true);
    statement.set_use_cached_result_metadata(true);
    Ok((Arc::new(session), statement))
}

/// Reads one window after the other, and returns the microseconds of each read.
async fn read(
    session: Arc<Session>,
    statement: PreparedStatement,
    next: Arc<AtomicUsize>,
    until: Instant,
) -> Result<Vec<u64>, Failure> {
    let mut micros = Vec::new();
    while Instant::now() < until {
        let started = Instant::now();
        let number = next.fetch_add(1, Ordering::Relaxed);
        let project = format!("p{}.wikipedia", number % PROJECTS);
        let first = number / PROJECTS % WINDOWS + 1;
        // January has 31 days, and February enough for the last window.
        let day = |day: usize| match day {
            1..=31 => format!("202401{day:02}"),
            _ => format!("202402{:02}", day - 31),
        };
        let values = (
            aqs_api::table::DOMAIN,
            project,
            "all-sites",
            "daily",
            day(first),
            day(first + ROWS - 1),
        );
        let answer = session.execute_unpaged(&statement, values).await?.into_rows_result()?;
        let mut rows = 0;
        for row in answer.rows::<Row<'_>>()? {
            let (timestamp, devices, ..) = row?;
            rows += usize::from(timestamp.len() == 8 && devices.is_some());
        }
        if rows != ROWS {
            return Err(format!("{rows} rows and not {ROWS}").into());
        }
        micros.push(started.elapsed().as_micros() as u64);
    }
    Ok(micros)
}
