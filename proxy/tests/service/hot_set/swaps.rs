//! Generations that are swapped under load.

use super::{DEVICES, EN, built, on_own_thread, rebuild, store_with_days, with_plans};
use crate::support::client::Client;
use crate::support::scripted::Scripted;
use crate::support::{config, eventually, server};
use aqs_api::lifetimes::Times;
use aqs_api::{Key, Representation, Target};
use aqs_origin::Entry;
use aqs_origin::epochs::PurgeTags;
use aqs_proxy::server::Components;
use aqs_warmers::generation::{Generation, HotEntry, Provenance};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const SWAPS: u64 = 1000;
const CLIENTS: usize = 3;

/// A generation whose one answer contains its number.
pub(super) fn numbered_generation(
    components: &Components,
    id: u64,
    parent: Option<u64>,
) -> Generation {
    let query = components.origin.catalogue().resolve(Target::parse(EN).unwrap()).unwrap();
    let epochs = &components.origin.epochs;
    let (now, epoch) = (components.origin.clock().now(), epochs.current());
    let tags = PurgeTags::of(&query, query.dataset(), components.origin.catalogue());
    // Long, so that a mix of two generations shows.
    let item = format!(r#"{{"devices":{id}}}"#);
    let body = format!(r#"{{"items":[{}]}}"#, vec![item; 500].join(","));
    let (body, lifetimes) = (Representation::body(body), Times::default().data);
    let entry = Entry::new(body, query.endpoint_id(), now, epoch, tags, lifetimes);
    let held = HotEntry { entry: Arc::new(entry), plans: 0, confirmed: now };
    Generation::restored(id, parent, Provenance::Built, now, vec![], [(query.key().clone(), held)])
}

/// What a client got: the generation in the head, and the number in the body.
async fn watch(
    address: SocketAddr,
    ends: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
) -> Vec<(u64, u64)> {
    let mut client = Client::connect(address).await;
    let mut seen = Vec::new();
    while !ends.load(Ordering::SeqCst) {
        let answer = client.get(EN).await;
        let status = answer.header("cache-status").unwrap();
        let named = status.strip_prefix("aqs; hit; detail=\"hotset;gen=");
        let named = named.and_then(|rest| rest.strip_suffix('"')).expect(status);
        let body = answer.json();
        let items = body["items"].as_array().unwrap();
        let number = items[0]["devices"].as_u64().unwrap();
        assert!(items.iter().all(|item| item["devices"] == number), "two generations in one body");
        seen.push((named.parse().unwrap(), number));
        answered.fetch_add(1, Ordering::SeqCst);
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_is_of_one_generation_and_generations_never_go_back() {
    let server = server(config(), Scripted::open()).await;
    let components = server.components.clone();
    let publish = || {
        let make = |live: Option<&Generation>, id| {
            Ok::<_, Infallible>(numbered_generation(&components, id, live.map(|live| live.id)))
        };
        let Ok(new) = on_own_thread(|| components.service.lookup.hot_set.publish(make));
        new
    };
    // The number in the body, by generation.
    let mut content = BTreeMap::new();
    for _ in 0..2 {
        let new = publish();
        content.insert(new.id, new.id);
    }
    let (ends, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(watch(server.addresses[0], Arc::clone(&ends), Arc::clone(&answered))))
        .collect();
    for swap in 0..SWAPS {
        let before = components.service.lookup.hot_set.live().unwrap();
        let previous = components.service.lookup.hot_set.previous().unwrap().id;
        let new = if swap % 5 == 4 {
            let new = components.jobs.builder().rollback(None).await.unwrap().0;
            assert_eq!(new.provenance, Provenance::RolledBack { from: previous });
            content.insert(new.id, content[&previous]);
            new
        } else {
            let new = publish();
            content.insert(new.id, new.id);
            new
        };
        assert_eq!((new.id, new.parent), (before.id + 1, Some(before.id)));
        // A request is answered between any two swaps.
        let so_far = answered.load(Ordering::SeqCst);
        let clients = &clients;
        eventually(|| {
            answered.load(Ordering::SeqCst) > so_far || clients.iter().any(|it| it.is_finished())
        })
        .await;
    }
    ends.store(true, Ordering::SeqCst);
    for client in clients {
        let seen = client.await.unwrap();
        for (named, number) in &seen {
            assert_eq!(content[named], *number, "generation {named}");
        }
        assert!(seen.windows(2).all(|two| two[0].0 <= two[1].0), "a number fell: {seen:?}");
        let last = seen.last().unwrap().0;
        assert!(last > SWAPS / 2, "it saw no further than {last}");
    }
}

fn entry(generation: &Generation, key: &Key) -> Arc<Entry> {
    Arc::clone(&generation.get(key.as_ref()).unwrap().entry)
}

fn text_at(entry: &Entry) -> *const u8 {
    let Representation::Body(body) = &entry.representation else { panic!("no body") };
    body.identity.as_ptr()
}

#[tokio::test]
async fn unchanged_bodies_are_shared_between_generations() {
    let store = store_with_days();
    let server = server(with_plans(DEVICES), store.clone()).await;
    built(&server).await;
    let parent = server.components.service.lookup.hot_set.live().unwrap();
    let keys: Vec<Key> = parent.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(keys.len(), 2);
    // Read again and equal: a new entry with the old bytes.
    rebuild(&server, "devices").await;
    let child = server.components.service.lookup.hot_set.live().unwrap();
    assert_eq!((child.parent, child.checksum), (Some(parent.id), parent.checksum));
    for key in &keys {
        let (old, new) = (entry(&parent, key), entry(&child, key));
        assert!(!Arc::ptr_eq(&old, &new) && text_at(&old) == text_at(&new), "{key:?}");
    }
    // Both together take hardly more memory than one.
    let held = server.components.origin.budget.used(aqs_origin::memory_budget::Consumer::HotSet);
    assert!(held >= child.bytes && held < child.bytes + parent.bytes, "{held}");
    // Changed: new bytes.
    store.value.store(2, Ordering::SeqCst);
    rebuild(&server, "devices").await;
    let grandchild = server.components.service.lookup.hot_set.live().unwrap();
    assert_ne!(grandchild.checksum, child.checksum);
    assert!(
        keys.iter()
            .all(|key| { text_at(&entry(&child, key)) != text_at(&entry(&grandchild, key)) })
    );
    // A rollback reuses the entries.
    let back = server.components.jobs.builder().rollback(None).await.unwrap().0;
    assert!(keys.iter().all(|key| Arc::ptr_eq(&entry(&child, key), &entry(&back, key))));
}
