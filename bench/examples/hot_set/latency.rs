//! What clients notice of a build.

use crate::subject::Subject;
use crate::{WINDOW, WINDOWS};
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The plan that is built meanwhile.
const PLAN: &str = "top-articles";

/// How long hits took.
pub(crate) struct Measured {
    pub(crate) with: Vec<Duration>,
    pub(crate) without: Vec<Duration>,
    /// How many answers the builds have read.
    pub(crate) read: u64,
}

/// A client that asks for one answer, the next after each, in windows with a build under way and
/// without.
pub(crate) fn measure(subject: &Subject) -> Result<Measured, Box<dyn Error>> {
    let live = subject.service().hot_set.live().ok_or("nothing was published")?;
    let key = live.iter().map(|(key, _)| key).find(|key| key.path().contains("/unique-devices/"));
    let target = format!("/metrics{}", key.ok_or("no devices")?.path());
    drop(live);
    let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut measured = Measured { with: Vec::new(), without: Vec::new(), read: 0 };
    for _ in 0..WINDOWS {
        window(subject, &request, &mut measured.without)?;
        let id = subject.begin(PLAN)?;
        // Reading, making bodies and coding them is what it does for most of its time.
        let reads = || {
            let progress = subject.service().jobs.show(id).map(|view| view.progress);
            progress.is_some_and(|progress| progress.total > 0 && progress.done > 0)
        };
        while !reads() {
            std::thread::sleep(Duration::from_millis(1));
        }
        window(subject, &request, &mut measured.with)?;
        measured.read += subject.cancel(id).map_or(0, |view| view.progress.done);
    }
    Ok(measured)
}

fn window(
    subject: &Subject,
    request: &str,
    taken: &mut Vec<Duration>,
) -> Result<(), Box<dyn Error>> {
    let mut buffer = vec![0; 1 << 20];
    // A connection of its own: one that is idle between windows would be closed.
    let client = &mut TcpStream::connect(subject.address()?)?;
    client.set_nodelay(true)?;
    client.write_all(request.as_bytes())?;
    answer(client, &mut buffer)?;
    let until = Instant::now() + WINDOW;
    let mut begun = Instant::now();
    while begun < until {
        begun = Instant::now();
        client.write_all(request.as_bytes())?;
        let head = answer(client, &mut buffer)?;
        taken.push(begun.elapsed());
        if !head.contains("hotset;gen=") {
            return Err(format!("not of the hot set: {head}").into());
        }
    }
    Ok(())
}

/// Reads one answer; gives its head.
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
