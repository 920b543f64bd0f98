//! Stores that can only be read.

use super::*;
use aqs_origin::store::embedded::{Access, OpenError};
use std::fs;
use std::path::PathBuf;

const IMMUTABLE: Options = Options { readers: None, access: Access::Immutable };

fn names_in(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_immutable_store_leaves_no_trace_at_any_path() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["store.db", "a b?c#d%25&mode=rwc.db", "файл-🍌.db", "file:x.db", "'\"\\.db"]
    {
        let inner = folder.path().join(format!("in {name}"));
        let path = inner.join(name);
        load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
        let store = EmbeddedStore::open(&path, &catalogue(), IMMUTABLE).unwrap();
        assert_eq!(store.access(), Access::Immutable);
        assert_eq!(devices_of(&store, "a").await, [Some(1)], "{name}");
        assert_eq!(store.change_token().await.unwrap(), store.change_token().await.unwrap());
        assert_eq!(names_in(&inner), [PathBuf::from(name)]);
        drop(store);
        // The same path also serves as a live one.
        let store = open(&path);
        assert_eq!(store.access(), Access::Live);
        load_devices(&path, &[devices("a", "20260101", ints([2, 2, 3]))]);
        assert_eq!(devices_of(&store, "a").await, [Some(2)], "{name}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_leads_to_the_store_and_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("real").join("store.db");
    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let store = open(&link);
    load_devices(&link, &[devices("a", "20260102", ints([2, 2, 3]))]);
    assert_eq!(devices_of(&store, "a").await, [Some(1), Some(2)]);
    assert_eq!(names_in(folder.path()), [PathBuf::from("link.db"), PathBuf::from("real")]);
}

#[test]
fn an_immutable_store_with_an_unmerged_log_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
    fs::write(folder.path().join("store.db-wal"), "a load").unwrap();
    let refused = EmbeddedStore::open(&path, &catalogue(), IMMUTABLE).unwrap_err();
    assert!(matches!(refused, OpenError::UnmergedLog { bytes: 6, .. }), "{refused:?}");
    // The log is next to the file, not next to a link to it.
    #[cfg(unix)]
    {
        fs::create_dir(folder.path().join("links")).unwrap();
        let link = folder.path().join("links").join("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let refused = EmbeddedStore::open(&link, &catalogue(), IMMUTABLE).unwrap_err();
        assert!(matches!(refused, OpenError::UnmergedLog { .. }), "{refused:?}");
    }
    // An empty log hides nothing.
    fs::write(folder.path().join("store.db-wal"), "").unwrap();
    EmbeddedStore::open(&path, &catalogue(), IMMUTABLE).unwrap();
}

#[cfg(unix)]
mod read_only_folders {
    use super::*;
    use std::env;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    const PATH: &str = "AQS_TEST_READ_ONLY_PATH";
    const NOBODY: u32 = 65534;

    fn permit(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Opens a store in a read-only folder, as a user without permission to write it.
    #[test]
    fn are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
        permit(&path, 0o444);
        permit(folder.path(), 0o555);
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "access::read_only_folders::in_a_child"]).env(PATH, &path);
        if path.metadata().unwrap().uid() == 0 {
            // Permissions do not restrict root.
            child.uid(NOBODY).gid(NOBODY).current_dir("/");
        }
        let outcome = child.output();
        permit(folder.path(), 0o755);
        match outcome {
            Ok(output) => {
                let words = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success() && words.contains("1 passed"), "{words}");
            }
            // That user may not execute this program; then nothing is tested.
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied),
        }
    }

    /// Runs as that user; without a path it does nothing.
    #[tokio::test]
    async fn in_a_child() {
        let Some(path) = env::var_os(PATH).map(PathBuf::from) else { return };
        assert!(tempfile::tempfile_in(path.parent().unwrap()).is_err(), "it can be written");
        let store = open(&path);
        assert_eq!(store.access(), Access::Immutable);
        assert_eq!(devices_of(&store, "a").await, [Some(1)]);
    }
}
