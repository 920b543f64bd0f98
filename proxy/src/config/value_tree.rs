//! The configuration as a tree of values, each with its origin: read from YAML, merged by source,
//! written as YAML.

use super::error::{Mistake, Origin};
use granit_parser::{Event, Marker, Options, Parser, ScalarStyle, StrInput};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Deeper and larger trees are no configuration.
const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 100_000;

/// A value and its origin.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) origin: Origin,
    pub(super) value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    /// A text; `plain` if it was not quoted.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    /// Where the key stands.
    pub(super) origin: Origin,
    pub(super) node: Node,
}

impl Node {
    /// The tree of a value that serialises to JSON, which is YAML too.
    pub(super) fn of(value: &impl Serialize) -> Self {
        let json = serde_json::to_string(value).unwrap_or_default();
        let mut node = Self::parse(&json).unwrap_or_else(|_| Self::null(Origin::Default));
        node.set_origin(Origin::Default);
        node
    }

    /// Reads the only document of a text.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        let mut options = Options::default();
        options.set_emit_comments(false);
        let parser = Parser::new_from_str_with_options(text, options);
        let mut reader =
            Reader { parser, anchors: BTreeMap::new(), nodes: 0, mistakes: Vec::new() };
        let read = reader.document();
        match read {
            Ok(node) if reader.mistakes.is_empty() => Ok(node),
            Ok(_) => Err(reader.mistakes),
            Err(mistake) => {
                reader.mistakes.push(mistake);
                Err(reader.mistakes)
            }
        }
    }

    pub(super) fn text(text: &str, origin: Origin) -> Self {
        Self { origin, value: Value::Scalar { text: text.to_owned(), plain: false } }
    }

    fn null(origin: Origin) -> Self {
        Self { origin, value: Value::Null }
    }

    fn set_origin(&mut self, origin: Origin) {
        self.origin = origin;
        match &mut self.value {
            Value::Null | Value::Scalar { .. } => {}
            Value::List(list) => list.iter_mut().for_each(|node| node.set_origin(origin)),
            Value::Map(entries) => {
                for entry in entries {
                    entry.origin = origin;
                    entry.node.set_origin(origin);
                }
            }
        }
    }

    /// The value at a key such as `log.filter`.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        key.split('.').try_fold(self, |node, name| {
            let Value::Map(entries) = &node.value else { return None };
            entries.iter().find(|entry| entry.key == name).map(|entry| &entry.node)
        })
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        key.split('.').try_fold(self, |node, name| {
            let Value::Map(entries) = &mut node.value else { return None };
            entries.iter_mut().find(|entry| entry.key == name).map(|entry| &mut entry.node)
        })
    }

    /// Sets a known key and marks its sections as given.
    pub(super) fn set(&mut self, key: &str, value: Self) {
        let origin = value.origin;
        // A section that is no map is reported as such.
        let Some(node) = self.get_mut(key) else { return };
        *node = value;
        for (end, _) in key.match_indices('.') {
            if let Some(section) = key.get(..end).and_then(|section| self.get_mut(section)) {
                section.origin = origin;
            }
        }
    }

    /// Removes the value to which a mistake's path leads, or the list that holds it.
    pub(super) fn remove(&mut self, path: &[String]) -> bool {
        let end = path.iter().position(|part| part.starts_with('[')).unwrap_or(path.len());
        let Some((last, sections)) = path.get(..end).and_then(|keys| keys.split_last()) else {
            return false;
        };
        let section = match sections {
            [] => Some(self),
            sections => self.get_mut(&sections.join(".")),
        };
        let Some(Self { value: Value::Map(entries), .. }) = section else { return false };
        let before = entries.len();
        entries.retain(|entry| entry.key != *last);
        entries.len() < before
    }

    /// Puts another tree over this one. A null keeps what is there.
    pub(super) fn overlay(&mut self, other: Self) {
        match (&mut self.value, other.value) {
            (Value::Map(entries), Value::Map(others)) => {
                self.origin = other.origin;
                for other in others {
                    match entries.iter_mut().find(|entry| entry.key == other.key) {
                        Some(entry) => {
                            entry.origin = other.origin;
                            entry.node.overlay(other.node);
                        }
                        None => entries.push(other),
                    }
                }
            }
            (_, Value::Null) => {}
            (_, value) => *self = Self { origin: other.origin, value },
        }
    }

    fn size(&self) -> usize {
        1 + match &self.value {
            Value::Null | Value::Scalar { .. } => 0,
            Value::List(list) => list.iter().map(Self::size).sum(),
            Value::Map(entries) => entries.iter().map(|entry| entry.node.size()).sum(),
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    /// How many values were read, with repeated ones.
    nodes: usize,
    /// Mistakes after which reading goes on.
    mistakes: Vec<Mistake>,
}

fn place(marker: &Marker) -> Origin {
    Origin::File { line: marker.line(), column: marker.col() + 1 }
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Origin), Mistake> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, place(&span.start))),
            Some(Err(error)) => {
                Err(Mistake::new(Some(place(error.marker())), error.kind().to_string()))
            }
            None => Ok((Event::StreamEnd, Origin::Default)),
        }
    }

    fn document(&mut self) -> Result<Node, Mistake> {
        let mut root = None;
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => {
                    return Ok(root.unwrap_or_else(|| Node::null(Origin::Default)));
                }
                (Event::DocumentStart(..), place) if root.is_some() => {
                    let message = "a second document begins; one is read";
                    return Err(Mistake::new(Some(place), message));
                }
                (Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _) => {}
                (event, place) => root = Some(self.node(event, place, 0)?),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, origin: Origin, depth: usize) -> Result<Node, Mistake> {
        let (anchor, is_alias) = (event.anchor_id(), event.is_alias());
        let value = match event {
            _ if depth > MAX_DEPTH => {
                return Err(Mistake::new(Some(origin), "values are nested too deeply"));
            }
            Event::Scalar(text, style, _, _) => {
                let plain = style == ScalarStyle::Plain;
                match &*text {
                    "" | "~" | "null" | "Null" | "NULL" if plain => Value::Null,
                    text => Value::Scalar { text: text.to_owned(), plain },
                }
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(node) => node.value.clone(),
                None => return Err(Mistake::new(Some(origin), "an alias refers to itself")),
            },
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            _ => return Err(Mistake::new(Some(origin), "a value is expected")),
        };
        let node = Node { origin, value };
        self.nodes += if is_alias { node.size() } else { 1 };
        if self.nodes > MAX_NODES {
            return Err(Mistake::new(Some(origin), "there are too many values"));
        }
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Mistake> {
        let mut list = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(list)),
                (event, place) => list.push(self.node(event, place, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Mistake> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, origin) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Value::Map(entries));
            }
            let key = match self.node(event, origin, depth + 1)?.value {
                Value::Scalar { text, .. } => text,
                Value::Null => "null".to_owned(),
                Value::List(_) | Value::Map(_) => {
                    return Err(Mistake::new(Some(origin), "a key must be a single value"));
                }
            };
            let (event, place) = self.next()?;
            let node = self.node(event, place, depth + 1)?;
            if entries.iter().any(|entry| entry.key == key) {
                let message = format!("`{key}` is given twice");
                self.mistakes.push(Mistake::new(Some(origin), message));
            } else {
                entries.push(Entry { key, origin, node });
            }
        }
    }
}

