//! The latency of hits over a socket during a build.

use crate::server::TestServer;
use crate::{Latencies, WINDOW, WINDOWS};
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const PLAN: &str = "top-articles";

/// Requests one answer again and again. Also returns how many answers the builds have read.
pub(crate) fn measure(server: &TestServer) -> Result<(Latencies, u64), Box<dyn Error>> {
    let live = server.components().service.lookup.hot_set.live().ok_or("nothing was published")?;
    let key = live.iter().map(|(key, _)| key).find(|key| key.path().contains("/unique-devices/"));
    let target = format!("/metrics{}", key.ok_or("no devices")?.path());
    drop(live);
    let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let (mut latencies, mut read) = (Latencies::default(), 0);
    for _ in 0..WINDOWS {
        window(server, &request, &mut latencies.without)?;
        let id = server.begin(PLAN)?;
        let is_reading = || {
            let progress = server.components().jobs.show(id).map(|view| view.progress);
            progress.is_some_and(|progress| progress.total > 0 && progress.done > 0)
        };
        while !is_reading() {
            std::thread::sleep(Duration::from_millis(1));
        }
        window(server, &request, &mut latencies.with)?;
        read += server.cancel(id).map_or(0, |view| view.progress.done);
    }
    Ok((latencies, read))
}

fn window(
    server: &TestServer,
    request: &str,
    taken: &mut Vec<Duration>,
) -> Result<(), Box<dyn Error>> {
    let mut buffer = vec![0; 1 << 20];
    // The server closes connections that are idle between windows.
    let client = &mut TcpStream::connect(server.address()?)?;
    client.set_nodelay(true)?;
    client.write_all(request.as_bytes())?;
    answer(client, &mut buffer)?;
    let until = Instant::now() + WINDOW;
    let mut started = Instant::now();
    while started < until {
        started = Instant::now();
        client.write_all(request.as_bytes())?;
        let head = answer(client, &mut buffer)?;
        taken.push(started.elapsed());
        if !head.contains("hotset;gen=") {
            return Err(format!("not a hit of the hot set: {head}").into());
        }
    }
    Ok(())
}

/// Reads a response and returns its head.
fn answer(client: &mut TcpStream, buffer: &mut [u8]) -> Result<String, Box<dyn Error>> {
    let mut read = 0;
    loop {
        let count = client.read(buffer.get_mut(read..).unwrap_or_default())?;
        if count == 0 {
            return Err("the connection ended".into());
        }
        read += count;
        let so_far = buffer.get(..read).unwrap_or_default();
        let Some(end) = so_far.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(so_far.get(..end).unwrap_or_default()).into_owned();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.ok_or("no length")?.parse()?;
        if read == end + 4 + length {
            return Ok(head);
        }
    }
}
