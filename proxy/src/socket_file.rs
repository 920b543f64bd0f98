//! Unix sockets: the file, who may use it, and whose it is.

use crate::listen::BACKLOG;
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use tempfile::Builder;
use thiserror::Error;

/// Random letters of a name that a socket has before it listens.
const RANDOM: usize = 6;
/// Only its owner may connect.
const MODE: u32 = 0o600;

/// A socket's file, removed with its owner, unless another has taken its place.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and number of the file.
    identity: (u64, u64),
}

/// A file can't be listened on.
#[derive(Debug, Error)]
pub enum SocketError {
    /// There is something that is not ours to remove.
    #[error("there is a file that is no socket")]
    NoSocket,
    /// The system refuses, or somebody listens there.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl SocketFile {
    /// Listens on a file. One that a dead process left is replaced; whatever else is there stays.
    pub(crate) fn bind(path: &Path) -> Result<(UnixListener, Self), SocketError> {
        let path = std::path::absolute(path)?;
        // Of a longer one the system could make a file, and nobody could connect to it.
        SockAddr::unix(&path)?;
        vacate(&path)?;
        let folder = path.parent().ok_or(io::Error::from(io::ErrorKind::NotFound))?;
        // It gets its name when it listens and has its rights: there is no moment in which others
        // could connect, or in which another start would take it for a dead one's.
        let bound = unnamed(&path).make_in(folder, |other| match other == path {
            true => Err(io::ErrorKind::AddrInUse.into()),
            false => listening(other),
        })?;
        let listener =
            bound.persist_noclobber(&path).map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => io::ErrorKind::AddrInUse.into(),
                _ => error.error,
            })?;
        let identity = identity(&path)?;
        Ok((listener, Self { path, identity }))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "the socket's file stays");
        }
    }
}

/// Another name in the same folder, no longer than the one to be had: the system takes paths of
/// sockets up to a length.
fn unnamed(path: &Path) -> Builder<'static, 'static> {
    let length = path.file_name().map_or(0, |name| name.len());
    let mut builder = Builder::new();
    match length.checked_sub(RANDOM) {
        None | Some(0) => builder.prefix("").rand_bytes(length.max(1)),
        Some(_) => builder.prefix(".").rand_bytes(RANDOM),
    };
    builder
}

fn listening(path: &Path) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    fs::set_permissions(path, Permissions::from_mode(MODE))?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Removes the socket of a dead process.
fn vacate(path: &Path) -> Result<(), SocketError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
        Ok(found) if !found.file_type().is_socket() => return Err(SocketError::NoSocket),
        Ok(_) => {}
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // One whose queue is full lives too, and would keep us waiting.
    socket.set_nonblocking(true)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Ok(fs::remove_file(path)?)
        }
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error.into()),
        Ok(()) | Err(_) => Err(io::Error::from(io::ErrorKind::AddrInUse).into()),
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
    fn it_is_its_owners_alone_and_goes_with_it() {
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
    fn a_dead_ones_socket_is_replaced_and_a_living_ones_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "the system removed it");
        let (listener, _file) = SocketFile::bind(&path).unwrap();
        let busy = SocketFile::bind(&path).unwrap_err();
        let SocketError::System(error) = busy else { panic!("{busy}") };
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(UnixStream::connect(&path).is_ok(), "the living one's socket is gone");
        drop(listener);
    }

    #[test]
    fn every_path_that_the_system_takes_is_had() {
        let folder = tempfile::tempdir().unwrap();
        let mut deep = folder.path().to_owned();
        // Names of up to five letters fit into it, and none of seven does.
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
    fn what_is_no_socket_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&path, "mine").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for path in [path.as_path(), &link, folder.path()] {
            assert!(matches!(SocketFile::bind(path), Err(SocketError::NoSocket)), "{path:?}");
        }
        assert_eq!(fs::read_to_string(&link).unwrap(), "mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_successors_socket_is_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin");
        let (_listener, file) = SocketFile::bind(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let _successor = UnixListener::bind(&path).unwrap();
        drop(file);
        assert!(path.exists());
    }
}
