//! An endpoint: one row of the catalogue.

use crate::answer::Answer;
use crate::countries::ProtectedCountries;
use crate::dataset::Dataset;
use crate::lookup::Lookup;
use crate::param::Param;
use crate::query::Query;
use crate::response::Response;
use crate::rows::Rows;
use crate::shapes::ShapeError;

/// Everything that is particular about an endpoint.
#[derive(Debug)]
pub struct Endpoint {
    /// Its name for operators: the path's fixed segments.
    pub name: &'static str,
    /// The upstream service that it belongs to.
    pub service: &'static str,
    /// What it tells, in a sentence.
    pub summary: &'static str,
    /// Its path after the prefix.
    pub segments: &'static [Segment],
    /// The datasets that it may read.
    pub datasets: &'static [&'static Dataset],
    /// What the store is asked.
    pub lookup: fn(&Query) -> Lookup,
    /// What the rows say.
    pub shape: Shape,
    /// The keys of its body.
    pub response: Response,
}

/// Makes an answer of rows.
pub type Shape = for<'a> fn(&'a Query, &'a Rows, &Rules) -> Result<Answer<'a>, ShapeError>;

/// What shapes must know beside the rows.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Whose figures are withheld.
    pub protected: ProtectedCountries,
}

/// One segment of a path.
#[derive(Clone, Copy, Debug)]
pub enum Segment {
    /// A fixed word.
    Word(&'static str),
    /// A parameter.
    Param(&'static Param),
}

/// An endpoint's place in its catalogue, for arrays by endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(pub(crate) u16);

impl EndpointId {
    /// The position.
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

    /// The position of a parameter among the parameters.
    pub fn param_index(&self, name: &str) -> Option<usize> {
        self.params().position(|param| param.name == name)
    }

    /// Its path with `{name}` for each parameter: the label of metrics, and the router's form.
    pub fn template(&self) -> String {
        let mut template = String::new();
        for segment in self.segments {
            template.push('/');
            match segment {
                Segment::Word(word) => template.push_str(word),
                Segment::Param(param) => {
                    template.push('{');
                    template.push_str(param.name);
                    template.push('}');
                }
            }
        }
        template
    }
}
