//! Percent-encoding of one path segment (contract §1.1, "URL decoding").

use std::borrow::Cow;
use std::fmt;

/// Decodes a segment once as UTF-8. `%2F` is data; `+` is a literal plus.
///
/// `None` if an escape is cut off or not hexadecimal, or the bytes are not UTF-8.
pub fn decode(segment: &str) -> Option<Cow<'_, str>> {
    if memchr::memchr(b'%', segment.as_bytes()).is_none() {
        return Some(Cow::Borrowed(segment));
    }
    let bytes = segment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let (&[high, low], tail) = rest.split_first_chunk::<2>()?;
        decoded.push(hex_value(high)? << 4 | hex_value(low)?);
        rest = tail;
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

/// Appends a segment in canonical wire form: only what RFC 3986 doesn't allow in a segment is
/// escaped, in upper-case hexadecimal.
pub fn encode_into(out: &mut String, decoded: &str) {
    // Writing to a String can't fail.
    let _ = escape(decoded, is_segment_byte, out);
}

/// Writes a target as it may stand in a `uri`: as it came, but for what is above ASCII.
pub fn escape_non_ascii(target: &str, out: &mut impl fmt::Write) -> fmt::Result {
    escape(target, |byte| byte.is_ascii(), out)
}

/// Writes a text with its letters escaped that are not plain; those above ASCII never are.
fn escape(text: &str, plain: impl Fn(u8) -> bool, out: &mut impl fmt::Write) -> fmt::Result {
    let mut rest = text;
    // Most texts have nothing to escape.
    while let Some(at) = rest.bytes().position(|byte| !plain(byte)) {
        let (before, tail) = rest.split_at(at);
        out.write_str(before)?;
        let letter = tail.chars().next().map_or(0, char::len_utf8);
        let (letter, tail) = tail.split_at(letter);
        letter.bytes().try_for_each(|byte| write!(out, "%{byte:02X}"))?;
        rest = tail;
    }
    out.write_str(rest)
}

fn is_segment_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')')
        || matches!(byte, b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@')
}

fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
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
    fn refuses_what_is_no_escape_or_no_utf8() {
        for bad in ["%", "%4", "%zz", "100%", "%C3", "%ff%fe", "%+1"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn escapes_only_what_must_be() {
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
