use super::*;
use crate::artefact::ReadError;
use crate::generation::{Checksum, HotEntry, Provenance};
use crate::tests::{answer, catalogue, generation, identity, store_known_by, top};
use aqs_api::Rules;
use aqs_api::countries::ProtectedCountries;
use aqs_api::lifetimes::Times;
use aqs_api::{Catalogue, Dialect, Key, Representation};
use aqs_origin::epochs::{PurgeMode, Scope, Validity};
use aqs_origin::memory_budget::{Budget, Consumer};
use aqs_origin::{Epochs, Moment};
use std::sync::Arc;
use tempfile::TempDir;

/// The parts that a directory needs.
struct Fixture {
    folder: TempDir,
    catalogue: Catalogue,
    epochs: Epochs,
    times: Times,
    budget: Arc<Budget>,
    limit: u64,
}

impl Fixture {
    fn new() -> Self {
        let (folder, times) = (tempfile::tempdir().unwrap(), Times::default());
        let (budget, limit) = (Arc::new(Budget::new(1 << 30)), 1 << 30);
        let epochs = Epochs::starting_at(1000, &catalogue());
        let catalogue = catalogue();
        Self { folder, catalogue, epochs, times, budget, limit }
    }

    fn open(&self) -> ArtefactDirectory {
        ArtefactDirectory::open(self.folder.path(), identity(), 3).unwrap()
    }

    fn ctx(&self) -> RestoreContext<'_> {
        let Self { catalogue, epochs, times, budget, limit, .. } = self;
        RestoreContext { catalogue, epochs, times, budget, limit: *limit }
    }

    /// A generation of a short body, a long one with its gzip form, and one that is missing.
    fn generation(&self, id: u64) -> Generation {
        let long = answer(&top("long"), Some(&"long ".repeat(1000)), &self.epochs);
        if let Representation::Body(body) = &long.1.representation {
            assert!(body.begin_gzip());
            body.keep_gzip(aqs_origin::gzip::compress(&body.identity).unwrap());
        }
        let short = answer(
            "/pageviews/per-article/en.wikipedia/all-access/user/Caf%C3%A9%2Fx/daily/20260101/20260102",
            Some("short"),
            &self.epochs,
        );
        let missing = answer(&top("missing"), None, &self.epochs);
        let mut made = generation(None, "plan", vec![long, short, missing], &self.epochs);
        (made.id, made.parent) = (id, id.checked_sub(1));
        made
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != LOCK);
        names.sort_unstable();
        names
    }
}

fn entry<'a>(generation: &'a Generation, path: &str) -> &'a HotEntry {
    generation.get(Key::new(Dialect::V2, path).as_ref()).unwrap()
}

#[test]
fn a_generation_survives_writing_and_reading() {
    let fixture = Fixture::new();
    let directory = fixture.open();
    let written = fixture.generation(7);
    directory.write(&written).unwrap();
    drop(directory);
    fixture.epochs.purge(Scope::Project("missing"), PurgeMode::Hard).unwrap();
    fixture.epochs.purge(Scope::Endpoint("pageviews/per-article"), PurgeMode::Soft).unwrap();
    let read = fixture.open().read(7, fixture.ctx()).unwrap();
    assert_eq!((read.id, read.parent, read.provenance), (7, Some(6), Provenance::Built));
    assert_eq!((read.keys(), read.checksum, read.bytes), (3, written.checksum, written.bytes));
    assert_eq!((&read.plans, read.built), (&written.plans, written.built));
    for (key, hot) in written.iter() {
        let again = read.get(key.as_ref()).unwrap();
        assert_eq!((again.plans, again.confirmed), (hot.plans, hot.confirmed));
        let of = |hot: &HotEntry| (hot.entry.epoch, hot.entry.fetched_at, hot.entry.tags);
        assert_eq!(of(again), of(hot));
        match (&again.entry.representation, &hot.entry.representation) {
            (Representation::Body(again), Representation::Body(body)) => {
                assert_eq!((&again.identity, again.etag), (&body.identity, body.etag));
                assert_eq!(again.gzip(), body.gzip());
            }
            (Representation::NoData(again), Representation::NoData(no_data)) => {
                assert_eq!(again, no_data);
            }
            _ => panic!("{} became something else", key.path()),
        }
    }
    // A purge after the write invalidates the answer that is read.
    let validity = |path: &str| {
        let entry = &entry(&read, path).entry;
        fixture.epochs.validity(entry.epoch, &entry.tags)
    };
    assert_eq!(validity(&top("missing")), Validity::Invalid);
    assert_eq!(validity(&top("long")), Validity::Valid);
}

