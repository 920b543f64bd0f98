//! Serving waits for nobody: not for who publishes, not for who builds.

use super::swaps::telling;
use super::{DEVICES, EN, aside, built, full, over_days, with_plans};
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
/// For ever.
const MINUTE: Duration = Duration::from_secs(60);

/// Answers a GET, which must not have to wait for anything.
fn at_once(components: &Components) -> Reply {
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
async fn hits_go_on_while_a_generation_is_made_and_its_maker_does_not_end() {
    let server = server(config(), Scripted::open()).await;
    let components = server.components.clone();
    let Ok(_) = aside(|| {
        components.hot_set.publish(|_, id| Ok::<_, Infallible>(telling(&components, id, None)))
    });
    let (entered, inside) = channel();
    let (release, released) = channel::<()>();
    // It holds whatever those who publish hold, until it is told.
    let publishing = std::thread::spawn({
        let components = components.clone();
        move || {
            components.hot_set.publish(|live: Option<&Generation>, id| {
                entered.send(()).unwrap();
                released.recv().unwrap();
                Ok::<_, Infallible>(telling(&components, id, live.map(|live| live.id)))
            })
        }
    });
    inside.recv().unwrap();
    // On a thread of its own, so that a look-up that waits is a failure and no standstill.
    let (done, all) = channel();
    let hits = std::thread::spawn({
        let components = components.clone();
        move || {
            let hot = |_: &usize| at_once(&components).cache.result == CacheResult::Hot;
            done.send((0..HITS).filter(hot).count()).unwrap();
        }
    });
    let answered = all.recv_timeout(MINUTE);
    release.send(()).unwrap();
    assert_eq!(answered, Ok(HITS));
    hits.join().unwrap();
    let Ok(second) = publishing.join().unwrap();
    assert_eq!(second.id, 2);
    assert_eq!(components.hot_set.live().unwrap().id, 2);
}

/// With the one thread that may block taken, whatever a build does elsewhere would go on. Nothing
/// does: neither what precedes its reads nor either step that follows them is on the thread that
/// serves.
#[test]
fn builds_work_on_threads_that_may_block_and_nowhere_else() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = over_days();
        let server = server(with_plans(DEVICES), store.clone()).await;
        let before = built(&server).await;
        let components = server.components.clone();
        let take_the_thread = || {
            let (release, released) = channel::<()>();
            let (taken, is_taken) = tokio::sync::oneshot::channel();
            let blocked = tokio::task::spawn_blocking(move || {
                taken.send(()).unwrap();
                released.recv().unwrap();
            });
            (release, is_taken, blocked)
        };
        let goes_nowhere = async |reads: usize| {
            for _ in 0..HITS {
                assert_eq!(at_once(&components).cache.result, CacheResult::Hot);
                // Whatever is ready to run does.
                tokio::task::yield_now().await;
            }
            assert_eq!(store.reads(), reads);
            assert_eq!(components.hot_set.live().unwrap().id, before);
        };

        // Before a plan's questions are known ...
        let (release, is_taken, blocked) = take_the_thread();
        is_taken.await.unwrap();
        let reads = store.reads();
        let id = components.jobs.start(full("devices")).unwrap().id;
        goes_nowhere(reads).await;
        let view = components.jobs.show(id).unwrap();
        assert_eq!(view.progress.total, 0, "{view:?}");

        // ... when the rows are there ...
        store.hold(Some("first.wikipedia"));
        release.send(()).unwrap();
        blocked.await.unwrap();
        eventually(|| store.reads() > reads).await;
        let (release, is_taken, blocked) = take_the_thread();
        is_taken.await.unwrap();
        store.hold(None);
        goes_nowhere(reads + 1).await;
        // ... and when bodies are made of them, for which it gets the thread once.
        let (release_again, is_taken_again, blocked_again) = take_the_thread();
        release.send(()).unwrap();
        blocked.await.unwrap();
        is_taken_again.await.unwrap();
        goes_nowhere(reads + 1).await;
        let view = components.jobs.show(id).unwrap();
        assert_eq!((view.progress.total, view.progress.done), (2, 0), "{view:?}");
        release_again.send(()).unwrap();
        blocked_again.await.unwrap();
        let view = components.jobs.wait(id).await.unwrap();
        assert_eq!(view.generation, Some(before + 1), "{view:?}");
    });
}
