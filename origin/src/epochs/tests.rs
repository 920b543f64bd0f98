use super::*;
use aqs_api::body::{Body, TIMESTAMP, count};
use aqs_api::endpoint::Segment;
use aqs_api::source::{KeyValue::Const as C, Source, TableSource};
use aqs_api::{Dataset, Dialect, Endpoint, Query, Target};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const THEN: Moment = Moment(1_000_000);
const LATER: Moment = Moment(2_000_000);

fn catalogue() -> Catalogue {
    Catalogue::standard().unwrap()
}

fn at(path: &Path, now: Moment) -> (Epochs, StateStatus) {
    let (state, found) = StateDirectory::open(path).unwrap();
    (Epochs::remembered(state, &found, now, &catalogue()).unwrap(), found)
}

#[test]
fn purges_cover_what_was_read_before_them() {
    let (epochs, tags) = (Epochs::starting_at(7, &catalogue()), PurgeTags::any());
    let before = epochs.current();
    assert_eq!(epochs.validity(before, &tags), Validity::Valid);
    epochs.purge(Scope::Everything, PurgeMode::Soft).unwrap();
    assert_eq!(epochs.validity(before, &tags), Validity::Stale);
    let between = epochs.current();
    assert_eq!(epochs.validity(between, &tags), Validity::Valid);
    epochs.purge(Scope::Everything, PurgeMode::Hard).unwrap();
    assert_eq!(epochs.validity(before, &tags), Validity::Invalid);
    assert_eq!(epochs.validity(between, &tags), Validity::Invalid);
    assert_eq!(epochs.validity(epochs.current(), &tags), Validity::Valid);
}

#[test]
fn purged_answers_stay_purged_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let query = query("/pageviews/top/en.wikipedia/all-access/2026/10/all-days");
    let tags = tags(&query, &catalogue());
    let (epochs, found) = at(folder.path(), THEN);
    assert_eq!(found, StateStatus::New);
    let before = epochs.current();
    epochs.purge(Scope::Key(query.key().stable_hash()), PurgeMode::Hard).unwrap();
    let after = epochs.current();
    let versions = BTreeMap::from([("pageviews-top-daily", 3)]);
    epochs.set_dataset_versions(&versions).unwrap();
    drop(epochs);

    let (epochs, found) = at(folder.path(), LATER);
    assert_eq!(found, StateStatus::Restored);
    assert_eq!(epochs.validity(before, &tags), Validity::Invalid);
    assert_eq!(epochs.validity(after, &tags), Validity::Valid);
    assert!(epochs.current() > after);
    assert_eq!(epochs.versions_at_start().get("pageviews-top-daily"), Some(&3));
    assert_eq!(epochs.versions_at_start().get("never-seen"), None);
}

fn query(path: &str) -> Query {
    catalogue().resolve(Target { dialect: Dialect::V2, path }).unwrap()
}

fn tags(query: &Query, catalogue: &Catalogue) -> PurgeTags {
    PurgeTags::of(query, query.dataset(), catalogue)
}

/// Far more than today's catalogue has: some of them would share one of 256 hashed slots.
fn large_catalogue() -> Catalogue {
    let (_, example) = catalogue().endpoints().next().unwrap();
    let endpoint = |index: usize| -> &'static Endpoint {
        let name: &'static str = Box::leak(format!("endpoint-{index}").into_boxed_str());
        let dataset: &'static Dataset = Box::leak(Box::new(Dataset {
            name: Box::leak(format!("dataset-{index}-daily").into_boxed_str()),
            ..*example.datasets()[0]
        }));
        Box::leak(Box::new(Endpoint {
            name,
            segments: Box::leak(Box::new([Segment::Word(name)])),
            source: Source::Table(Box::leak(Box::new(TableSource {
                table: example.datasets()[0].table().unwrap(),
                datasets: Box::leak(Box::new([dataset])),
                partition: &[C("a.b"), C("all-sites"), C("daily")],
                list: None,
            }))),
            body: Body::Items { item: const { &[TIMESTAMP, count(&["devices"], "")] } },
            ..*example
        }))
    };
    let endpoints: Vec<&'static Endpoint> = (0..200).map(endpoint).collect();
    Catalogue::new(endpoints.leak()).unwrap()
}