#[test]
fn truncated_and_extended_files_are_damaged() {
    let fixture = Fixture::new();
    let directory = fixture.open();
    directory.write(&fixture.generation(1)).unwrap();
    let whole = fs::read(directory.file(1)).unwrap();
    for length in 0..whole.len() {
        fs::write(directory.file(1), &whole[..length]).unwrap();
        let read = directory.read(1, fixture.ctx());
        assert!(matches!(read, Err(ArtefactError::Damaged { .. })), "{length}: {read:?}");
    }
    let mut longer = whole;
    longer.push(0);
    fs::write(directory.file(1), &longer).unwrap();
    let read = directory.read(1, fixture.ctx());
    assert!(matches!(read, Err(ArtefactError::Damaged { .. })), "{read:?}");
}

#[test]
fn a_flipped_bit_never_changes_what_is_read() {
    let fixture = Fixture::new();
    let directory = fixture.open();
    let written = fixture.generation(1);
    directory.write(&written).unwrap();
    let whole = fs::read(directory.file(1)).unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x20;
        fs::write(directory.file(1), &flipped).unwrap();
        match directory.read(1, fixture.ctx()) {
            Err(ArtefactError::Damaged { .. }) => {}
            Err(ArtefactError::Foreign { .. }) if (8..12).contains(&at) => {}
            // The bit has no meaning: the checksum proves that all content is the same.
            Ok(read) if at >= 12 && read.checksum == written.checksum => {
                assert_eq!((&read.plans, read.bytes), (&written.plans, written.bytes));
            }
            other => panic!("byte {at}: {other:?}"),
        }
    }
}

#[test]
fn failures_of_the_system_are_not_damage() {
    let at =
        |error: io::Error| ReadError::from(error).at(1, PathBuf::from("gen-0000000001.aqs"), 0);
    for kind in [io::ErrorKind::OutOfMemory, io::ErrorKind::TimedOut, io::ErrorKind::Other] {
        let error = at(io::Error::new(kind, "the system"));
        assert!(matches!(error, ArtefactError::File { action: "read", .. }), "{error:?}");
    }
    for kind in [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof] {
        let error = at(io::Error::new(kind, "the file"));
        assert!(matches!(error, ArtefactError::Damaged { .. }), "{error:?}");
    }
}

#[test]
fn files_that_the_system_cannot_read_are_not_quarantined() {
    let fixture = Fixture::new();
    let directory = fixture.open();
    directory.write(&fixture.generation(1)).unwrap();
    // The system refuses to read a directory.
    fs::create_dir(directory.file(2)).unwrap();
    let (loaded, unused) = directory.load(fixture.ctx()).unwrap();
    assert_eq!(loaded.map(|generation| generation.id), Some(1));
    assert!(matches!(unused[0], ArtefactError::File { .. }), "{unused:?}");
    assert_eq!(fixture.names(), ["gen-0000000001.aqs", "gen-0000000002.aqs"]);
}

#[test]
fn a_header_of_other_answers_is_damage() {
    let fixture = Fixture::new();
    let directory = fixture.open();
    let mut made = fixture.generation(1);
    made.checksum = Checksum::default();
    directory.write(&made).unwrap();
    let read = directory.read(1, fixture.ctx());
    assert!(matches!(read, Err(ArtefactError::Damaged { .. })), "{read:?}");
}

