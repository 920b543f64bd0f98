//! The hot set over a real Cassandra: built from it, and served without it, even after a kill.

use crate::home::{Home, assert_success};
use crate::node::Node;
use crate::relay::Relay;
use crate::service::{Program, get, wait_for, wait_for_status};
use crate::support::client::{Client, Response};
use crate::support::{catalogue, config, eventually, server};
use aqs_api::Dataset;
use aqs_api::calendar::{Digits, Form, Granularity};
use aqs_api::endpoint::Warm;
use aqs_origin::Clock;
use aqs_origin::store::cassandra::{CassandraStore, ConfiguredExtent, Options};
use aqs_proxy::config::Config;
use aqs_proxy::server::Server;
use aqs_warmers::plan::built_in;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// The part of the sample that is loaded: one project and year, enough for the plans.
const PROJECT: &str = "wikidata";
const YEAR: &str = "2026";
/// The share of answers that is compared with direct ones.
const COMPARED: usize = 50;

/// The datasets of the plans, with the coverage of that part. The usual probes look for another
/// project, and for lists of today.
fn extents() -> Vec<(&'static Dataset, String, String)> {
    let catalogue = catalogue();
    let planned = catalogue.endpoints().filter(|(_, endpoint)| !matches!(endpoint.warm, Warm::No));
    let extent = |dataset: &&'static Dataset| {
        let hour = if dataset.form() == Form::Hour { "00" } else { "" };
        let last = match dataset.granularity {
            Granularity::Hourly => return None,
            Granularity::Daily => "1031",
            Granularity::Monthly => "1001",
        };
        Some((*dataset, format!("{YEAR}0101{hour}"), format!("{YEAR}{last}{hour}")))
    };
    planned.flat_map(|(_, endpoint)| endpoint.datasets()).filter_map(extent).collect()
}