#[test]
fn endpoints_and_datasets_never_share_a_slot() {
    let catalogue = large_catalogue();
    let answers: Vec<Query> = catalogue
        .endpoints()
        .map(|(_, endpoint)| {
            let path = format!("/{}", endpoint.name);
            catalogue.resolve(Target { dialect: Dialect::V2, path: &path }).unwrap()
        })
        .collect();
    for purged in &answers {
        let dataset = purged.dataset().name;
        for scope in [Scope::Endpoint(purged.endpoint().name), Scope::Dataset(dataset)] {
            let epochs = Epochs::starting_at(1, &catalogue);
            let before = epochs.current();
            epochs.purge(scope, PurgeMode::Hard).unwrap();
            for answer in &answers {
                let valid = epochs.validity(before, &tags(answer, &catalogue));
                let covered = valid == Validity::Invalid;
                assert_eq!(covered, answer.key() == purged.key(), "{scope:?} {answer:?}");
            }
        }
    }
}

#[test]
fn purges_survive_a_changed_catalogue() {
    let folder = tempfile::tempdir().unwrap();
    let open = |now, catalogue: &Catalogue| {
        let (state, found) = StateDirectory::open(folder.path()).unwrap();
        Epochs::remembered(state, &found, now, catalogue).unwrap()
    };
    let query = query("/pageviews/top/en.wikipedia/all-access/2026/10/all-days");
    let epochs = open(THEN, &catalogue());
    let before = epochs.current();
    epochs.purge(Scope::Endpoint("pageviews/top"), PurgeMode::Hard).unwrap();
    epochs.purge(Scope::Dataset("pageviews-top-monthly"), PurgeMode::Soft).unwrap();
    drop(epochs);
    // Without the endpoint for a while, and then with it at another position.
    drop(open(LATER, &Catalogue::new(&[]).unwrap()));
    let mut endpoints: Vec<_> = catalogue().endpoints().map(|(_, one)| one).collect();
    endpoints.reverse();
    let reversed = Catalogue::new(endpoints.leak()).unwrap();
    let epochs = open(LATER, &reversed);
    let target = Target { dialect: Dialect::V2, path: query.key().path() };
    let query = reversed.resolve(target).unwrap();
    assert_eq!(epochs.validity(before, &tags(&query, &reversed)), Validity::Invalid);
    let target = "/unique-devices/a/all-sites/daily/20260101/20260101";
    let other = reversed.resolve(Target { dialect: Dialect::V2, path: target }).unwrap();
    assert_eq!(epochs.validity(before, &tags(&other, &reversed)), Validity::Valid);
}

#[test]
fn state_of_an_older_format_is_reset() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path()).unwrap();
    fs::write(folder.path().join("lock"), "").unwrap();
    let json = r#"{"format":1,"identity":5,"counter":7,"tags":{"1/77":[7,0]},"versions":{}}"#;
    let sum = xxhash_rust::xxh3::xxh3_64(json.as_bytes());
    fs::write(folder.path().join("state.json"), format!("{sum:016x}\n{json}")).unwrap();
    let (epochs, found) = at(folder.path(), THEN);
    assert!(matches!(found, StateStatus::OtherFormat { format: 1, .. }), "{found:?}");
    assert_eq!(epochs.validity(Epoch(THEN.0 - 1), &PurgeTags::any()), Validity::Invalid);
    assert_ne!(epochs.identity(), Some(5));
}

