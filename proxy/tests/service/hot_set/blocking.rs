//! Serving waits for neither publications nor builds.

use super::swaps::numbered_generation;
use super::{DEVICES, EN, built, full, on_own_thread, store_with_days, with_plans};
use crate::support::scripted::Scripted;
use crate::support::{config, eventually, server};
use aqs_proxy::http::{CacheResult, Method, Negotiation, Reply, RequestHead, RequestTrace};
use aqs_proxy::serve::Served;
use aqs_proxy::server::Components;
use aqs_warmers::generation::Generation;
use std::convert::Infallible;
use std::sync::mpsc::channel;
use std::time::Duration;

const HITS: usize = 10_000;
/// Longer than the test takes.
const MINUTE: Duration = Duration::from_secs(60);

/// Answers a GET without waiting.
fn serve_now(components: &Components) -> Reply {
    let head = RequestHead {
        method: Method::Get,
        target: EN,
        negotiation: Negotiation::default(),
        trace: RequestTrace::default(),
    };
    match components.service.serve(&head) {
        Served::Now(reply) => reply,
        Served::Later(_) => panic!("it has to wait"),
    }
}

#[tokio::test]
async fn hits_do_not_wait_for_a_publication() {
    let server = server(config(), Scripted::open()).await;
    let components = server.components.clone();
    let Ok(_) = on_own_thread(|| {
        components
            .service
            .lookup
            .hot_set
            .publish(|_, id| Ok::<_, Infallible>(numbered_generation(&components, id, None)))
    });
    let (entered, inside) = channel();
    let (release, released) = channel::<()>();
    // It holds the locks of a publication until it is released.
    let publishing = std::thread::spawn({
        let components = components.clone();
        move || {
            components.service.lookup.hot_set.publish(|live: Option<&Generation>, id| {
                entered.send(()).unwrap();
                released.recv().unwrap();
                Ok::<_, Infallible>(numbered_generation(&components, id, live.map(|live| live.id)))
            })
        }
    });
    inside.recv().unwrap();
    // On a thread of its own, so that a look-up that waits fails the test.
    let (done, all) = channel();
    let hits = std::thread::spawn({
        let components = components.clone();
        move || {
            let hot = |_: &usize| serve_now(&components).cache.result == CacheResult::Hot;
            done.send((0..HITS).filter(hot).count()).unwrap();
        }
    });
    let answered = all.recv_timeout(MINUTE);
    release.send(()).unwrap();
    assert_eq!(answered, Ok(HITS));
    hits.join().unwrap();
    let Ok(second) = publishing.join().unwrap();
    assert_eq!(second.id, 2);
    assert_eq!(components.service.lookup.hot_set.live().unwrap().id, 2);
}

/// The one blocking thread is occupied: a build that works elsewhere would make progress. None does,
/// neither before its reads nor in the two steps after them.
#[test]
fn builds_block_only_blocking_threads() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = store_with_days();
        let server = server(with_plans(DEVICES), store.clone()).await;
        let before = built(&server).await;
        let components = server.components.clone();
        let occupy_blocking_thread = || {
            let (release, released) = channel::<()>();
            let (taken, is_taken) = tokio::sync::oneshot::channel();
            let blocked = tokio::task::spawn_blocking(move || {
                taken.send(()).unwrap();
                released.recv().unwrap();
            });
            (release, is_taken, blocked)
        };
        let assert_no_progress = async |reads: usize| {
            for _ in 0..HITS {
                assert_eq!(serve_now(&components).cache.result, CacheResult::Hot);
                // Runs what is ready.
                tokio::task::yield_now().await;
            }
            assert_eq!(store.reads(), reads);
            assert_eq!(components.service.lookup.hot_set.live().unwrap().id, before);
        };

        // Before the keys of a plan are known ...
        let (release, is_taken, blocked) = occupy_blocking_thread();
        is_taken.await.unwrap();
        let reads = store.reads();
        let id = components.jobs.start(full("devices")).unwrap().id;
        assert_no_progress(reads).await;
        let view = components.jobs.show(id).unwrap();
        assert_eq!(view.progress.total, 0, "{view:?}");

        // ... when the rows were read ...
        store.hold(Some("first.wikipedia"));
        release.send(()).unwrap();
        blocked.await.unwrap();
        eventually(|| store.reads() > reads).await;
        let (release, is_taken, blocked) = occupy_blocking_thread();
        is_taken.await.unwrap();
        store.hold(None);
        assert_no_progress(reads + 1).await;
        // ... and when bodies are made of them.
        let (release_again, is_taken_again, blocked_again) = occupy_blocking_thread();
        release.send(()).unwrap();
        blocked.await.unwrap();
        is_taken_again.await.unwrap();
        assert_no_progress(reads + 1).await;
        let view = components.jobs.show(id).unwrap();
        assert_eq!((view.progress.total, view.progress.done), (2, 0), "{view:?}");
        release_again.send(()).unwrap();
        blocked_again.await.unwrap();
        let view = components.jobs.wait(id).await.unwrap();
        assert_eq!(view.generation, Some(before + 1), "{view:?}");
    });
}
