//! HTTP as plain types that serving and networking share: request heads, replies and their header
//! blocks. No sockets (see `net`) and no look-ups (see `serve`).

/// Declares an enum whose variants have labels in metrics and logs.
macro_rules! labelled_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$doc:meta])* $variant:ident = $label:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Every variant, in the order of their numbers.
            $vis const ALL: [Self; [$($label),+].len()] = [$(Self::$variant),+];

            /// The label in metrics and logs.
            $vis fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                }
            }
        }
    };
}
pub(crate) use labelled_enum;

mod accept_encoding;
mod cache_status;
mod headers;
mod reply;
mod request;
mod trace;

pub use accept_encoding::prefers_gzip;
pub use cache_status::{CacheResult, CacheStatus};
pub use reply::{Content, KeepAlive, Page, Reply};
pub use request::{Lines, Method, Negotiation, RequestHead};
pub use trace::{GeneratedId, RequestTrace};
