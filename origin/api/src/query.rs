//! A request that is understood.

use crate::calendar::{Digits, Form, Hour};
use crate::endpoint::{Endpoint, EndpointId};
use crate::granularity::Granularity;
use crate::key::Key;
use crate::param::Kind;
use crate::text_list::TextList;

/// An endpoint, its validated parameters and the key of the answer.
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
    /// The endpoint that answers it.
    pub fn endpoint(&self) -> &'static Endpoint {
        self.endpoint
    }

    /// The endpoint's place in its catalogue.
    pub fn endpoint_id(&self) -> EndpointId {
        self.id
    }

    /// The key of its answer.
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
        let index = self.endpoint.params().position(|param| matches!(param.kind, Kind::Project))?;
        self.values.get(index)
    }

    /// The granularity asked for, if the endpoint has one.
    pub fn granularity(&self) -> Option<Granularity> {
        self.granularity
    }

    /// The first and last hour asked for, both included, if the endpoint has dates.
    pub fn span(&self) -> Option<(Hour, Hour)> {
        self.span
    }

    /// The span in the digits of a table.
    pub fn range(&self, form: Form) -> Option<(Digits, Digits)> {
        self.span.map(|(start, end)| (start.digits(form), end.digits(form)))
    }
}