/// YAML, as [`Node::parse`] reads it.
impl fmt::Display for Node {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str(&self.lines(""))
    }
}

impl Node {
    /// The lines of a map, or of the items of a list, each after an indent.
    fn lines(&self, indent: &str) -> String {
        let deeper = format!("{indent}  ");
        let mut text = String::new();
        match &self.value {
            Value::Map(entries) => {
                for Entry { key, node, .. } in entries {
                    match node.is_block() {
                        true => text.push_str(&format!("{indent}{key}:\n{}", node.lines(&deeper))),
                        false => text.push_str(&format!("{indent}{key}: {}\n", node.inline())),
                    }
                }
            }
            Value::List(list) => {
                for node in list {
                    match node.is_block() {
                        true => {
                            text.push_str(&format!(
                                "{indent}- {}",
                                node.lines(&deeper).trim_start()
                            ));
                        }
                        false => text.push_str(&format!("{indent}- {}\n", node.inline())),
                    }
                }
            }
            Value::Null | Value::Scalar { .. } => text.push_str(&format!("{}\n", self.inline())),
        }
        text
    }

    fn is_block(&self) -> bool {
        match &self.value {
            Value::Map(entries) => !entries.is_empty(),
            Value::List(list) => !list.is_empty(),
            Value::Null | Value::Scalar { .. } => false,
        }
    }

    /// The value on one line; maps are empty here.
    pub(super) fn inline(&self) -> String {
        match &self.value {
            Value::Null => "null".to_owned(),
            Value::Scalar { text, plain } if *plain || is_plain(text) => text.clone(),
            Value::Scalar { text, .. } => serde_json::to_string(text).unwrap_or_default(),
            Value::List(list) => {
                let items: Vec<String> = list.iter().map(Self::inline).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Map(_) => "{}".to_owned(),
        }
    }
}

/// Whether a text needs no quotes.
fn is_plain(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '/')
        && text.chars().all(|char| char.is_ascii_alphanumeric() || "/._-+= :".contains(char))
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && text.parse::<f64>().is_err()
        && !["null", "true", "false"].iter().any(|word| word.eq_ignore_ascii_case(text))
}
