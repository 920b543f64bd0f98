//! W3C Trace Context.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

/// A `traceparent`: the trace, the caller's span, and whether it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace: NonZeroU128,
    parent: NonZeroU64,
    flags: u8,
}

/// `00-`, 32 digits, `-`, 16 digits, `-`, 2 digits.
const LENGTH: usize = 55;
/// The version that the standard forbids.
const FORBIDDEN: u8 = 0xff;

impl TraceParent {
    /// Parses a header's value; a malformed one counts as absent. Of a later version, only the part
    /// that version 00 has is parsed.
    pub fn parse(header: &[u8]) -> Option<Self> {
        let (known, more) = header.split_at_checked(LENGTH)?;
        let text = std::str::from_utf8(known).ok()?;
        let mut parts = text.split('-');
        let version = digits(parts.next()?, 2)? as u8;
        let trace = NonZeroU128::new(digits(parts.next()?, 32)?)?;
        let parent = NonZeroU64::new(digits(parts.next()?, 16)? as u64)?;
        let flags = digits(parts.next()?, 2)? as u8;
        let ends = match version {
            0 => more.is_empty(),
            FORBIDDEN => false,
            _ => more.is_empty() || more.starts_with(b"-"),
        };
        (ends && parts.next().is_none()).then_some(Self { trace, parent, flags })
    }

    pub fn trace_id(&self) -> impl fmt::Display + use<> {
        Hex::<32>(self.trace.get())
    }

    pub fn parent_id(&self) -> impl fmt::Display + use<> {
        Hex::<16>(self.parent.get().into())
    }
}

/// As it is sent on: version 00 has one flag, and the others are unknown.
impl fmt::Display for TraceParent {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(text, "00-{}-{}-{:02x}", self.trace_id(), self.parent_id(), self.flags & 1)
    }
}

struct Hex<const WIDTH: usize>(u128);

impl<const WIDTH: usize> fmt::Display for Hex<WIDTH> {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(text, "{:01$x}", self.0, WIDTH)
    }
}

/// Parses `count` hexadecimal digits in lower case, as the standard has it.
fn digits(text: &str, count: usize) -> Option<u128> {
    let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let fits = text.len() == count && text.bytes().all(lower);
    if fits { u128::from_str_radix(text, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";

    fn parse(text: &str) -> Option<String> {
        TraceParent::parse(text.as_bytes()).map(|found| found.to_string())
    }

    #[test]
    fn version_00_is_parsed() {
        let header = format!("00-{TRACE}-{PARENT}-01");
        let found = TraceParent::parse(header.as_bytes()).unwrap();
        assert_eq!(found.trace_id().to_string(), TRACE);
        assert_eq!(found.parent_id().to_string(), PARENT);
        assert_eq!(found.to_string(), header);
        assert_eq!(parse(&format!("00-{TRACE}-{PARENT}-ff")), Some(header));
        let first = format!("00-{}1-{}2-00", "0".repeat(31), "0".repeat(15));
        assert_eq!(parse(&first), Some(first));
    }

    #[test]
    fn the_known_part_of_later_versions_is_parsed() {
        let expected = Some(format!("00-{TRACE}-{PARENT}-01"));
        for (header, expected) in [
            (format!("01-{TRACE}-{PARENT}-01"), &expected),
            (format!("cc-{TRACE}-{PARENT}-01-what-ever"), &expected),
            (format!("cc-{TRACE}-{PARENT}-01-"), &expected),
            (format!("cc-{TRACE}-{PARENT}-01.what"), &None),
            (format!("ff-{TRACE}-{PARENT}-01"), &None),
        ] {
            assert_eq!(parse(&header), *expected, "{header}");
        }
    }

    #[test]
    fn malformed_headers_count_as_absent() {
        let zeros = "0".repeat(32);
        for header in [
            String::new(),
            format!("00-{TRACE}-{PARENT}-0"),
            format!("00-{TRACE}-{PARENT}-01-x"),
            format!("00-{TRACE}-{PARENT}-1g"),
            format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", PARENT.to_uppercase()),
            format!("00-{zeros}-{PARENT}-01"),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-{PARENT}0-01", "1".repeat(31)),
            format!("0a{TRACE}-{PARENT}-01-"),
            format!(" 00-{TRACE}-{PARENT}-01"),
            format!("+0-{TRACE}-{PARENT}-01"),
        ] {
            assert_eq!(parse(&header), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(header in prop::collection::vec(any::<u8>(), 0..80)) {
            TraceParent::parse(&header);
        }
    }
}
