//! What others call a request: the name that its client gave it, the trace that it belongs to.

use aqs_origin::{OriginError, RequestId, TraceParent};
use std::sync::Arc;

/// How a request is called.
#[derive(Clone, Copy, Debug, Default)]
pub struct Call<'a> {
    /// Its name: the client's, or else the front's.
    pub request_id: Option<&'a str>,
    /// `traceparent` as it came, unread: most answers have no use for it.
    pub traceparent: Option<&'a [u8]>,
}

/// [`Call`] of its own, for what goes on after the head is gone.
#[derive(Clone, Debug)]
pub struct OwnedCall {
    /// The request's name.
    pub request_id: RequestId,
    /// The trace that it belongs to.
    pub trace: Option<TraceParent>,
}

/// What was found out while a request was answered, for the log alone.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The request whose answer this one shared.
    pub leader: Option<RequestId>,
    /// Why there was no answer.
    pub cause: Option<Arc<OriginError>>,
}

/// A name that is made here: random, so that it is nobody else's.
#[derive(Clone, Copy, Debug)]
pub struct GeneratedId([u8; LENGTH]);

/// The digits of 128 bits.
const LENGTH: usize = 32;
/// The longest name that is taken over.
const LONGEST: usize = 128;
/// What lies between `9` and `a`, less one.
const TO_LETTERS: u8 = b'a' - b'9' - 1;

impl<'a> Call<'a> {
    /// The trace that the request belongs to; none if it is malformed.
    pub fn trace(&self) -> Option<TraceParent> {
        TraceParent::parse(self.traceparent?)
    }

    /// The same with a name of its own.
    pub fn to_owned(&self) -> OwnedCall {
        let request_id = match self.request_id {
            Some(name) => name.into(),
            None => GeneratedId::random().as_str().into(),
        };
        OwnedCall { request_id, trace: self.trace() }
    }

    /// A name that a client may give: some characters that need quoting nowhere, neither in a
    /// header, nor in JSON, nor in a shell.
    pub fn name(header: &'a [u8]) -> Option<&'a str> {
        let plain = |byte: &u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'-' | b'_' | b'.' | b'~' | b':' | b'/' | b'+' | b'=' | b'@')
        };
        let fits = (1..=LONGEST).contains(&header.len()) && header.iter().all(plain);
        if fits { std::str::from_utf8(header).ok() } else { None }
    }
}

impl GeneratedId {
    /// Another one.
    pub fn random() -> Self {
        let bits = fastrand::u128(..).to_be_bytes();
        let mut digits = [0; LENGTH];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bits) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
        }
        Self(digits)
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        // Digits are UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The digit of a number below 16, by reckoning: that is done for many at once.
fn digit(number: u8) -> u8 {
    b'0' + number + if number > 9 { TO_LETTERS } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_are_taken_over() {
        let longest = "x".repeat(128);
        for name in ["a", "0af7651916cd43dd8448eb211c80319c", "a-b_c.d~e:f/g+h=i@j", &longest] {
            assert_eq!(Call::name(name.as_bytes()), Some(name));
        }
        let long = "x".repeat(129);
        for name in ["", "a b", "a\"b", "a,b", "a;b", "a'b", "a\\b", "a\tb", "é", "a\x7fb", &long]
        {
            assert_eq!(Call::name(name.as_bytes()), None, "{name:?}");
        }
    }

    #[test]
    fn digits_are_hexadecimal() {
        let digits: Vec<u8> = (0..16).map(digit).collect();
        assert_eq!(digits, b"0123456789abcdef");
    }

    #[test]
    fn made_names_are_names_and_differ() {
        let (one, other) = (GeneratedId::random(), GeneratedId::random());
        assert_eq!(Call::name(one.as_str().as_bytes()).map(str::len), Some(32));
        assert_ne!(one.as_str(), other.as_str());
    }
}
