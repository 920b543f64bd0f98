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

/// The headers that select the form of a reply, as they came; of several the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Negotiation<'a> {
    /// A match that is missed costs a body, no more.
    pub if_none_match: Option<&'a [u8]>,
    pub accept_encoding: Option<&'a [u8]>,
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
