//! Lists as JSON in a cell, as the loaders have written them over the years.

use std::fmt::Write;

/// How text is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// As json-simple does (contract §4.4): `/` as `\/`, U+007F..9F and U+2000..20FF as `\uXXXX`.
    Loader,
    /// Only what must be.
    Plain,
}

/// A list in the making.
#[derive(Debug)]
pub(super) struct List {
    json: String,
    style: Style,
}

/// What a member of an entry is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Member<'a> {
    Text(&'a str),
    Number(u64),
}

impl List {
    pub(super) fn new(style: Style) -> Self {
        Self { json: "[".to_owned(), style }
    }

    /// Appends an entry: names and members in order.
    pub(super) fn entry(&mut self, members: &[(&str, Member<'_>)]) {
        if self.json.len() > 1 {
            self.json.push(',');
        }
        for (index, (name, member)) in members.iter().enumerate() {
            self.json.push(if index == 0 { '{' } else { ',' });
            self.text(name);
            self.json.push(':');
            match member {
                Member::Text(text) => self.text(text),
                // Writing to a string can't fail.
                Member::Number(number) => drop(write!(self.json, "{number}")),
            }
        }
        self.json.push('}');
    }

    /// The JSON.
    pub(super) fn finish(mut self) -> String {
        self.json.push(']');
        self.json
    }

    fn text(&mut self, text: &str) {
        self.json.push('"');
        for char in text.chars() {
            match char {
                '"' | '\\' => self.json.extend(['\\', char]),
                '/' if self.style == Style::Loader => self.json.push_str("\\/"),
                '\0'..='\x1f' => self.unicode(char),
                '\u{7f}'..='\u{9f}' | '\u{2000}'..='\u{20ff}' if self.style == Style::Loader => {
                    self.unicode(char);
                }
                _ => self.json.push(char),
            }
        }
        self.json.push('"');
    }

    fn unicode(&mut self, char: char) {
        let _ = write!(self.json, "\\u{:04X}", u32::from(char));
    }
}

/// Ranks like SQL's `rank()`: equal counts share one, and the next skips as many. The counts must
/// be in descending order.
pub(super) fn ranks(counts: impl Iterator<Item = u64>) -> impl Iterator<Item = u64> {
    let (mut rank, mut last) = (0, None);
    (1..).zip(counts).map(move |(place, count)| {
        if last != Some(count) {
            (rank, last) = (place, Some(count));
        }
        rank
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_escapes_more_than_it_must() {
        let list = |style| {
            let mut list = List::new(style);
            let title = "AC/DC_\"–\"_\\_é🍌\u{1}";
            list.entry(&[("article", Member::Text(title)), ("views", Member::Number(7))]);
            list.entry(&[("rank", Member::Number(1))]);
            list.finish()
        };
        let loader = list(Style::Loader);
        let plain = list(Style::Plain);
        assert_eq!(
            loader,
            r#"[{"article":"AC\/DC_\"\u2013\"_\\_é🍌\u0001","views":7},{"rank":1}]"#
        );
        assert_eq!(plain, r#"[{"article":"AC/DC_\"–\"_\\_é🍌\u0001","views":7},{"rank":1}]"#);
        let read = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
        assert_eq!(read(&loader), read(&plain));
    }

    #[test]
    fn ranks_tie_and_skip() {
        let ranks: Vec<u64> = ranks([9, 7, 7, 7, 2, 2, 1].into_iter()).collect();
        assert_eq!(ranks, [1, 2, 2, 2, 5, 5, 7]);
    }
}