/// Writes a subset of the sample: rows of one project in one year.
fn write_subset(sample: &Path, rows: &Path) {
    let datasets = extents().into_iter();
    let tables: BTreeSet<&str> =
        datasets.filter_map(|(dataset, ..)| Some(dataset.table()?.name)).collect();
    for table in tables {
        let name = format!("{table}.ndjson");
        let all = std::fs::read_to_string(sample.join(&name)).unwrap();
        let project = format!(r#""project":"{PROJECT}""#);
        let [timestamp, year] = [format!(r#""timestamp":"{YEAR}"#), format!(r#""year":"{YEAR}""#)];
        let mut lines: Vec<&str> = all.lines().collect();
        lines.retain(|line| {
            line.contains(&project) && (line.contains(&timestamp) || line.contains(&year))
        });
        assert!(lines.len() > 100, "{table}: {} rows", lines.len());
        std::fs::write(rows.join(name), lines.join("\n") + "\n").unwrap();
    }
}

fn with_extents(options: Options) -> Options {
    let digits = |text: &str| Digits::from_text(text).unwrap();
    let extents = extents().into_iter().map(|(dataset, first, last)| {
        let extent = ConfiguredExtent { first: digits(&first), last: Some(digits(&last)) };
        (dataset.name.to_owned(), extent)
    });
    Options { extents: extents.collect(), ..options }
}

async fn start_ready(node: &Node, config: Config) -> Server {
    let options = with_extents(node.options());
    let config = Config { cassandra: Some(options.clone()), ..config };
    let store = CassandraStore::new(options, catalogue().datasets(), Clock::System).unwrap();
    let server = server(config, Arc::new(store)).await;
    wait_for_status(server.admin_addresses[0], "/readyz", 200).await;
    server
}

/// Every target of both plans, and for some the answer of the store.
async fn planned_targets(node: &Node) -> (Vec<String>, BTreeMap<String, Response>) {
    let mut with_plans = config();
    with_plans.hot_set.plans = built_in::all(&catalogue(), &[PROJECT.to_owned()]);
    let building = start_ready(node, with_plans).await;
    let hot_set = Arc::clone(&building.components.service.lookup.hot_set);
    eventually(|| hot_set.live().is_some_and(|live| live.plans.len() == 2)).await;
    let live = hot_set.live().unwrap();
    assert!(live.plans.iter().all(|plan| plan.errors == 0 && plan.keys == plan.wanted));
    let addresses: Vec<String> =
        live.iter().map(|(key, _)| format!("/metrics{}", key.path())).collect();
    assert!(building.drain().await);

    let plain = start_ready(node, config()).await;
    let mut client = Client::connect(plain.addresses[0]).await;
    let mut direct = BTreeMap::new();
    for address in addresses.iter().step_by(COMPARED) {
        let answer = client.get(address).await;
        assert!(answer.header("cache-status").unwrap().starts_with("aqs; fwd=miss"), "{address}");
        direct.insert(address.clone(), answer);
    }
    drop(client);
    assert!(plain.drain().await);
    (addresses, direct)
}

fn configuration(cassandra: SocketAddr, state: &Path) -> String {
    let mut text = format!(
        "listen: ['127.0.0.1:0']\nstate: {}\nhot_set: {{projects: [{PROJECT}], ready_alone: true}}\n\
         cassandra:\n  hosts: [{}]\n  port: {}\n  local_dc: datacenter1\n  extents:\n",
        state.display(),
        cassandra.ip(),
        cassandra.port()
    );
    for (dataset, first, last) in extents() {
        let _ = writeln!(text, "    {}: {first}..{last}", dataset.name);
    }
    text
}

/// The address of the admin API.
fn admin(state: &Path) -> SocketAddr {
    let address = std::fs::read_to_string(state.join("admin-address")).unwrap();
    address.trim().parse().unwrap()
}

/// Requests all targets, which must come from the hot set; returns their generations.
async fn all_hot(
    program: &Program,
    addresses: &[String],
    direct: &BTreeMap<String, Response>,
) -> (u64, u64) {
    let mut client = Client::connect(program.address).await;
    let mut generations = Vec::new();
    for address in addresses {
        let answer = client.get(address).await;
        let status = answer.header("cache-status").unwrap();
        let number = status.strip_prefix("aqs; hit; detail=\"hotset;gen=");
        let number = number.and_then(|rest| rest.strip_suffix('"'));
        let number = number.unwrap_or_else(|| panic!("{address}: {status}"));
        generations.push(number.parse().unwrap());
        assert!([200, 404].contains(&answer.status), "{address}: {}", answer.text());
        if let Some(direct) = direct.get(address) {
            assert_eq!((answer.status, answer.text()), (direct.status, direct.text()), "{address}");
        }
        if answer.header("connection") == Some("close") {
            client = Client::connect(program.address).await;
        }
    }
    (*generations.iter().min().unwrap(), *generations.iter().max().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn both_plans_are_served_without_cassandra_even_after_a_kill() {
    let node = Node::from_env().await;
    node.with_empty_tables().await;
    let folder = tempfile::tempdir().unwrap();
    let sample = folder.path().join("sample");
    let loader = Home::new(&node);
    let (from, to) = (sample.clone(), loader.rows());
    let writing = tokio::task::spawn_blocking(move || {
        aqs_origin::sample::write_directory(&catalogue(), &from).unwrap();
        write_subset(&from, &to);
    });
    writing.await.unwrap();
    assert_success(&loader.load());
    let (addresses, direct) = planned_targets(&node).await;
    // Lists, 13 views of articles by 2 agents, projects by 16 splits, devices by 3 sites.
    assert!(addresses.len() > 200, "{} addresses", addresses.len());

    let state = folder.path().join("state");
    let relay = Relay::start(&node.address).await;
    let config = configuration(relay.address, &state);
    let program = Program::start(folder.path(), &config);
    let complete = |page: &Response| {
        let plan = |name: &str| {
            let line = format!("aqs_hot_set_plan_completeness_ratio{{plan=\"{name}\"}} 1");
            page.text().lines().any(|found| found == line)
        };
        plan("top-articles") && plan("aggregates")
    };
    wait_for(admin(&state), "/metrics", complete).await;
    // The generation is written after it is served.
    let second = state.join("hot-set/gen-0000000002.aqs");
    eventually(|| second.exists()).await;

    // Cassandra can't be reached any more.
    relay.stop().await;
    let other = "/metrics/unique-devices/wikidata/all-sites/daily/20260601/20260601";
    assert_eq!(get(program.address, other).await.status, 503);
    let (least, most) = all_hot(&program, &addresses, &direct).await;
    assert!(least == most && most >= 2, "{least} to {most}");

    let purge = Command::new(env!("CARGO_BIN_EXE_aqs"))
        .args(["purge", "--hard", "--endpoint", "unique-devices"])
        .env("AQS_STATE", &state)
        .env("HOME", folder.path())
        .output();
    assert_success(&purge.unwrap());
    let (purged, left): (Vec<String>, Vec<String>) =
        addresses.into_iter().partition(|address| address.contains("/unique-devices/"));
    let (devices, views) = (purged.len(), left.len());
    assert!(devices >= 3 && views > 100, "{devices} and {views}");
    assert_eq!(get(program.address, &purged[0]).await.status, 503);

    // By a signal that can't be handled.
    drop(program);
    let program = Program::start(folder.path(), &config);
    assert_eq!(get(admin(&state), "/readyz").await.status, 200);
    assert_eq!(all_hot(&program, &left, &direct).await, (most, most));
    for address in &purged {
        let answer = get(program.address, address).await;
        assert_eq!(answer.status, 503, "{address}");
    }
}