#[test]
fn load_takes_the_newest_usable_generation() {
    let fixture = Fixture::new();
    let directory = fixture.open();
    for id in 1..=3 {
        directory.write(&fixture.generation(id)).unwrap();
    }
    fs::write(directory.file(3), b"nonsense").unwrap();
    let (loaded, quarantined) = directory.load(fixture.ctx()).unwrap();
    assert_eq!(loaded.map(|generation| generation.id), Some(2));
    let [quarantined] = &quarantined[..] else { panic!("{quarantined:?}") };
    assert!(matches!(quarantined, ArtefactError::Damaged { .. }));
    assert_eq!(
        fixture.names(),
        ["gen-0000000001.aqs", "gen-0000000002.aqs", "gen-0000000003.aqs.damaged"]
    );
    assert_eq!(
        fs::read(fixture.folder.path().join("gen-0000000003.aqs.damaged")).unwrap(),
        b"nonsense"
    );
    // Its id is not used again.
    assert_eq!(directory.last_id().unwrap(), 3);
}

#[test]
fn foreign_files_are_quarantined() {
    let fixture = Fixture::new();
    let ours = identity();
    for (identity, expected) in [
        (Identity { state: 8, ..ours.clone() }, "another state directory"),
        (
            Identity {
                stores: vec![store_known_by(&["other", "third"], &["all"])],
                ..ours.clone()
            },
            "another store or route: other, third",
        ),
        (
            Identity { stores: vec![store_known_by(&["a store"], &["some"])], ..ours.clone() },
            "another store or route: a store",
        ),
        (
            Identity {
                stores: vec![ours.stores[0].clone(), store_known_by(&["second"], &[])],
                ..ours.clone()
            },
            "another store or route: a store; second",
        ),
        (
            Identity { build: "0.0.1 1".to_owned(), ..ours.clone() },
            "another build of the program wrote it, which may answer differently: 0.0.1 1",
        ),
    ] {
        let foreign = ArtefactDirectory::open(fixture.folder.path(), identity, 3).unwrap();
        foreign.write(&fixture.generation(1)).unwrap();
        drop(foreign);
        let (loaded, mut quarantined) = fixture.open().load(fixture.ctx()).unwrap();
        assert!(loaded.is_none());
        let Some(ArtefactError::Foreign { reason, .. }) = quarantined.pop() else {
            panic!("not foreign")
        };
        assert!(reason.contains(expected), "{reason}");
        assert_eq!(fixture.names(), ["gen-0000000001.aqs.foreign"]);
    }
}

