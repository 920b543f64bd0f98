//! Our own sections. Their defaults are those of what they set.

use super::key::keys;
use super::units::{Count, Size, Span};
use crate::front;
use crate::house::Settings;
use aqs_api::freshness::{Lifetimes, Times};
use aqs_origin::flights::FlightLimits;
use aqs_origin::gate::GateLimits;
use std::net::SocketAddr;
use std::path::PathBuf;

keys! {
    /// Where operators are served.
    pub struct Admin {
        /// Where operators are served: health and metrics; empty for nowhere.
        listen: Vec<SocketAddr> = Settings::default().admin_listen,
        /// Names beside loopback's by which writes reach the admin listener.
        hosts: Vec<String> = Vec::new(),
    }
}

keys! {
    /// The store that answers come from.
    pub struct Store {
        /// The embedded store to serve, as `aqs load` makes it.
        #[unset("the bundled sample, built at the first start")]
        path: Option<PathBuf> = None,
        /// How many reads it is asked for at once.
        reads: Count<1, 65_536> = Count::known(GateLimits::default().reads),
        /// How many reads may wait for their turn.
        queue: Count<0, 1_000_000> = Count::known(GateLimits::default().queue),
        /// How long a read may wait for its turn.
        wait: Span = Span(GateLimits::default().wait),
    }
}

keys! {
    /// How long answers are kept, by kind.
    pub struct Freshness {
        /// Of data.
        data: Ages = Ages::default(),
        /// Of the absence of data.
        no_data: NoDataAges = NoDataAges::default(),
    }
}

/// The same keys twice, since their defaults differ by kind of answer.
macro_rules! ages {
    ($(#[doc = $about:literal])+ $section:ident, $of:ident) => {
        keys! {
            $(#[doc = $about])+
            pub struct $section {
                /// The age up to which an answer is served as it is.
                fresh: Span = Span(Times::default().$of.fresh),
                /// The age up to which an answer is served while a refresh runs behind it.
                revalidate: Span = Span(Times::default().$of.revalidate),
                /// The age up to which an answer is served if the store fails.
                usable: Span = Span(Times::default().$of.usable),
            }
        }

        impl From<&$section> for Lifetimes {
            fn from(ages: &$section) -> Self {
                let (fresh, revalidate) = (ages.fresh.0, ages.revalidate.0);
                Self { fresh, revalidate, usable: ages.usable.0 }
            }
        }
    };
}

ages! {
    /// The ages of data.
    Ages, data
}

ages! {
    /// The ages of the absence of data.
    NoDataAges, no_data
}

keys! {
    /// How much connections may take.
    pub struct Limits {
        /// From a head's first byte to its last.
        head: Span = Span(front::Limits::default().head),
        /// Between two requests of a connection.
        idle: Span = Span(front::Limits::default().idle),
        /// For a reply to be taken.
        write: Span = Span(front::Limits::default().write),
        /// For the rest of what a refused client sends, so that it reads why.
        linger: Span = Span(front::Limits::default().linger),
        /// The bytes of a request line.
        request_line: Size<64, { 1 << 20 }> = Size::known(front::Limits::default().request_line),
        /// The bytes of a head, at least a request line's.
        head_bytes: Size<64, { 1 << 20 }> = Size::known(front::Limits::default().head_bytes),
        /// The lines of a head.
        header_lines: Count<1, 100> = Count::known(front::Limits::default().header_lines),
        /// The bytes of a request body, which is read and ignored.
        body_bytes: Size<0, { 1 << 30 }> = Size::known(front::Limits::default().body_bytes),
        /// The requests of a connection, after which it is closed.
        requests_per_connection: Count<1, 1_000_000_000> =
            Count::known(front::Limits::default().requests as usize),
        /// The connections that clients may have; the limit of open files may leave less.
        connections: Count<1, 10_000_000> = Count::known(Settings::default().connections),
        /// How long requests in flight may take to finish at the end.
        drain: Span = Span(Settings::default().drain_within),
    }
}

keys! {
    /// How much may wait for the store.
    pub struct Flights {
        /// Who may wait for one read.
        waiters_per_flight: Count<1, 10_000_000> =
            Count::known(FlightLimits::default().waiters_per_flight),
        /// Who may wait for all reads together.
        waiters: Count<1, 10_000_000> = Count::known(FlightLimits::default().waiters),
        /// The reads under way, whether anybody waits for them or not.
        flights: Count<1, 10_000_000> = Count::known(FlightLimits::default().flights),
        /// How long a read may take.
        within: Span = Span(FlightLimits::default().within),
    }
}
