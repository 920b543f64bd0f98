//! Clients that mean no good, or know no better: each gets its answer or its end, a normal client
//! is served meanwhile, and afterwards nothing is left of them.

use crate::support::client::Client;
use crate::support::scripted::Scripted;
use crate::support::{eventually, house, settings};
use aqs_origin::memory::Part;
use aqs_proxy::front::Limits;
use aqs_proxy::house::{House, Settings};
use socket2::SockRef;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const DATA: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240101/20240131";

/// A house that loses its patience soon.
async fn impatient() -> House {
    let limits = Limits {
        write: Duration::from_millis(300),
        linger: Duration::from_millis(100),
        ..Limits::default()
    };
    house(Settings { limits, ..settings() }, Scripted::open()).await
}

/// Whether a normal client is served.
async fn is_served(address: SocketAddr) -> bool {
    Client::connect(address).await.get(DATA).await.status == 200
}

/// Waits until no task, place, flight or byte is held by anybody.
async fn nothing_is_left(house: &House) {
    let service = &house.service;
    let connections = service.metrics.connections.with_label_values(&["public"]);
    eventually(|| {
        connections.get() == 0
            && service.flights.under_way() == 0
            && service.flights.waiting() == 0
            && service.tasks.is_empty()
            && service.origin.budget.used(Part::Connections) == 0
            && service.origin.budget.used(Part::Flights) == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_at_once_are_all_answered() {
    let house = impatient().await;
    let address = house.addresses[0];
    let clients: Vec<_> = (0..500)
        .map(|number| {
            tokio::spawn(async move {
                let mut client = Client::connect(address).await;
                let target = DATA.replace("en.", &format!("p{}.", number % 50));
                client.get(&target).await.status
            })
        })
        .collect();
    for client in clients {
        assert_eq!(client.await.unwrap(), 200);
    }
    nothing_is_left(&house).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_never_reads_is_cut_off() {
    let house = impatient().await;
    let mut greedy = TcpStream::connect(house.addresses[0]).await.unwrap();
    let request = format!("GET {DATA} HTTP/1.1\r\nhost: x\r\n\r\n");
    // More than the sockets between can hold. Whether the client notices its end is its affair.
    let writing = tokio::spawn(async move {
        let many = request.repeat(1000);
        while greedy.write_all(many.as_bytes()).await.is_ok() {}
        std::future::pending::<()>().await;
        drop(greedy);
    });
    // What it doesn't take is counted; a connection alone counts whole pages.
    eventually(|| house.service.origin.budget.used(Part::Connections) % 4096 != 0).await;
    assert!(is_served(house.addresses[0]).await);
    nothing_is_left(&house).await;
    writing.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_resets_in_the_middle_leaves_nothing() {
    let house = impatient().await;
    for _ in 0..50 {
        let mut rude = TcpStream::connect(house.addresses[0]).await.unwrap();
        let request = format!("GET {DATA} HTTP/1.1\r\nhost: x\r\n\r\n");
        rude.write_all(request.repeat(20).as_bytes()).await.unwrap();
        let mut some = [0; 100];
        rude.read_exact(&mut some).await.unwrap();
        // Closing resets: nothing is waited for.
        SockRef::from(&rude).set_linger(Some(Duration::ZERO)).unwrap();
        drop(rude);
    }
    assert!(is_served(house.addresses[0]).await);
    nothing_is_left(&house).await;
}

#[tokio::test]
async fn whoever_has_said_all_still_gets_the_answer() {
    let house = impatient().await;
    let mut half = TcpStream::connect(house.addresses[0]).await.unwrap();
    half.write_all(format!("GET {DATA} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    half.shutdown().await.unwrap();
    let mut answer = String::new();
    half.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("]}"), "{answer}");
    nothing_is_left(&house).await;
}

#[tokio::test]
async fn bytes_that_no_head_has_are_refused() {
    let house = impatient().await;
    for bytes in [
        b"GET /a\0b HTTP/1.1\r\nhost: x\r\n\r\n".as_slice(),
        b"GET /a HTTP/1.1\r\nhost: x\r\na\0: b\r\n\r\n",
        b"GET /a HTTP/1.1\r\nhost: x\r\na: b\0c\r\n\r\n",
        b"GET /a HTTP/1.1\r\nhost: x\r\na: b\rc: d\r\n\r\n",
        b"GET /a HTTP/1.1\r\nhost: x\r\n folded: b\r\n\r\n",
        b"GET /a HTTP/1.1\r\nhost: x\r\na : b\r\n\r\n",
        b"GET  /a HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut client = Client::connect(house.addresses[0]).await;
        client.send(bytes).await;
        let shown = String::from_utf8_lossy(bytes).into_owned();
        let response =
            client.response(false).await.unwrap_or_else(|| panic!("no answer to {shown:?}"));
        assert!([400, 505].contains(&response.status), "{shown:?}: {}", response.status);
        assert!(client.is_closed().await, "{shown:?}");
    }
    assert!(is_served(house.addresses[0]).await);
    nothing_is_left(&house).await;
}

#[tokio::test]
async fn what_hides_behind_a_body_is_no_request_of_its_own() {
    let house = impatient().await;
    let mut client = Client::connect(house.addresses[0]).await;
    // The length covers what looks like a second request.
    let hidden = "GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n";
    let outer = format!(
        "POST /outer HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{hidden}",
        hidden.len()
    );
    client.send(format!("{outer}GET /next HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
    for uri in ["/outer", "/next"] {
        assert_eq!(client.response(false).await.unwrap().json()["uri"], uri);
    }
    drop(client);
    nothing_is_left(&house).await;
}
