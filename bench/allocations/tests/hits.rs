//! A hit allocates nothing: counted on the thread that serves, over a real socket.

use allocation_counter::measure;
use aqs_api::table::Kind;
use aqs_api::{Catalogue, Coverage, Lookup, Rows};
use aqs_origin::Cx;
use aqs_origin::store::{Store, StoreError};
use aqs_proxy::house::{House, Settings};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc;
use tokio::sync::oneshot;

const HITS: usize = 5000;
const TARGET: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240101/20240131";
const EMPTY: &str = "/metrics/unique-devices/no.wikipedia/all-sites/daily/20240101/20240131";

/// One row for every lookup but those about `no.wikipedia`.
struct OneRow;

#[async_trait]
impl Store for OneRow {
    async fn read(&self, lookup: &Lookup, _: &Cx) -> Result<Rows, StoreError> {
        let Lookup::Points(read) = lookup else { panic!("not asked here: {lookup:?}") };
        let table = read.dataset.table;
        let mut rows = Rows::of(table);
        if read.partition.get(0) == Some("no.wikipedia") {
            return Ok(rows.finish());
        }
        for (index, column) in table.read_columns().enumerate() {
            match column.kind {
                Kind::Int | Kind::BigInt => rows.int(index, Some(7)).unwrap(),
                Kind::Text | Kind::Json => rows.text(index, Some("20240101")).unwrap(),
            }
        }
        rows.end_row().unwrap();
        Ok(rows.finish())
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        Ok(Coverage::default())
    }

    async fn change_mark(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        Ok(BTreeMap::new())
    }
}

/// Asks so often, and gives the last answer.
fn ask(address: SocketAddr, request: &[u8], times: usize) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut buffer = [0; 8192];
    let mut last = 0;
    for _ in 0..times {
        stream.write_all(request).unwrap();
        last = stream.read(&mut buffer).unwrap();
    }
    String::from_utf8_lossy(&buffer[..last]).into_owned()
}

/// How often the serving thread allocates while a client asks `HITS` times.
fn allocations(request: String, expected: &'static str) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let settings = Settings { listen: vec![free], admin_listen: vec![free], ..Settings::default() };
    let sockets = House::bind(&settings).unwrap();
    let catalogue = Arc::new(Catalogue::standard().unwrap());
    let house =
        runtime.block_on(House::start(sockets, settings, catalogue, Arc::new(OneRow))).unwrap();
    let address = house.addresses[0];
    let (go, gone) = mpsc::channel::<()>();
    let (warm, warmed) = oneshot::channel();
    let (done, finished) = oneshot::channel();
    let client = std::thread::spawn(move || {
        ask(address, request.as_bytes(), 20);
        warm.send(()).unwrap();
        gone.recv().unwrap();
        let last = ask(address, request.as_bytes(), HITS);
        assert!(last.starts_with(expected), "{last}");
        assert!(last.contains("aqs; hit"), "{last}");
        done.send(()).unwrap();
    });
    runtime.block_on(warmed).unwrap();
    let counted = measure(|| {
        go.send(()).unwrap();
        runtime.block_on(finished).unwrap();
    });
    client.join().unwrap();
    counted.count_total
}

/// What a connection and a few looks at the store take, however many hits there are.
const AROUND: u64 = 200;

#[test]
fn hits_allocate_nothing() {
    for (target, headers, expected) in [
        (TARGET, "", "HTTP/1.1 200"),
        (TARGET, "accept-encoding: gzip, br\r\nuser-agent: test\r\n", "HTTP/1.1 200"),
        (TARGET, "if-none-match: *\r\n", "HTTP/1.1 304"),
        (EMPTY, "", "HTTP/1.1 404"),
    ] {
        let counted =
            allocations(format!("GET {target} HTTP/1.1\r\nhost: x\r\n{headers}\r\n"), expected);
        assert!(counted < AROUND, "{counted} allocations for {HITS} hits ({expected}, {headers})");
    }
}
