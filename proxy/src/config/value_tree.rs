//! The configuration as a tree of values, each with its origin.

use super::error::{Mistake, Origin};
use granit_parser::{Event, Marker, Options, Parser, ScalarStyle, StrInput};
use serde::Serialize;
use serde_path_to_error::{Path, Segment};
use std::collections::BTreeMap;

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
        Self::parse(&json).unwrap_or_else(|_| Self::null(Origin::Default))
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

    pub(super) fn null(origin: Origin) -> Self {
        Self { origin, value: Value::Null }
    }

    /// The value at a key such as `log.filter`.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        key.split('.').try_fold(self, |node, name| node.entry(name).map(|entry| &entry.node))
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        let Value::Map(entries) = &self.value else { return None };
        entries.iter().find(|entry| entry.key == name)
    }

    /// The origin of the value at a path, or of its key.
    pub(super) fn origin_at(&self, path: &Path, of_key: bool) -> Origin {
        let (mut node, mut origin) = (self, self.origin);
        for segment in path {
            let child = match (segment, &node.value) {
                (Segment::Seq { index }, Value::List(list)) => list.get(*index),
                (Segment::Map { key }, _) => node.entry(key).map(|entry| {
                    origin = entry.origin;
                    &entry.node
                }),
                _ => None,
            };
            let Some(child) = child else { break };
            node = child;
            if !of_key {
                origin = node.origin;
            }
        }
        origin
    }

    /// Sets a key, in sections that are added where they are absent.
    pub(super) fn set(&mut self, key: &str, value: Self) {
        let origin = value.origin;
        let mut node = self;
        for name in key.split('.') {
            if matches!(node.value, Value::Null) {
                *node = Self { origin, value: Value::Map(Vec::new()) };
            }
            // A section that is no map is reported as such.
            let Value::Map(entries) = &mut node.value else { return };
            let index = entries.iter().position(|entry| entry.key == name).unwrap_or_else(|| {
                entries.push(Entry { key: name.to_owned(), origin, node: Self::null(origin) });
                entries.len() - 1
            });
            let Some(entry) = entries.get_mut(index) else { return };
            node = &mut entry.node;
        }
        *node = value;
    }

    /// Removes the value at a path, or the list that holds it.
    pub(super) fn remove(&mut self, path: &Path) -> bool {
        let keys = path.iter().map_while(|segment| {
            let Segment::Map { key } = segment else { return None };
            Some(key)
        });
        let (mut node, mut keys) = (self, keys.peekable());
        while let Some(key) = keys.next() {
            let Value::Map(entries) = &mut node.value else { return false };
            let Some(index) = entries.iter().position(|entry| entry.key == *key) else {
                return false;
            };
            if keys.peek().is_none() {
                entries.remove(index);
                return true;
            }
            let Some(entry) = entries.get_mut(index) else { return false };
            node = &mut entry.node;
        }
        false
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
        #[allow(clippy::wildcard_enum_match_arm, reason = "the parser's events are open")]
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

impl Node {
    /// The value as YAML on one line; maps are empty here.
    pub(super) fn inline(&self) -> String {
        match &self.value {
            Value::Null => "null".to_owned(),
            Value::Scalar { text, plain: true } => text.clone(),
            Value::Scalar { text, plain: false } => {
                let yaml = serde_saphyr::to_string(text).unwrap_or_default();
                yaml.trim_end().to_owned()
            }
            Value::List(list) => {
                let items: Vec<String> = list.iter().map(Self::inline).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Map(_) => "{}".to_owned(),
        }
    }
}
