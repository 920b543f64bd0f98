//! Percent-encoding of one path segment (contract §1.1, "URL decoding").

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::borrow::Cow;
use std::fmt;

/// What RFC 3986 doesn't allow in a segment.
const ESCAPED_IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// Decodes a segment once as UTF-8. `%2F` is data; `+` is a literal plus.
///
/// `None` if an escape is cut off or not hexadecimal, or the bytes are not UTF-8.
pub fn decode(segment: &str) -> Option<Cow<'_, str>> {
    let digits = |at| segment.as_bytes().get(at + 1..at + 3);
    let mut escapes = memchr::memchr_iter(b'%', segment.as_bytes());
    if !escapes.all(|at| digits(at).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
    {
        return None;
    }
    percent_decode_str(segment).decode_utf8().ok()
}

/// Appends a segment in canonical wire form, escaped in upper-case hexadecimal.
pub fn encode_into(out: &mut String, decoded: &str) {
    out.extend(utf8_percent_encode(decoded, ESCAPED_IN_SEGMENT));
}

/// Writes a target for a `uri`: unchanged, but for the bytes above ASCII.
pub fn escape_non_ascii(target: &str, out: &mut impl fmt::Write) -> fmt::Result {
    write!(out, "{}", utf8_percent_encode(target, &AsciiSet::EMPTY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(text: &str) -> String {
        let mut out = String::new();
        encode_into(&mut out, text);
        out
    }

    #[test]
    fn decodes_once_and_keeps_plus() {
        assert_eq!(decode("Caf%C3%A9").as_deref(), Some("Café"));
        assert_eq!(decode("AC%2FDC+%252F").as_deref(), Some("AC/DC+%2F"));
    }

    #[test]
    fn rejects_bad_escapes_and_bad_utf8() {
        for bad in ["%", "%4", "%zz", "100%", "%C3", "%ff%fe", "%+1"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn escapes_only_what_is_not_allowed() {
        assert_eq!(encode("A-b_c.d~!$&'()*+,;=:@"), "A-b_c.d~!$&'()*+,;=:@");
        assert_eq!(encode("50% of /?#\"é"), "50%25%20of%20%2F%3F%23%22%C3%A9");
    }

    proptest! {
        #[test]
        fn round_trips(text in any::<String>()) {
            let wire = encode(&text);
            prop_assert!(wire.is_ascii());
            let decoded = decode(&wire);
            prop_assert_eq!(decoded.as_deref(), Some(text.as_str()));
        }

        #[test]
        fn canonical_form_is_stable(raw in "[%a-f0-9A-F/ é+]{0,12}") {
            if let Some(text) = decode(&raw) {
                let wire = encode(&text);
                prop_assert_eq!(decode(&wire).map(|again| encode(&again)), Some(wire));
            }
        }
    }
}
