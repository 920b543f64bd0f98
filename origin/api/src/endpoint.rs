//! An endpoint, one row of the catalogue, and the queries that it answers.

use crate::answer::{Answer, ShapeError};
use crate::calendar::{Digits, Form, Granularity, Hour};
use crate::countries::ProtectedCountries;
use crate::key::Key;
use crate::lookup::{Lookup, Read};
use crate::param::{Param, ParamKind};
use crate::percent;
use crate::rows::Rows;
use crate::table::{Calendar, Dataset};
use crate::text_list::TextList;

/// Everything that is particular about an endpoint.
#[derive(Debug)]
pub struct Endpoint {
    /// Its name for operators: the path's fixed segments.
    pub name: &'static str,
    /// The upstream service that it belongs to.
    pub service: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Its path after the prefix.
    pub segments: &'static [Segment],
    /// The datasets that it may read.
    pub datasets: &'static [&'static Dataset],
    /// Which rows it reads.
    pub lookup: fn(&Query) -> Lookup,
    /// What it makes of them.
    pub shape: Shape,
    /// The keys of its body.
    pub response: Response,
}

pub type Shape = for<'a> fn(&'a Query, &'a Rows, &Rules) -> Result<Answer<'a>, ShapeError>;

/// What shapes need besides the rows.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub protected: ProtectedCountries,
}

#[derive(Clone, Copy, Debug)]
pub enum Segment {
    Word(&'static str),
    Param(&'static Param),
}

/// An endpoint's position in its catalogue, for arrays by endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(pub(crate) u16);

impl EndpointId {
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The structure of a body, key by key.
#[derive(Clone, Copy, Debug)]
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
        /// An entry's keys, in order; an entry may lack some.
        entry: &'static [Field],
    },
}

/// One key of an object and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The path parameter of that name, normalised.
    Param(&'static str),
    /// `timestamp`: the period.
    Timestamp,
    Int(&'static str),
    Text(&'static str),
}

impl Field {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Param(name) | Self::Int(name) | Self::Text(name) => name,
            Self::Timestamp => "timestamp",
        }
    }
}

impl Response {
    /// The keys of an item, without that of a list.
    pub const fn item(&self) -> &'static [Field] {
        match self {
            Self::Series { item } | Self::List { item, .. } => item,
        }
    }
}

impl Endpoint {
    /// Its parameters in path order.
    pub fn params(&self) -> impl Iterator<Item = &'static Param> + use<> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Param(param) => Some(*param),
            Segment::Word(_) => None,
        })
    }

    /// The position of a parameter among the parameters.
    pub fn param_index(&self, name: &str) -> Option<usize> {
        self.params().position(|param| param.name == name)
    }

    /// Its path with a value for each parameter, which is percent-encoded; `None` if one has none.
    pub fn path<V: AsRef<str>>(
        &self,
        mut value: impl FnMut(&'static Param) -> Option<V>,
    ) -> Option<String> {
        let mut path = String::new();
        for segment in self.segments {
            path.push('/');
            match segment {
                Segment::Word(word) => path.push_str(word),
                Segment::Param(param) => percent::encode_into(&mut path, value(param)?.as_ref()),
            }
        }
        Some(path)
    }

    /// Its path with `{name}` for each parameter: the label of metrics, and the router's form.
    pub fn template(&self) -> String {
        let segments = self.segments.iter().map(|segment| match segment {
            Segment::Word(word) => format!("/{word}"),
            Segment::Param(param) => format!("/{{{}}}", param.name),
        });
        segments.collect()
    }
}

/// A request that was understood: an endpoint, its validated parameters and the key of the answer.
#[derive(Clone, Debug)]
pub struct Query {
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) id: EndpointId,
    pub(crate) key: Key,
    /// By position of the endpoint's parameters, normalised.
    pub(crate) values: TextList,
    pub(crate) granularity: Option<Granularity>,
    pub(crate) span: Option<(Hour, Hour)>,
}

impl Query {
    pub fn endpoint(&self) -> &'static Endpoint {
        self.endpoint
    }

    pub fn endpoint_id(&self) -> EndpointId {
        self.id
    }

    pub fn key(&self) -> &Key {
        &self.key
    }

    /// A parameter, normalised. The catalogue checks the names that endpoints use.
    pub fn value(&self, name: &str) -> &str {
        let value = self.endpoint.param_index(name).and_then(|index| self.values.get(index));
        debug_assert!(value.is_some(), "{} has no parameter {name}", self.endpoint.name);
        value.unwrap_or("")
    }

    /// Several parameters, normalised.
    pub fn values<const N: usize>(&self, names: [&str; N]) -> [&str; N] {
        names.map(|name| self.value(name))
    }

    /// The project that it is about, if it is about one.
    pub fn project(&self) -> Option<&str> {
        let is_project = |param: &'static Param| matches!(param.kind, ParamKind::Project);
        self.values.get(self.endpoint.params().position(is_project)?)
    }

    /// The endpoint's dataset of the query's granularity.
    pub(crate) fn dataset_or(&self, default: &'static Dataset) -> &'static Dataset {
        let fits = |dataset: &&Dataset| Some(dataset.granularity) == self.granularity;
        self.endpoint.datasets.iter().copied().find(fits).unwrap_or(default)
    }

    /// The granularity, if the endpoint has one.
    pub fn granularity(&self) -> Option<Granularity> {
        self.granularity
    }

    /// The first and last hour, both included, if the endpoint has dates.
    pub fn span(&self) -> Option<(Hour, Hour)> {
        self.span
    }

    /// The span in the digits of a table.
    pub fn range(&self, form: Form) -> Option<(Digits, Digits)> {
        self.span.map(|(start, end)| (start.digits(form), end.digits(form)))
    }

    /// The lookup of a partition: of the periods that the query spans, or of the one row of a
    /// table without periods.
    pub fn lookup<const N: usize>(
        &self,
        dataset: &'static Dataset,
        partition: [&str; N],
    ) -> Lookup {
        let range = match dataset.table.calendar {
            Calendar::Series(form) => self.range(form),
            Calendar::YearMonthDay | Calendar::YearMonth => None,
        };
        Lookup::Points(Read { dataset, partition: partition.into_iter().collect(), range })
    }
}
