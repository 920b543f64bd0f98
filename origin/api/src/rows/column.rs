//! The columns that rows are made of.

use crate::calendar::Digits;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Column {
    Ints(Cells<i64>),
    Doubles(Cells<f64>),
    Texts(Texts),
    /// The periods of a series.
    Timestamps(Timestamps),
}

/// Fixed-width cells and a mask of those that are null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells<T> {
    pub(super) values: Vec<T>,
    pub(super) nulls: Nulls,
}

/// Texts in an arena and a mask of those that are null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    pub(super) arena: String,
    pub(super) ends: Vec<usize>,
    pub(super) nulls: Nulls,
}

/// Timestamps, read once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Timestamps {
    /// One a row; a placeholder for those that are broken.
    pub(super) digits: Vec<Digits>,
    /// The texts that are no timestamps, by row.
    pub(super) broken: Vec<(usize, Box<str>)>,
}

/// One bit a row; empty as long as no cell is null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Nulls(pub(super) Vec<u64>);

impl Column {
    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Ints(cells) => cells.values.len(),
            Self::Doubles(cells) => cells.values.len(),
            Self::Texts(texts) => texts.ends.len(),
            Self::Timestamps(timestamps) => timestamps.digits.len(),
        }
    }

    pub(super) fn reserve(&mut self, rows: usize) {
        match self {
            Self::Ints(cells) => cells.values.reserve(rows),
            Self::Doubles(cells) => cells.values.reserve(rows),
            Self::Texts(texts) => texts.ends.reserve(rows),
            Self::Timestamps(timestamps) => timestamps.digits.reserve(rows),
        }
    }

    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Ints(cells) => cells.values.capacity() * size_of::<i64>(),
            Self::Doubles(cells) => cells.values.capacity() * size_of::<f64>(),
            Self::Texts(texts) => {
                texts.arena.capacity() + texts.ends.capacity() * size_of::<usize>()
            }
            Self::Timestamps(timestamps) => {
                let broken = timestamps.broken.iter().map(|(_, text)| text.len()).sum::<usize>();
                timestamps.digits.capacity() * size_of::<Digits>()
                    + timestamps.broken.capacity() * size_of::<(usize, Box<str>)>()
                    + broken
            }
        }
    }
}

impl<T: Copy> Cells<T> {
    /// The cells in row order; `None` is null.
    pub fn iter(&self) -> impl Iterator<Item = Option<T>> {
        self.values.iter().enumerate().map(|(row, value)| (!self.nulls.get(row)).then_some(*value))
    }

    /// The cells in row order; null is zero.
    pub fn or_zero(&self) -> &[T] {
        &self.values
    }
}

impl<T: Copy + Default> Cells<T> {
    pub(super) fn push(&mut self, value: Option<T>) {
        if value.is_none() {
            self.nulls.set(self.values.len());
        }
        self.values.push(value.unwrap_or_default());
    }
}

impl Texts {
    /// The cell of a row; `None` if it is null or there is no such row.
    pub fn get(&self, row: usize) -> Option<&str> {
        let end = *self.ends.get(row)?;
        let start =
            row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        if self.nulls.get(row) { None } else { self.arena.get(start..end) }
    }

    /// The cells in row order; `None` is null.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        let mut start = 0;
        self.ends.iter().enumerate().map(move |(row, end)| {
            let text = self.arena.get(start..*end);
            start = *end;
            if self.nulls.get(row) { None } else { text }
        })
    }
}

impl Timestamps {
    /// Appends the text of a row, a timestamp or not.
    pub(super) fn push_text(&mut self, text: Option<&str>) {
        let text = text.unwrap_or_default();
        let digits = Digits::from_text(text);
        if digits.is_none() {
            self.broken.push((self.digits.len(), text.into()));
        }
        self.digits.push(digits.unwrap_or(Digits::ZEROS));
    }

    /// The text of each row, a timestamp or not.
    pub(super) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let mut broken = self.broken.iter().peekable();
        self.digits.iter().enumerate().map(move |(row, digits)| {
            match broken.next_if(|(at, _)| *at == row) {
                Some((_, text)) => text.as_bytes(),
                None => digits.as_bytes(),
            }
        })
    }
}

impl Nulls {
    pub(super) fn set(&mut self, row: usize) {
        let word = row / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << (row % 64);
        }
    }

    pub(super) fn get(&self, row: usize) -> bool {
        self.0.get(row / 64).is_some_and(|bits| bits >> (row % 64) & 1 == 1)
    }
}