/// A purge holds the writer while it waits for the disk. Serving threads must not wait for it.
#[test]
fn serving_does_not_wait_for_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let epochs = std::sync::Arc::new(at(folder.path(), THEN).0);
    let _writing = epochs.writer();
    let (done, finished) = std::sync::mpsc::channel();
    let reader = std::sync::Arc::clone(&epochs);
    std::thread::spawn(move || {
        let validity = reader.validity(Epoch(0), &PurgeTags::any());
        let facts = (validity, reader.identity(), reader.versions_at_start().len());
        done.send(facts).unwrap();
    });
    let facts = finished.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
    assert_eq!((facts.0, facts.2), (Validity::Valid, 0));
}

#[test]
fn the_counter_advances_when_the_clock_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (epochs, _) = at(folder.path(), LATER);
    epochs.purge(Scope::Everything, PurgeMode::Hard).unwrap();
    let last = epochs.current();
    drop(epochs);
    assert!(at(folder.path(), THEN).0.current() > last);
}

#[test]
fn a_purge_covers_older_answers_when_the_clock_was_set_back() {
    let folder = tempfile::tempdir().unwrap();
    let before = at(folder.path(), LATER).0.current();
    let (epochs, _) = at(folder.path(), THEN);
    epochs.purge(Scope::Everything, PurgeMode::Hard).unwrap();
    assert_eq!(epochs.validity(before, &PurgeTags::any()), Validity::Invalid);
}

#[test]
fn nothing_older_than_damaged_state_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let (epochs, _) = at(folder.path(), THEN);
    epochs.purge(Scope::Project("en.wikipedia"), PurgeMode::Soft).unwrap();
    let before = epochs.current();
    drop(epochs);
    let file = folder.path().join("state.json");
    let whole = fs::read(&file).unwrap();
    // Cut off anywhere, or with a bit turned: it is noticed.
    let mut turned = whole.clone();
    turned[20] ^= 1;
    for damaged in [&whole[..0], &whole[..5], &whole[..whole.len() - 1], &turned, b"nonsense"] {
        fs::write(&file, damaged).unwrap();
        let (epochs, found) = at(folder.path(), LATER);
        assert!(matches!(found, StateStatus::Damaged(_)), "{found:?}");
        assert_eq!(epochs.validity(before, &PurgeTags::any()), Validity::Invalid);
        assert_eq!(epochs.validity(epochs.current(), &PurgeTags::any()), Validity::Valid);
        // It holds for the next start too.
        epochs.set_dataset_versions(&BTreeMap::new()).unwrap();
        drop(epochs);
        let (epochs, found) = at(folder.path(), LATER);
        assert_eq!(found, StateStatus::Restored);
        assert_eq!(epochs.validity(before, &PurgeTags::any()), Validity::Invalid);
    }
    assert!(folder.path().join("state.json.damaged").exists());
    fs::remove_file(&file).unwrap();
    let (epochs, found) = at(folder.path(), LATER);
    assert_eq!(found, StateStatus::Lost);
    assert_eq!(epochs.validity(before, &PurgeTags::any()), Validity::Invalid);
}

#[test]
fn epochs_keep_their_identity_unless_the_state_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let first = at(folder.path(), THEN).0.identity();
    assert!(first.is_some());
    assert_eq!(at(folder.path(), LATER).0.identity(), first);
    let other = tempfile::tempdir().unwrap();
    assert_ne!(at(other.path(), THEN).0.identity(), first);
    fs::remove_file(folder.path().join("state.json")).unwrap();
    assert_ne!(at(folder.path(), LATER).0.identity(), first);
    assert_eq!(Epochs::starting_at(1, &catalogue()).identity(), None);
}

#[test]
fn a_state_directory_has_one_user() {
    let folder = tempfile::tempdir().unwrap();
    let (_held, _) = StateDirectory::open(folder.path()).unwrap();
    let second = StateDirectory::open(folder.path());
    assert!(matches!(second, Err(StateError::Busy(_))));
}

#[test]
fn is_held_reports_a_live_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/state");
    let held = || StateDirectory::is_held(&path).unwrap();
    assert!(!held(), "it is not even there");
    let opened = StateDirectory::open(&path).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert!(held() && held());
    drop(opened);
    assert!(path.join("lock").exists() && !held());
}
