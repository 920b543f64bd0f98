//! Our own sections. Their defaults are those of what they set.

use super::key::keys;
use super::units::{Count, Size, Span};
use super::words::{Access, LogFormat, LoggedAddress, Network};
use crate::listen_addr::ListenAddr;
use crate::log::access::AccessLog;
use crate::net;
use crate::server::Settings;
use aqs_api::freshness::{Lifetimes, Times};
use aqs_origin::limiter::ConcurrencyLimits;
use aqs_origin::singleflight::SingleflightLimits;
use std::path::PathBuf;

keys! {
    /// Where operators are served.
    pub struct Admin {
        /// Where operators are served: health, metrics, and writes for whoever has the token. An
        /// address, or unix: and the path of a socket file, which only its owner may use; empty
        /// for nowhere. Reads need the token too if an address is not a loopback's.
        listen: Vec<ListenAddr> = Settings::default().admin_listen,
        /// Names beside loopback's by which the admin listener is reached, without ports. Reads go
        /// by any IP address too, writes only by those that are listed.
        hosts: Vec<String> = Vec::new(),
    }
}

keys! {
    /// What is logged, how, and of whom.
    pub struct Log {
        /// What is logged, as debug or aqs_origin=debug,info; it goes before log_level. A word
        /// alone is a level: off, error, warn, info, debug or trace.
        #[unset("what log_level says")]
        filter: Option<String> = None,
        /// How lines look. ecs: a JSON object each, on standard output, where nothing else is
        /// written then. readable: on standard error, and where aqs listens on standard output.
        /// auto: ecs if a key of the upstream services is set and standard output is no
        /// terminal, else readable.
        format: LogFormat = LogFormat::Auto,
        /// Which requests of clients get a line. off: those that fail (500 and above) or are
        /// slow, which the others tell too. sampled: some others. full: all. Whatever filter
        /// says, unless it names the target access.
        access: Access = Access::Off,
        /// Of how many requests one is told of if access is sampled.
        sample: Count<1, 1_000_000_000> = Count::known(100),
        /// From when on a request is slow: from its complete head to the answer's last byte.
        slow: Span = Span(AccessLog::default().slow),
        /// Whose address stands in the lines of requests. none: nobody's. peer: that of the
        /// connection. forwarded: the right-most of X-Forwarded-For that is no trusted proxy's;
        /// it is only looked for behind a trusted proxy.
        client_address: LoggedAddress = LoggedAddress::None,
        /// The proxies whose X-Forwarded-For is believed, as 10.0.0.0/8 or one address; not used
        /// unless client_address is forwarded.
        trusted_proxies: Vec<Network> = Vec::new(),
    }
}

keys! {
    /// The store that answers come from.
    pub struct Store {
        /// The embedded store to serve, as `aqs load` makes it.
        #[unset("the bundled sample, built at the first start")]
        path: Option<PathBuf> = None,
        /// How many reads it is asked for at once.
        reads: Count<1, 65_536> = Count::known(ConcurrencyLimits::default().reads),
        /// How many reads may wait for their turn.
        queue: Count<0, 1_000_000> = Count::known(ConcurrencyLimits::default().queue),
        /// How long a read may wait for its turn.
        wait: Span = Span(ConcurrencyLimits::default().wait),
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
        /// From a head's first byte to its last; for a connection's first from when it was
        /// accepted. A body may take as long once more.
        head: Span = Span(net::Limits::default().head),
        /// Between two requests of a connection.
        idle: Span = Span(net::Limits::default().idle),
        /// For a reply to be taken.
        write: Span = Span(net::Limits::default().write),
        /// For the rest of what a refused client sends, so that it reads why.
        linger: Span = Span(net::Limits::default().linger),
        /// The bytes of a request line.
        request_line: Size<64, { 1 << 20 }> = Size::known(net::Limits::default().request_line),
        /// The bytes of a head, at least a request line's.
        head_bytes: Size<64, { 1 << 20 }> = Size::known(net::Limits::default().head_bytes),
        /// The lines of a head.
        header_lines: Count<1, 100> = Count::known(net::Limits::default().header_lines),
        /// The bytes of a request body, which is read and ignored.
        body_bytes: Size<0, { 1 << 30 }> = Size::known(net::Limits::default().body_bytes),
        /// The requests of a connection, after which it is closed.
        requests_per_connection: Count<1, 1_000_000_000> =
            Count::known(net::Limits::default().requests as usize),
        /// The connections that clients may have; the limit of open files may leave less.
        connections: Count<1, 10_000_000> = Count::known(Settings::default().connections),
        /// How long new connections are still served at the end, while `/readyz` says no, so that
        /// balancers notice.
        #[unset("not at all")]
        drain_delay: Option<Span> = None,
        /// How long requests in flight may take to finish after that. What is left then is cut;
        /// within 4 s more the program ends, with exit code 0.
        drain: Span = Span(Settings::default().drain_within),
        /// How long idle connections may still send a request at the end, which is answered and
        /// told to be the last; half of `limits.drain` at most.
        drain_idle: Span = Span(net::Limits::default().drain_idle),
    }
}

keys! {
    /// How much may wait for the store.
    pub struct Singleflight {
        /// Who may wait for one read.
        waiters_per_flight: Count<1, 10_000_000> =
            Count::known(SingleflightLimits::default().waiters_per_flight),
        /// Who may wait for all reads together.
        waiters: Count<1, 10_000_000> = Count::known(SingleflightLimits::default().waiters),
        /// The reads under way, whether anybody waits for them or not.
        flights: Count<1, 10_000_000> = Count::known(SingleflightLimits::default().flights),
        /// How long a read may take.
        within: Span = Span(SingleflightLimits::default().timeout),
    }
}
