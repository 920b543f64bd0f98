//! The head of a request, independent of the protocol version.

use super::trace::RequestTrace;

/// The head of a request, borrowed from the read buffer.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    pub method: Method,
    /// The target in origin form.
    pub target: &'a str,
    pub negotiation: Negotiation<'a>,
    pub trace: RequestTrace<'a>,
}

/// The headers that select the form of a reply.
#[derive(Clone, Copy, Debug, Default)]
pub struct Negotiation<'a> {
    pub if_match: Lines<'a>,
    pub if_none_match: Lines<'a>,
    pub accept_encoding: Lines<'a>,
}

/// The values of a header, of which there may be several lines: together they are one list
/// (RFC 9110 §5.3).
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines<'a> {
    values: [&'a [u8]; MAX_LINES],
    len: usize,
}

const MAX_LINES: usize = 3;

impl<'a> Lines<'a> {
    /// Appends a line; false if there are too many.
    #[must_use]
    pub fn push(&mut self, value: &'a [u8]) -> bool {
        let free = self.values.get_mut(self.len);
        self.len += usize::from(free.is_some());
        free.map(|free| *free = value).is_some()
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        self.values.into_iter().take(self.len)
    }

    /// The list in one line.
    pub fn join(&self) -> Vec<u8> {
        self.iter().collect::<Vec<_>>().join(&b", "[..])
    }
}

impl<'a> From<&'a [u8]> for Lines<'a> {
    fn from(value: &'a [u8]) -> Self {
        let mut lines = Self::default();
        let _ = lines.push(value);
        lines
    }
}

labelled_enum! {
    /// A method. The labels follow promhttp, as upstream's dashboards expect.
    pub enum Method {
        Get = "get",
        Head = "head",
        Options = "options",
        Post = "post",
        Put = "put",
        Patch = "patch",
        Delete = "delete",
        Connect = "connect",
        Trace = "trace",
        Notify = "notify",
        /// Any other method, or none that was read.
        Other = "unknown",
    }
}

impl Method {
    /// Parses a method; methods are case-sensitive.
    pub fn parse(text: &str) -> Self {
        match text {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "OPTIONS" => Self::Options,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            "CONNECT" => Self::Connect,
            "TRACE" => Self::Trace,
            "NOTIFY" => Self::Notify,
            _ => Self::Other,
        }
    }
}
