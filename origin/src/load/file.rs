//! Opening a table's file, and counting what is read of it.

use super::error::LoadError;
use super::find::Source;
use flate2::bufread::MultiGzDecoder;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

const BUFFER: usize = 128 << 10;
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// The text of a file, unpacked; `read` counts the bytes that it took from the disk.
pub(super) fn open(source: &Source, read: &Rc<Cell<u64>>) -> Result<Box<dyn BufRead>, LoadError> {
    let failed = |error| LoadError::File { path: source.path.clone(), line: 0, source: error };
    let file = File::open(&source.path).map_err(failed)?;
    let mut file = BufReader::with_capacity(BUFFER, Counted { file, read: Rc::clone(read) });
    if source.gzip {
        return Ok(Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file))));
    }
    if file.fill_buf().map_err(failed)?.starts_with(GZIP_MAGIC) {
        return Err(LoadError::Compressed { path: source.path.clone() });
    }
    Ok(Box::new(file))
}

struct Counted {
    file: File,
    read: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        self.read.set(self.read.get() + count as u64);
        Ok(count)
    }
}