#[test]
fn a_build_with_other_rules_reads_no_answers_of_this_one() {
    let fixture = Fixture::new();
    fixture.open().write(&fixture.generation(1)).unwrap();
    let rules = Rules { protected: ProtectedCountries::new(["FR"]) };
    let identity = Identity {
        build: Identity::new(7, Vec::new(), &catalogue().with_rules(rules)).build,
        ..identity()
    };
    let other = ArtefactDirectory::open(fixture.folder.path(), identity, 3).unwrap();
    let (loaded, quarantined) = other.load(fixture.ctx()).unwrap();
    assert!(loaded.is_none());
    let error = &quarantined[0];
    assert!(matches!(error, ArtefactError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains("another build"), "{error}");
}

#[test]
fn stores_that_share_a_name_are_the_same() {
    let fixture = Fixture::new();
    let known_by = |names: [&str; 2]| {
        let stores = vec![store_known_by(&names, &["all"])];
        let identity = Identity::new(7, stores, &fixture.catalogue);
        ArtefactDirectory::open(fixture.folder.path(), identity, 3).unwrap()
    };
    known_by(["a", "b"]).write(&fixture.generation(1)).unwrap();
    let (loaded, _) = known_by(["c", "b"]).load(fixture.ctx()).unwrap();
    assert_eq!(loaded.map(|generation| generation.id), Some(1));
    assert!(known_by(["c", "d"]).load(fixture.ctx()).unwrap().0.is_none());
}

#[test]
fn future_epochs_are_foreign() {
    let mut fixture = Fixture::new();
    fixture.open().write(&fixture.generation(1)).unwrap();
    // The state was restored: its counter is lower than when the file was written.
    fixture.epochs = Epochs::starting_at(999, &catalogue());
    let (loaded, quarantined) = fixture.open().load(fixture.ctx()).unwrap();
    assert!(loaded.is_none());
    assert!(matches!(quarantined[0], ArtefactError::Foreign { .. }));
    assert!(quarantined[0].to_string().contains("later epoch"), "{quarantined:?}");
}

#[test]
fn old_generations_are_removed() {
    let fixture = Fixture::new();
    let directory = fixture.open();
    for id in 1..=6 {
        directory.write(&fixture.generation(id)).unwrap();
    }
    assert_eq!(directory.kept().unwrap(), [3, 4, 5, 6]);
    assert!(matches!(directory.read(2, fixture.ctx()), Err(ArtefactError::Missing { id: 2, .. })));
}

#[test]
fn a_second_user_of_a_directory_is_refused() {
    let fixture = Fixture::new();
    let _first = fixture.open();
    let second = ArtefactDirectory::open(fixture.folder.path(), identity(), 3);
    assert!(matches!(second, Err(ArtefactError::Busy(_))));
}

#[test]
fn a_full_disk_changes_nothing() {
    let fixture = Fixture::new();
    let directory = fixture.open();
    directory.write(&fixture.generation(1)).unwrap();
    let before = fs::read(directory.file(1)).unwrap();
    // Writes to it fail as on a full disk.
    let mut full = File::options().write(true).open("/dev/full").unwrap();
    let failed = directory.write_atomically(&directory.file(1), |file| {
        file.write_all(&before[..50])?;
        file::write(&fixture.generation(1), &identity(), &mut full)
    });
    assert_eq!(failed.map_err(|error| error.kind()), Err(io::ErrorKind::StorageFull));
    assert_eq!(fixture.names(), ["gen-0000000001.aqs"]);
    assert_eq!(fs::read(directory.file(1)).unwrap(), before);
}

#[test]
fn unfinished_files_of_a_killed_process_are_removed() {
    let fixture = Fixture::new();
    let directory = fixture.open();
    directory.write(&fixture.generation(1)).unwrap();
    let whole = fs::read(directory.file(1)).unwrap();
    for length in [0, 1, whole.len() / 2, whole.len()] {
        let left = fixture.folder.path().join(format!("{UNFINISHED}{length}"));
        fs::write(left, &whole[..length]).unwrap();
    }
    drop(directory);
    let (loaded, _) = fixture.open().load(fixture.ctx()).unwrap();
    assert_eq!(loaded.map(|generation| generation.id), Some(1));
    assert_eq!(fixture.names(), ["gen-0000000001.aqs"]);
}

#[test]
fn equal_generations_have_equal_files() {
    let fixture = Fixture::new();
    let directory = fixture.open();
    let read = |id: u64| fs::read(directory.file(id)).unwrap();
    let made = fixture.generation(1);
    directory.write(&made).unwrap();
    let first = read(1);
    let again = directory.read(1, fixture.ctx()).unwrap();
    directory.write(&again).unwrap();
    assert!(first == read(1));
    assert_eq!(made.built, Moment(1000));
}

#[test]
fn generations_above_the_limit_are_refused_and_stay() {
    let mut fixture = Fixture::new();
    let directory = fixture.open();
    let made = fixture.generation(1);
    directory.write(&made).unwrap();
    fixture.limit = made.bytes - 1;
    let (loaded, quarantined) = directory.load(fixture.ctx()).unwrap();
    assert!(loaded.is_none());
    assert!(quarantined[0].to_string().contains("raise the limit"), "{quarantined:?}");
    assert_eq!(fixture.names(), ["gen-0000000001.aqs"]);
    // A size in the header above the limit is refused before any answer is read.
    let mut large = made.republished(2, None, Moment(1));
    large.bytes = 1 << 40;
    directory.write(&large).unwrap();
    let read = directory.read(2, fixture.ctx());
    assert!(matches!(read, Err(ArtefactError::TooLarge { bytes: 0x100_0000_0000, .. })));
    // Answers above the limit are refused also if the header has a smaller size.
    let mut wrong = made.republished(2, None, Moment(1));
    wrong.bytes = 1;
    directory.write(&wrong).unwrap();
    for limit in [made.bytes - 1, made.bytes / 2, 1000] {
        fixture.limit = limit;
        let read = directory.read(2, fixture.ctx());
        assert!(matches!(read, Err(ArtefactError::TooLarge { .. })), "{limit}: {read:?}");
        assert_eq!(fixture.budget.used(Consumer::HotSet), 0);
    }
    assert!(directory.file(2).exists());
    fixture.limit = made.bytes;
    assert_eq!(directory.read(1, fixture.ctx()).unwrap().bytes, made.bytes);
    assert_eq!(fixture.budget.used(Consumer::HotSet), 0, "its publication charges it");
}

#[test]
fn decompression_stops_at_the_limit() {
    let mut fixture = Fixture::new();
    let directory = fixture.open();
    let bomb = answer(&top("bomb"), Some(&"0".repeat(64 << 20)), &fixture.epochs);
    let mut made = generation(None, "plan", vec![bomb], &fixture.epochs);
    made.bytes = 1;
    assert!(directory.write(&made).unwrap() < 1 << 16);
    fixture.limit = 1 << 20;
    let read = directory.read(1, fixture.ctx());
    assert!(matches!(read, Err(ArtefactError::TooLarge { .. })), "{read:?}");
    let sum = directory.verify(1, fixture.ctx());
    assert!(matches!(sum, Err(ArtefactError::TooLarge { .. })), "{sum:?}");
}

#[test]
fn verify_returns_the_checksum() {
    let fixture = Fixture::new();
    let directory = fixture.open();
    let mut made = fixture.generation(1);
    directory.write(&made).unwrap();
    assert_eq!(directory.verify(1, fixture.ctx()).unwrap(), made.checksum);
    assert_eq!(directory.header(1).unwrap().checksum, made.checksum);
    (made.id, made.checksum) = (2, Checksum::default());
    directory.write(&made).unwrap();
    assert!(directory.verify(2, fixture.ctx()).is_err());
    assert!(matches!(directory.verify(3, fixture.ctx()), Err(ArtefactError::Missing { .. })));
}

#[test]
fn a_file_with_the_id_of_another_is_damaged() {
    let fixture = Fixture::new();
    let directory = fixture.open();
    directory.write(&fixture.generation(1)).unwrap();
    fs::copy(directory.file(1), directory.file(5)).unwrap();
    let read = directory.read(5, fixture.ctx());
    assert!(read.unwrap_err().to_string().contains("it is generation 1"));
    assert_eq!(directory.load(fixture.ctx()).unwrap().0.map(|kept| kept.id), Some(1));
}

#[test]
fn reserved_ids_are_remembered() {
    let fixture = Fixture::new();
    let directory = fixture.open();
    assert_eq!(directory.last_id().unwrap(), 0);
    directory.write(&fixture.generation(1)).unwrap();
    assert_eq!(directory.last_id().unwrap(), 1);
    directory.reserve_id(4).unwrap();
    drop(directory);
    let directory = fixture.open();
    assert_eq!(directory.last_id().unwrap(), 4);
    // A damaged file is ignored.
    fs::write(fixture.folder.path().join(NEXT), "seven").unwrap();
    assert_eq!(directory.last_id().unwrap(), 1);
}

#[test]
fn the_newest_quarantined_files_stay() {
    let fixture = Fixture::new();
    let directory = fixture.open();
    for id in 1..=5 {
        fs::write(directory.file(id), b"nonsense").unwrap();
        directory.load(fixture.ctx()).unwrap();
    }
    assert_eq!(fixture.names(), [3, 4, 5].map(|id| format!("gen-000000000{id}.aqs.damaged")));
}
