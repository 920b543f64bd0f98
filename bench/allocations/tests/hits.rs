//! A hit allocates nothing: counted on the thread that serves, over a real socket.

use allocation_counter::measure;
use aqs_api::Catalogue;
use aqs_bench::{SyntheticStore, targets};
use aqs_proxy::house::{House, Settings};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;
use tokio::sync::oneshot;

const HITS: usize = 2000;
const TARGET: &str = targets::DEVICES_MONTH;

/// Asks so often, and gives the last answer's head.
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

/// How often the serving thread allocates while a client asks so often, once its answer's head
/// holds what is expected.
fn allocations(request: &str, expected: &'static str, fresh: Duration, hits: usize) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut settings =
        Settings { listen: vec![free], admin_listen: vec![free.into()], ..Settings::default() };
    settings.times.data.fresh = fresh;
    // None at all: a stale answer stays stale.
    settings.refreshes = 0;
    let sockets = House::bind(&settings).unwrap();
    let catalogue = Arc::new(Catalogue::standard().unwrap());
    let house = runtime
        .block_on(House::start(sockets, settings, catalogue, Arc::new(SyntheticStore)))
        .unwrap();
    let (address, request) = (house.addresses[0], request.to_owned());
    let (go, gone) = mpsc::channel::<()>();
    let (warm, warmed) = oneshot::channel();
    let (done, finished) = oneshot::channel();
    let client = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        while !ask(&mut stream, request.as_bytes(), 1).contains(expected) {}
        ask(&mut stream, request.as_bytes(), 20);
        warm.send(()).unwrap();
        gone.recv().unwrap();
        let last = ask(&mut stream, request.as_bytes(), hits);
        assert!(last.contains(expected) && last.contains("aqs; hit"), "{last}");
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

/// What the looks at the store in between take, however many hits there are.
const AROUND: u64 = 100;

#[test]
fn hits_allocate_nothing() {
    let long = Duration::from_secs(300);
    let absent = targets::absent();
    let spelled = TARGET.replace("en.wikipedia", "www.EN.wikipedia.org");
    let named = "x-request-id: mine\r\n\
        traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
    let gzip = "accept-encoding: gzip, br\r\nuser-agent: test\r\n";
    for (method, target, headers, expected, fresh) in [
        ("GET", TARGET, "", "HTTP/1.1 200", long),
        ("GET", TARGET, gzip, "content-encoding: gzip", long),
        ("GET", TARGET, named, "x-request-id: mine", long),
        ("GET", TARGET, "if-none-match: *\r\n", "HTTP/1.1 304", long),
        ("HEAD", TARGET, "", "HTTP/1.1 200", long),
        ("GET", spelled.as_str(), "", "HTTP/1.1 200", long),
        ("GET", TARGET, "", "s-maxage=60", Duration::ZERO),
        ("GET", absent.as_str(), "", "HTTP/1.1 404", long),
    ] {
        let request = format!("{method} {target} HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        let few = allocations(&request, expected, fresh, HITS);
        let many = allocations(&request, expected, fresh, 3 * HITS);
        assert!(
            many < few + AROUND,
            "{few} allocations for {HITS} hits, {many} for three times as many ({request})"
        );
    }
}
