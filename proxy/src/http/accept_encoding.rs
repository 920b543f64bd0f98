//! The preference of `Accept-Encoding` (RFC 9110 §12.5.3).

use super::request::Lines;

/// Whether a client with this `Accept-Encoding` gets gzip: it accepts it and does not prefer the
/// identity form.
pub fn prefers_gzip(lines: Lines<'_>) -> bool {
    let (mut gzip, mut any, mut identity) = (None, None, None);
    for item in lines.iter().flat_map(|line| line.split(|byte| *byte == b',')) {
        let mut parts = item.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let coding = parts.next().unwrap_or_default();
        let weight = parts.find_map(weight).unwrap_or(1000);
        if coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip") {
            gzip = gzip.max(Some(weight));
        } else if coding == b"*" {
            any = Some(weight);
        } else if coding.eq_ignore_ascii_case(b"identity") {
            identity = Some(weight);
        }
    }
    let gzip = gzip.or(any).unwrap_or(0);
    gzip > 0 && gzip >= identity.unwrap_or(0)
}

/// The weight in a `q=` parameter, in thousandths; `None` for other parameters. A malformed
/// weight counts as 1.
fn weight(parameter: &[u8]) -> Option<u16> {
    let (name, value) = parameter.split_at_checked(2)?;
    if !name.eq_ignore_ascii_case(b"q=") {
        return None;
    }
    let is_plain = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let weight = std::str::from_utf8(value)
        .ok()
        .filter(|value| value.len() <= "0.000".len() && value.as_bytes().iter().all(is_plain))
        .and_then(|value| value.parse::<f32>().ok());
    Some((weight.unwrap_or(1.0).min(1.0) * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn clients_get_what_they_like() {
        for (header, expected) in [
            ("gzip", true),
            ("gzip, deflate, br, zstd", true),
            ("GZIP;Q=0.5", true),
            ("x-gzip", true),
            ("*", true),
            ("br;q=1.0, gzip;q=0.8, *;q=0.1", true),
            ("identity, *;q=0.5", false),
            ("gzip;q=0.5, identity;q=0.5", true),
            ("gzip;q=0.4, identity;q=0.5", false),
            ("gzip;q=0", false),
            ("gzip;q=0.000", false),
            ("*;q=0", false),
            ("gzip;q=0, *", false),
            ("identity", false),
            ("deflate, br", false),
            ("gzipped", false),
            ("", false),
            (" gzip ; q=0.001 ", true),
            ("gzip;level=9;q=0", false),
        ] {
            assert_eq!(prefers_gzip(header.as_bytes().into()), expected, "{header}");
        }
    }

    #[test]
    fn lines_are_one_list() {
        for (lines, expected) in [(["br", "gzip"], true), (["gzip;q=0.1", "identity"], false)] {
            let mut header = Lines::default();
            assert!(lines.iter().all(|line| header.push(line.as_bytes())));
            assert_eq!(prefers_gzip(header), expected, "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(header in prop::collection::vec(any::<u8>(), 0..60)) {
            prefers_gzip(header.as_slice().into());
        }

        #[test]
        fn weights_decide(gzip in 0u16..=1000, identity in 0u16..=1000, spaces in " {0,2}") {
            let q = |weight: u16| format!("{}.{:03}", weight / 1000, weight % 1000);
            let header = format!("br,{spaces}gzip;q={}{spaces},identity{spaces};q={}", q(gzip), q(identity));
            prop_assert_eq!(prefers_gzip(header.as_bytes().into()), gzip > 0 && gzip >= identity);
        }
    }
}
