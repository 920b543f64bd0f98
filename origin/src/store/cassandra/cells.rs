//! The cells of a page, as they lie in its frame.

use super::decode::{Broken, CellError};
use scylla::deserialize::FrameSlice;
use scylla::deserialize::result::TypedRowIterator;
use scylla::deserialize::row::ColumnIterator;

/// A cell as it lies in its frame; nothing where there is null.
pub(super) type CellBytes<'f> = Option<&'f [u8]>;
/// The rows of a page as the driver gives them.
pub(super) type PageRows<'f, 'm> = TypedRowIterator<'f, 'm, ColumnIterator<'f, 'm>>;

/// The cells of a page, row by row.
///
/// The driver's iterator of rows looks through each row to find its end, before that row is read
/// cell by cell. One look is enough where all cells are read.
pub(super) struct Cells<'f> {
    /// Those not yet taken; nothing if there is none but nulls.
    frame: Option<FrameSlice<'f>>,
}

impl<'f> Cells<'f> {
    /// Those of a page.
    pub(super) fn of(rows: PageRows<'f, '_>) -> Result<Self, Broken> {
        let mut before = 0;
        for row in rows {
            for cell in row? {
                // Any that holds something tells where all of them lie.
                match cell?.slice {
                    None => before += 1,
                    Some(cell) => return Ok(Self { frame: Some(frame_of(cell, before)?) }),
                }
            }
        }
        Ok(Self { frame: None })
    }

    /// The next one, of a row and a column.
    // Of each cell little is to be done: calling this would be half of that.
    #[inline(always)]
    pub(super) fn next(
        &mut self,
        row: usize,
        column: &'static str,
    ) -> Result<CellBytes<'f>, Broken> {
        match &mut self.frame {
            Some(frame) => match frame.read_cql_bytes() {
                Ok(cell) => Ok(cell.map(|cell| cell.as_slice())),
                Err(cause) => Err(CellError::cut(row, column, &cause)),
            },
            None => Ok(None),
        }
    }
}

/// What a cell lies in, before which there are so many.
fn frame_of(cell: FrameSlice<'_>, before: usize) -> Result<FrameSlice<'_>, Broken> {
    let frame = FrameSlice::new(cell.as_original_frame_bytes());
    // The driver does not promise that nothing but rows lies there.
    let mut cells = frame;
    let passed = (0..before).all(|_| matches!(cells.read_cql_bytes(), Ok(None)));
    match cells.read_cql_bytes() {
        Ok(Some(found)) if passed && std::ptr::eq(found.as_slice(), cell.as_slice()) => Ok(frame),
        _ => Err(Box::new(CellError::Elsewhere)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn cells_that_do_not_lie_where_rows_begin_are_refused() {
        // Four bytes of something else, and a cell; then null, and a cell.
        let frame = Bytes::from_static(b"\0\0\0\x01\0\0\0\x02ab\xff\xff\xff\xff\0\0\0\x01c");
        let mut rest = FrameSlice::new(&frame);
        assert!(frame_of(FrameSlice::new(&frame).read_cql_bytes().unwrap().unwrap(), 0).is_ok());
        rest.read_n_bytes(4).unwrap();
        let first = rest.read_cql_bytes().unwrap().unwrap();
        assert_eq!(first.as_slice(), b"ab");
        assert!(matches!(*frame_of(first, 0).unwrap_err(), CellError::Elsewhere));
        assert_eq!(rest.read_cql_bytes().unwrap().map(|cell| cell.as_slice()), None);
        let last = rest.read_cql_bytes().unwrap().unwrap();
        assert!(matches!(*frame_of(last, 1).unwrap_err(), CellError::Elsewhere));
    }
}
