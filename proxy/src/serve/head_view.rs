//! What serving must know of a request, whatever protocol brought it.

/// A request's head, borrowed from where it was read.
#[derive(Clone, Copy, Debug)]
pub struct HeadView<'a> {
    /// Where it came in.
    pub listener: Listener,
    /// What is wanted.
    pub method: Method,
    /// The target in origin form.
    pub target: &'a str,
    /// The `If-None-Match` header. Of several the first: a missed match costs a body, no more.
    pub if_none_match: Option<&'a [u8]>,
}

/// A listener's purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// For clients.
    Public,
    /// For operators.
    Admin,
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
    /// Any other.
    Other,
}

impl Listener {
    /// Its name in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Admin => "admin",
        }
    }
}

impl Method {
    /// Reads a method; they are case-sensitive.
    pub fn parse(text: &str) -> Self {
        match text {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "OPTIONS" => Self::Options,
            _ => Self::Other,
        }
    }
}
