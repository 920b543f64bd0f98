//! Whose address stands in the log: nobody's, unless somebody wants it.

use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// Which address is logged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientAddress {
    /// None.
    #[default]
    None,
    /// The other end of the connection.
    Peer,
    /// What these proxies tell in `X-Forwarded-For`.
    Forwarded(Vec<IpNet>),
}

impl ClientAddress {
    /// The address to log of who is at the other end of a connection; `forwarded` are the lines
    /// of `X-Forwarded-For` from last to first.
    ///
    /// Each proxy adds whom it heard from at the right. So the right-most address that is no
    /// trusted proxy's was seen by one that is; what stands left of it anybody may have written.
    pub fn of<'a>(
        &self,
        peer: Option<IpAddr>,
        forwarded: impl Iterator<Item = &'a [u8]>,
    ) -> Option<IpAddr> {
        let peer = peer.map(|peer| peer.to_canonical());
        match self {
            Self::None => None,
            Self::Peer => peer,
            Self::Forwarded(trusted) => {
                let mut told = peer?;
                let trusts = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
                let steps = forwarded.flat_map(|line| line.rsplit(|byte| *byte == b','));
                for step in steps {
                    if !trusts(told) {
                        break;
                    }
                    let Some(address) = address(step.trim_ascii()) else { break };
                    told = address;
                }
                Some(told)
            }
        }
    }
}

/// An address with or without port.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().or_else(|_| text.parse().map(|address: SocketAddr| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(peer: &str, lines: &[&str]) -> String {
        let nets = ["10.0.0.0/8", "2001:db8::/32"].map(|net| net.parse().unwrap());
        let lines = lines.iter().rev().map(|line| line.as_bytes());
        let told = ClientAddress::Forwarded(nets.into()).of(peer.parse().ok(), lines);
        told.map_or(String::new(), |address| address.to_string())
    }

    #[test]
    fn the_right_most_address_that_is_no_trusted_proxys_is_told() {
        for (peer, lines, expected) in [
            ("10.1.1.1", &["192.0.2.7"][..], "192.0.2.7"),
            ("10.1.1.1", &["6.6.6.6, 192.0.2.7, 10.2.2.2"], "192.0.2.7"),
            ("10.1.1.1", &["6.6.6.6", "192.0.2.7", "10.2.2.2, 10.3.3.3"], "192.0.2.7"),
            ("10.1.1.1", &["10.9.9.9,10.2.2.2"], "10.9.9.9"),
            ("10.1.1.1", &["192.0.2.7:4711"], "192.0.2.7"),
            ("10.1.1.1", &["[2001:470::1]:80"], "2001:470::1"),
            ("10.1.1.1", &["2001:470::1, 2001:db8::5"], "2001:470::1"),
            ("::ffff:10.1.1.1", &["::ffff:192.0.2.7"], "192.0.2.7"),
            // What can't be read hides what is left of it.
            ("10.1.1.1", &["192.0.2.7, unknown, 10.2.2.2"], "10.2.2.2"),
            ("10.1.1.1", &["192.0.2.7, "], "10.1.1.1"),
            ("10.1.1.1", &[], "10.1.1.1"),
            // Anybody could claim anything.
            ("192.0.2.9", &["192.0.2.7"], "192.0.2.9"),
            ("", &["192.0.2.7"], ""),
        ] {
            assert_eq!(told(peer, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn by_default_nobody_is_told() {
        let peer = "192.0.2.9".parse().ok();
        // Nobody even looks what proxies say.
        let unread = || std::iter::from_fn(|| -> Option<&[u8]> { panic!("it was read") });
        let told = |setting: ClientAddress| setting.of(peer, unread());
        assert_eq!(told(ClientAddress::default()), None);
        assert_eq!(told(ClientAddress::Peer), peer);
    }
}
