//! An endpoint, one row of the catalogue, and the queries that it answers.

use crate::body::Body;
use crate::calendar::{DateRule, Granularity, Span};
use crate::key::{Dialect, Key};
use crate::lookup::{EventRead, Lookup, Read};
use crate::param::{Param, Role};
use crate::percent;
use crate::source::{KeyValue, Source};
use crate::table::Dataset;
use crate::text_list::TextList;

/// Everything that is particular about an endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// Its name for operators: the path's fixed segments.
    pub name: &'static str,
    /// The upstream service that it belongs to.
    pub service: &'static str,
    /// One sentence.
    pub summary: &'static str,
    pub dialect: Dialect,
    /// Its path after the prefix.
    pub segments: &'static [Segment],
    /// Where its rows come from.
    pub source: Source,
    /// What it makes of them.
    pub body: Body,
    /// What is left out of them.
    pub protect: &'static [Protection],
    /// What a 404 says is not loaded; `None` if it answers with an empty list instead.
    pub no_data: Option<Noun>,
    /// Which of its answers are built ahead.
    pub warm: Warm,
}

/// The part of an endpoint in the built-in plans of the hot set. Projects come from the
/// configuration; each other parameter takes every value that it can, unless values are given.
#[derive(Clone, Copy, Debug)]
pub enum Warm {
    No,
    /// Plan `aggregates`: series by day and month.
    Aggregates,
    /// Plan `top-articles`: the newest lists.
    TopLists,
    /// Plan `top-articles`: series of the entries of the newest lists, with these values.
    TopArticles(&'static [(&'static Param, &'static [&'static str])]),
}

#[derive(Clone, Copy, Debug)]
pub enum Segment {
    Word(&'static str),
    Param(&'static Param),
}

/// What is withheld, whatever the store has (contract §7).
#[derive(Clone, Copy, Debug)]
pub enum Protection {
    /// Everything, if this parameter is a protected country.
    Country(&'static Param),
    /// Rows whose column is a protected country.
    Countries(&'static str),
}

/// What a 404 says is not loaded (contract §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Noun {
    Project,
    Category,
    MediaFile,
    User,
}

impl Noun {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Category => "category",
            Self::MediaFile => "media file",
            Self::User => "user",
        }
    }
}

/// An endpoint's position in its catalogue, for arrays by endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(pub(crate) u16);

impl EndpointId {
    pub fn index(self) -> usize {
        usize::from(self.0)
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

    /// The datasets that it may read.
    pub const fn datasets(&self) -> &'static [&'static Dataset] {
        self.source.datasets()
    }

    /// The rule of its start and end at a granularity; `None` if it has neither.
    pub fn date_rule(&self, granularity: Granularity) -> Option<DateRule> {
        self.params().find_map(|param| {
            if let Role::Granularity { allowed, .. } = param.role {
                let found = allowed.iter().find(|(one, _)| *one == granularity);
                return found.map(|(_, rule)| *rule);
            }
            if let Role::Start(rule) = param.role { rule } else { None }
        })
    }

    /// The dataset that answers queries of a granularity.
    pub fn dataset(&self, granularity: Option<Granularity>) -> Option<&'static Dataset> {
        match self.datasets() {
            [only] => Some(only),
            all => all.iter().copied().find(|dataset| Some(dataset.granularity) == granularity),
        }
    }

    /// The granularities of its answers that are read from a dataset.
    pub fn granularities_of(&self, dataset: &Dataset) -> Vec<Granularity> {
        let allowed = self.params().find_map(|param| {
            let Role::Granularity { allowed, .. } = param.role else { return None };
            Some(allowed)
        });
        let reads = |granularity| {
            self.dataset(Some(granularity)).is_some_and(|read| std::ptr::eq(read, dataset))
        };
        match allowed {
            Some(allowed) => {
                allowed.iter().map(|(one, _)| *one).filter(|one| reads(*one)).collect()
            }
            // The date says which it is.
            None if reads(dataset.granularity) => vec![dataset.granularity],
            None => Vec::new(),
        }
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

    /// A path that has an answer.
    pub fn example(&self) -> String {
        self.path(|param| Some(param.example)).unwrap_or_default()
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
    pub(crate) span: Option<Span>,
    pub(crate) dataset: &'static Dataset,
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

    /// A parameter, normalised; `None` if it is none of the endpoint's.
    pub fn value(&self, param: &Param) -> Option<&str> {
        self.values.get(self.endpoint.params().position(|known| known.is(param))?)
    }

    /// The project that it is about, if it is about one.
    pub fn project(&self) -> Option<&str> {
        self.values.get(self.endpoint.params().position(|param| param.role.is_project())?)
    }

    /// The length of its periods. Of tops it is that of the one period.
    pub fn granularity(&self) -> Option<Granularity> {
        self.granularity
    }

    /// The periods that were requested, if they are no part of a partition's key.
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// The dataset that answers it.
    pub fn dataset(&self) -> &'static Dataset {
        self.dataset
    }

    /// What is read for it.
    pub fn lookup(&self) -> Lookup {
        let dataset = self.dataset;
        match self.endpoint.source {
            Source::Table(source) => {
                // The catalogue checks that each parameter is one of the endpoint's.
                let partition = source.partition.iter().filter_map(|value| match value {
                    KeyValue::Param(param) => self.value(param),
                    KeyValue::Const(word) => Some(word),
                });
                let span = self.span.zip(source.table.period_form());
                let range = span.map(|(span, form)| span.digits(form));
                let table = source.table;
                Lookup::Points(Read { dataset, table, partition: partition.collect(), range })
            }
            Source::Events(source) => {
                let values = source.filters.iter().filter_map(|(param, _)| self.value(param));
                Lookup::Events(EventRead {
                    dataset,
                    source,
                    values: values.collect(),
                    span: self.span,
                })
            }
        }
    }
}
