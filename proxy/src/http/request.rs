//! The head of a request, whatever protocol brought it.

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

/// An owned [`Negotiation`].
#[derive(Clone, Debug, Default)]
pub struct OwnedNegotiation {
    if_none_match: Option<Vec<u8>>,
    accept_encoding: Option<Vec<u8>>,
}

impl Negotiation<'_> {
    pub fn to_owned(self) -> OwnedNegotiation {
        OwnedNegotiation {
            if_none_match: self.if_none_match.map(<[u8]>::to_vec),
            accept_encoding: self.accept_encoding.map(<[u8]>::to_vec),
        }
    }
}

impl OwnedNegotiation {
    pub fn borrow(&self) -> Negotiation<'_> {
        Negotiation {
            if_none_match: self.if_none_match.as_deref(),
            accept_encoding: self.accept_encoding.as_deref(),
        }
    }
}

/// Declares the methods with their names in requests and in metrics, which follow promhttp, as
/// upstream's dashboards expect.
macro_rules! methods {
    ($($method:ident $token:literal $label:literal),+ $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Method {
            $($method,)+
            /// Any other method, or none that was read.
            Other,
        }

        impl Method {
            /// Every method, in the order of their indices.
            pub const ALL: [Self; [$($token),+].len() + 1] = [$(Self::$method,)+ Self::Other];

            /// The label in metrics.
            pub fn label(self) -> &'static str {
                match self {
                    $(Self::$method => $label,)+
                    Self::Other => "unknown",
                }
            }

            /// Parses a method; methods are case-sensitive.
            pub fn parse(text: &str) -> Self {
                match text {
                    $($token => Self::$method,)+
                    _ => Self::Other,
                }
            }
        }
    };
}

methods! {
    Get "GET" "get",
    Head "HEAD" "head",
    Options "OPTIONS" "options",
    Post "POST" "post",
    Put "PUT" "put",
    Patch "PATCH" "patch",
    Delete "DELETE" "delete",
    Connect "CONNECT" "connect",
    Trace "TRACE" "trace",
    Notify "NOTIFY" "notify",
}
