//! The identity of a request in logs and towards stores: its id and the trace it belongs to.

use aqs_origin::{RequestId, TraceParent};

/// The id and trace headers of a request, borrowed from its head.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestTrace<'a> {
    /// The client's id, or the generated one.
    pub request_id: Option<&'a str>,
    /// `traceparent` as it came. It is parsed only where it is used.
    pub traceparent: Option<&'a [u8]>,
}

/// A random request id: 128 bits in hexadecimal.
#[derive(Clone, Copy, Debug)]
pub struct GeneratedId([u8; GENERATED_LENGTH]);

const GENERATED_LENGTH: usize = 32;
/// The longest id that is accepted from a client.
const MAX_LENGTH: usize = 128;
/// The distance from the digit after `9` to `a`.
const TO_LETTERS: u8 = b'a' - b'9' - 1;

impl<'a> RequestTrace<'a> {
    /// The trace that the request belongs to, if `traceparent` is well-formed.
    pub fn trace(&self) -> Option<TraceParent> {
        TraceParent::parse(self.traceparent?)
    }

    /// The id, or a random one if there is none.
    pub fn id(&self) -> RequestId {
        match self.request_id {
            Some(id) => id.into(),
            None => GeneratedId::random().as_str().into(),
        }
    }

    /// Accepts a client's id if it consists of characters that need no quoting in headers, JSON
    /// and shells.
    pub fn accept_id(header: &'a [u8]) -> Option<&'a str> {
        let is_plain = |byte: &u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'-' | b'_' | b'.' | b'~' | b':' | b'/' | b'+' | b'=' | b'@')
        };
        let fits = (1..=MAX_LENGTH).contains(&header.len()) && header.iter().all(is_plain);
        if fits { std::str::from_utf8(header).ok() } else { None }
    }
}

impl GeneratedId {
    pub fn random() -> Self {
        let bits = fastrand::u128(..).to_be_bytes();
        let mut digits = [0; GENERATED_LENGTH];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bits) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
        }
        Self(digits)
    }

    pub fn as_str(&self) -> &str {
        // Digits are UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The hexadecimal digit of a number below 16, by arithmetic that vectorises.
fn digit(number: u8) -> u8 {
    b'0' + number + if number > 9 { TO_LETTERS } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_ids_are_accepted() {
        let longest = "x".repeat(128);
        for id in ["a", "0af7651916cd43dd8448eb211c80319c", "a-b_c.d~e:f/g+h=i@j", &longest] {
            assert_eq!(RequestTrace::accept_id(id.as_bytes()), Some(id));
        }
        let long = "x".repeat(129);
        for id in ["", "a b", "a\"b", "a,b", "a;b", "a'b", "a\\b", "a\tb", "é", "a\x7fb", &long] {
            assert_eq!(RequestTrace::accept_id(id.as_bytes()), None, "{id:?}");
        }
    }

    #[test]
    fn digits_are_hexadecimal() {
        let digits: Vec<u8> = (0..16).map(digit).collect();
        assert_eq!(digits, b"0123456789abcdef");
    }

    #[test]
    fn generated_ids_are_acceptable_and_differ() {
        let (one, other) = (GeneratedId::random(), GeneratedId::random());
        assert_eq!(RequestTrace::accept_id(one.as_str().as_bytes()).map(str::len), Some(32));
        assert_ne!(one.as_str(), other.as_str());
    }
}
