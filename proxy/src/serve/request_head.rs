//! What serving must know of a request, whatever protocol brought it.

use super::call::Call;

/// A request's head, borrowed from where it was read.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// What is wanted.
    pub method: Method,
    /// The target in origin form.
    pub target: &'a str,
    /// In which form the answer is wished.
    pub negotiation: Negotiation<'a>,
    /// How the request is called.
    pub call: Call<'a>,
}

/// In which form a client negotiation its answer: headers as they came, of several the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Negotiation<'a> {
    /// `If-None-Match`: what it has already. A missed match costs a body, no more.
    pub if_none_match: Option<&'a [u8]>,
    /// `Accept-Encoding`.
    pub accept_encoding: Option<&'a [u8]>,
}

/// [`Negotiation`] of their own.
#[derive(Clone, Debug, Default)]
pub struct OwnedNegotiation {
    if_none_match: Option<Vec<u8>>,
    accept_encoding: Option<Vec<u8>>,
}

impl Negotiation<'_> {
    /// A copy that outlives the head.
    pub fn to_owned(self) -> OwnedNegotiation {
        OwnedNegotiation {
            if_none_match: self.if_none_match.map(<[u8]>::to_vec),
            accept_encoding: self.accept_encoding.map(<[u8]>::to_vec),
        }
    }
}

impl OwnedNegotiation {
    /// The same, borrowed.
    pub fn borrow(&self) -> Negotiation<'_> {
        Negotiation {
            if_none_match: self.if_none_match.as_deref(),
            accept_encoding: self.accept_encoding.as_deref(),
        }
    }
}

/// A request's method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// OPTIONS
    Options,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
    /// CONNECT
    Connect,
    /// TRACE
    Trace,
    /// NOTIFY
    Notify,
    /// Any other, or none that is known.
    Other,
}

impl Method {
    /// All of them, as they are declared.
    pub const ALL: [Self; 11] = [
        Self::Get,
        Self::Head,
        Self::Options,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
        Self::Connect,
        Self::Trace,
        Self::Notify,
        Self::Other,
    ];

    /// Its name in metrics: promhttp's, whose words upstream's dashboards know.
    pub fn label(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Head => "head",
            Self::Options => "options",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Connect => "connect",
            Self::Trace => "trace",
            Self::Notify => "notify",
            Self::Other => "unknown",
        }
    }

    /// Reads a method; they are case-sensitive.
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
