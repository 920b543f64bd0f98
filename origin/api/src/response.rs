//! The shape of an endpoint's body, key by key.

/// What `items` holds.
#[derive(Debug)]
pub enum Response {
    /// An item for each period.
    Series {
        /// An item's keys, in order.
        item: &'static [Field],
    },
    /// One item with a list in it.
    List {
        /// The item's keys before the list, in order.
        item: &'static [Field],
        /// The key of the list, the item's last.
        list: &'static str,
        /// An entry's keys, in order; an entry may leave some out.
        entry: &'static [Field],
    },
}

/// One key of an object and what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// A path parameter of that name, as it was understood.
    Param(&'static str),
    /// `timestamp`: the period.
    Timestamp,
    /// An integer.
    Int(&'static str),
    /// A text.
    Text(&'static str),
}

impl Field {
    /// The key.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Param(name) | Self::Int(name) | Self::Text(name) => name,
            Self::Timestamp => "timestamp",
        }
    }
}

impl Response {
    /// Every key of a body, those of items and those of entries.
    pub fn keys(&self) -> Vec<&'static str> {
        let mut keys: Vec<_> = self.item().iter().map(|field| field.name()).collect();
        if let Self::List { list, entry, .. } = self {
            keys.push(list);
            keys.extend(entry.iter().map(|field| field.name()));
        }
        keys
    }

    /// The keys of an item that echo or hold plain values.
    pub const fn item(&self) -> &'static [Field] {
        match self {
            Self::Series { item } | Self::List { item, .. } => item,
        }
    }
}
