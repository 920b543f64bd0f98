//! The files of Unix sockets: created for their owner alone, removed by their owner alone.

use super::BACKLOG;
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Only the owner may connect.
const MODE: u32 = 0o600;

/// The file of a socket, removed when this is dropped unless another file has replaced it.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// The device and inode of the file.
    identity: (u64, u64),
}

impl SocketFile {
    /// Listens on a file. Replaces the stale file of a dead process, and nothing else.
    pub(super) fn bind(path: &Path) -> io::Result<(UnixListener, Self)> {
        let path = std::path::absolute(path)?;
        // The system would create a file with a longer path, but no client could connect to it.
        SockAddr::unix(&path)?;
        remove_stale(&path)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SockAddr::unix(&path)?)?;
        // Before it listens: until then the system refuses connections.
        fs::set_permissions(&path, Permissions::from_mode(MODE))?;
        socket.listen(BACKLOG)?;
        let identity = identity(&path)?;
        Ok((socket.into(), Self { path, identity }))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "failed to remove the file of a socket");
        }
    }
}

/// Removes the file of a dead process.
fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::other("there is a file that is no socket"));
        }
        Ok(_) => {}
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A socket whose queue is full is alive too, and would block.
    socket.set_nonblocking(true)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        Ok(()) | Err(_) => Err(io::ErrorKind::AddrInUse.into()),
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn only_the_owner_may_connect_and_the_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin");
        let (listener, file) = SocketFile::bind(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, MODE);
        assert_eq!(file.path(), path);
        UnixStream::connect(&path).unwrap();
        listener.accept().unwrap();
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_stale_file_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "the system removed it");
        let (listener, _file) = SocketFile::bind(&path).unwrap();
        let busy = SocketFile::bind(&path).unwrap_err();
        assert_eq!(busy.kind(), io::ErrorKind::AddrInUse);
        assert!(UnixStream::connect(&path).is_ok(), "the live file is gone");
        drop(listener);
    }

    #[test]
    fn every_path_that_the_system_accepts_works() {
        let folder = tempfile::tempdir().unwrap();
        let mut deep = folder.path().to_owned();
        // Names of up to five letters fit, longer ones don't.
        while deep.as_os_str().len() < 100 {
            deep.push("x".repeat((100 - deep.as_os_str().len()).min(40)));
        }
        fs::create_dir_all(&deep).unwrap();
        // The system's limit is 108 bytes, the last of them a zero.
        for length in 1..=10 {
            let path = deep.join("a".repeat(length));
            let fits = SockAddr::unix(&path).is_ok();
            assert_eq!(SocketFile::bind(&path).is_ok(), fits, "{length}");
        }
        let short = folder.path().join("a");
        for _ in 0..100 {
            SocketFile::bind(&short).unwrap();
        }
    }

    #[test]
    fn other_files_are_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&path, "mine").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for path in [path.as_path(), &link, folder.path()] {
            let error = SocketFile::bind(path).unwrap_err();
            assert_eq!(error.to_string(), "there is a file that is no socket", "{path:?}");
        }
        assert_eq!(fs::read_to_string(&link).unwrap(), "mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn the_file_of_a_successor_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin");
        let (_listener, file) = SocketFile::bind(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let _successor = UnixListener::bind(&path).unwrap();
        drop(file);
        assert!(path.exists());
    }
}
