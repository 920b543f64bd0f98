//! A hit allocates nothing: counted on the thread that serves, over a real socket.

#[path = "../../../proxy/tests/service/support/config.rs"]
mod config;

use allocation_counter::measure;
use aqs_api::Catalogue;
use aqs_bench::synthetic::ABSENT;
use aqs_bench::{SyntheticStore, targets};
use aqs_proxy::config::Config;
use aqs_proxy::server::{Parts, Server};
use aqs_warmers::plan::{Item, Limits, Plan, Unit, ValueSet, Window};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// How many hits are counted, unless the environment has another number in `HITS`.
const HITS: usize = 2000;
const TARGET: &str = targets::DEVICES_MONTH;

/// Sends a request a number of times; returns the head of the last response.
fn ask(stream: &mut TcpStream, request: &[u8], times: usize) -> String {
    let mut buffer = vec![0; 64 * 1024];
    let mut head = 0..0;
    for _ in 0..times {
        stream.write_all(request).unwrap();
        let mut read = 0;
        loop {
            read += stream.read(&mut buffer[read..]).unwrap();
            let Some(end) = buffer[..read].windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
                continue;
            };
            head = 0..end;
            let text = std::str::from_utf8(&buffer[..end]).unwrap();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            let body = if request.starts_with(b"HEAD") {
                0
            } else {
                length.map_or(0, |length| length.parse().unwrap())
            };
            if read == end + 4 + body {
                break;
            }
        }
    }
    String::from_utf8_lossy(&buffer[head]).into_owned()
}

/// A plan with the targets of this test.
fn plan() -> Plan {
    let item = |endpoint: &str, values: &[(&str, &str)]| {
        let list = |value: &str| ValueSet::List(vec![value.to_owned()]);
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), list(value)));
        let windows = vec![Window::Last(31, Unit::Days)];
        Item { endpoint: endpoint.to_owned(), values: values.collect(), windows }
    };
    let project = ("project", "en.wikipedia");
    let granularity = ("granularity", "daily");
    let devices = item("unique-devices", &[project, ("access-site", "all-sites"), granularity]);
    let article = ("article", ABSENT);
    let of_article = [project, ("access", "all-access"), ("agent", "user"), article, granularity];
    let items = vec![devices, item("pageviews/per-article", &of_article)];
    let (every, limits) = (std::time::Duration::from_secs(6 * 3600), Limits::default());
    Plan { name: "asked".to_owned(), every, priority: 0, limits, items }
}

/// What is held of an answer, and where.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Held {
    /// In the cache.
    Cache,
    /// In the cache, too old.
    StaleCache,
    /// In the hot set.
    HotSet,
    /// In the hot set, too old.
    StaleHotSet,
}

impl Held {
    fn is_hot(self) -> bool {
        matches!(self, Self::HotSet | Self::StaleHotSet)
    }

    fn config(self) -> Config {
        let mut config = config::config();
        match self {
            Self::Cache => {}
            Self::StaleCache => config.freshness.data.fresh = Duration::ZERO,
            Self::HotSet => config.hot_set.plans.push(plan()),
            Self::StaleHotSet => {
                config.hot_set.plans.push(plan());
                config.hot_set.max_age = Duration::ZERO;
            }
        }
        // A stale answer stays stale.
        config.refreshes = 0;
        config
    }

    /// The part of a response head that shows this source.
    fn marker(self) -> &'static str {
        match self {
            Self::Cache | Self::StaleCache => "aqs; hit; ttl=",
            Self::HotSet => "aqs; hit; detail=\"hotset;gen=",
            Self::StaleHotSet => "detail=\"hotset;gen=",
        }
    }
}

/// The allocations of the serving thread during a number of hits, counted once a response head
/// contains `expected`.
fn allocations(request: &str, expected: &'static str, held: Held, hits: usize) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = held.config();
    let sockets = Server::bind(&config).unwrap();
    let catalogue = Arc::new(Catalogue::standard().unwrap());
    let store = Arc::new(SyntheticStore::loaded(&catalogue));
    let server = runtime
        .block_on(Server::start(
            sockets,
            &config,
            Parts::new(aqs_origin::stores::StoreName::Embedded, catalogue, store),
        ))
        .unwrap();
    // A request before the build would be answered from the cache, with a newer entry.
    runtime.block_on(async {
        while held.is_hot() && server.components.service.lookup.hot_set.live().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let (address, request) = (server.addresses[0], request.to_owned());
    let (go, gone) = mpsc::channel::<()>();
    let (warm, warmed) = oneshot::channel();
    let (done, finished) = oneshot::channel();
    let client = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let is_right = |head: String| head.contains(expected) && head.contains(held.marker());
        while !is_right(ask(&mut stream, request.as_bytes(), 1)) {}
        ask(&mut stream, request.as_bytes(), 20);
        warm.send(()).unwrap();
        gone.recv().unwrap();
        let last = ask(&mut stream, request.as_bytes(), hits);
        assert!(is_right(last.clone()), "{last}");
        done.send(()).unwrap();
    });
    runtime.block_on(warmed).unwrap();
    let counted = measure(|| serve_hits(&runtime, &go, finished));
    client.join().unwrap();
    counted.count_total
}

/// Serves hits and nothing else until the client has counted them. `.ci/locks` looks for its name.
#[inline(never)]
fn serve_hits(runtime: &Runtime, go: &mpsc::Sender<()>, finished: oneshot::Receiver<()>) {
    go.send(()).unwrap();
    runtime.block_on(finished).unwrap();
}

/// Allocations of the coverage polling in between, whatever the number of hits.
const AROUND: u64 = 100;

#[test]
fn hits_of_the_cache_allocate_nothing() {
    hits_allocate_nothing(Held::Cache, Held::StaleCache);
}

#[test]
fn hits_of_the_hot_set_allocate_nothing() {
    hits_allocate_nothing(Held::HotSet, Held::StaleHotSet);
}

fn hits_allocate_nothing(fresh: Held, stale: Held) {
    let absent = targets::absent();
    let spelled = TARGET.replace("en.wikipedia", "www.EN.wikipedia.org");
    let named = "x-request-id: mine\r\n\
        traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
    let gzip = "accept-encoding: gzip, br\r\nuser-agent: test\r\n";
    let forms = [
        ("GET", TARGET, "", "HTTP/1.1 200"),
        ("GET", TARGET, gzip, "content-encoding: gzip"),
        ("GET", TARGET, named, "x-request-id: mine"),
        ("GET", TARGET, "if-none-match: *\r\n", "HTTP/1.1 304"),
        ("HEAD", TARGET, "", "HTTP/1.1 200"),
        ("GET", spelled.as_str(), "", "HTTP/1.1 200"),
        ("GET", absent.as_str(), "", "HTTP/1.1 404"),
    ];
    let hits = std::env::var("HITS").map_or(HITS, |hits| hits.parse().unwrap());
    let stale = (stale, ("GET", TARGET, "", "s-maxage=60"));
    let cases = forms.map(|form| (fresh, form)).into_iter().chain([stale]);
    for (held, (method, target, headers, expected)) in cases {
        let request = format!("{method} {target} HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        let few = allocations(&request, expected, held, hits);
        let many = allocations(&request, expected, held, 3 * hits);
        assert!(
            many < few + AROUND,
            "{few} allocations for {hits} hits, {many} for three times as many \
             ({held:?}, {request})"
        );
    }
}
