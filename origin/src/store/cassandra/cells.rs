//! The cells of a page, as they lie in its frame.

use super::decode::{Broken, CellError};
use scylla::deserialize::result::TypedRowIterator;
use scylla::deserialize::row::ColumnIterator;
use scylla::deserialize::{DeserializationError, FrameSlice};

/// A cell as it lies in its frame; nothing where there is null.
pub(super) type Bytes<'f> = Option<&'f [u8]>;

/// The cells of a page, row by row.
///
/// The driver's iterator of rows looks through each row to find its end, before that row is read
/// cell by cell. One look is enough where all cells are read.
pub(super) struct Cells<'f> {
    /// How many rows there are.
    pub(super) rows: usize,
    /// How many columns each of them has.
    pub(super) columns: usize,
    /// Those not yet taken; nothing if all are null.
    lying: Option<FrameSlice<'f>>,
}

impl<'f> Cells<'f> {
    /// The cells that lie one after another in a frame, if any holds something.
    pub(super) fn new(rows: usize, columns: usize, lying: Option<FrameSlice<'f>>) -> Self {
        Self { rows, columns, lying }
    }

    /// Those of a page whose rows have so many bytes.
    pub(super) fn of(
        rows: TypedRowIterator<'f, '_, ColumnIterator<'f, '_>>,
        bytes: usize,
    ) -> Result<Self, Broken> {
        let (count, columns) = (rows.rows_remaining(), rows.specs().len());
        Ok(Self::new(count, columns, lying(rows, bytes)?))
    }

    /// The next one, of a column.
    // Of each cell little is to be done: calling this would be half of that.
    #[inline(always)]
    pub(super) fn next(&mut self, column: &'static str) -> Result<Bytes<'f>, Broken> {
        match &mut self.lying {
            Some(lying) => match lying.read_cql_bytes() {
                Ok(cell) => Ok(cell.map(|cell| cell.as_slice())),
                Err(error) => Err(CellError::cut(column, &error)),
            },
            None => Ok(None),
        }
    }
}

/// Where the cells of rows lie that have so many bytes; nothing if there is none or all are null.
pub(super) fn lying<'f, 'm>(
    rows: impl Iterator<Item = Result<ColumnIterator<'f, 'm>, DeserializationError>>,
    bytes: usize,
) -> Result<Option<FrameSlice<'f>>, Broken> {
    for row in rows {
        for cell in row? {
            // Any that holds something tells it.
            let Some(cell) = cell?.slice else { continue };
            let all = FrameSlice::new(cell.as_original_frame_bytes());
            let found = all.as_slice().len();
            return match found == bytes {
                true => Ok(Some(all)),
                false => Err(Box::new(CellError::Elsewhere { found, bytes })),
            };
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use scylla::frame::response::result::{ColumnSpec, ColumnType, NativeType, TableSpec};

    #[test]
    fn rows_that_do_not_lie_where_the_driver_says_are_refused() {
        let blob = ColumnType::Native(NativeType::Blob);
        let spec = [ColumnSpec::borrowed("c", blob, TableSpec::borrowed("k", "t"))];
        // A frame whose first bytes are not its rows.
        let frame = Bytes::from_static(b"\0\0\0\x01\0\0\0\x02ab");
        let mut rest = FrameSlice::new(&frame);
        rest.read_n_bytes(4).unwrap();
        let row = || std::iter::once(Ok(ColumnIterator::new(&spec, rest)));
        let error = lying(row(), frame.len() - 4).unwrap_err();
        assert!(matches!(*error, CellError::Elsewhere { found: 10, bytes: 6 }), "{error}");
        assert!(lying(row(), frame.len()).is_ok());
    }
}
