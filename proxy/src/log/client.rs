//! The client address in the log.

use super::config::{ClientAddress, LogConfig, Network};
use std::net::{IpAddr, SocketAddr};

impl LogConfig {
    /// The address to log of the client of a connection; `forwarded` are the lines of
    /// `X-Forwarded-For` from last to first.
    ///
    /// Each proxy appends the address that it sees. So the right-most address that is no trusted
    /// proxy's was seen by a trusted one; what stands left of it can be forged.
    pub fn client<'a>(
        &self,
        peer: Option<IpAddr>,
        forwarded: impl Iterator<Item = &'a [u8]>,
    ) -> Option<IpAddr> {
        let peer = peer.map(|peer| peer.to_canonical());
        match self.client_address {
            ClientAddress::None => None,
            ClientAddress::Peer => peer,
            ClientAddress::Forwarded => {
                let mut client = peer?;
                let trusts = |address: IpAddr| {
                    self.trusted_proxies.iter().any(|Network(net)| net.contains(&address))
                };
                for step in forwarded.flat_map(|line| line.rsplit(|byte| *byte == b',')) {
                    if !trusts(client) {
                        break;
                    }
                    let Some(address) = address(step.trim_ascii()) else { break };
                    client = address;
                }
                Some(client)
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

    fn client(peer: &str, lines: &[&str]) -> String {
        let trusted_proxies = ["10.0.0.0/8", "2001:db8::/32"].map(|net| net.parse().unwrap());
        let log = LogConfig {
            client_address: ClientAddress::Forwarded,
            trusted_proxies: trusted_proxies.into(),
            ..LogConfig::default()
        };
        let lines = lines.iter().rev().map(|line| line.as_bytes());
        let client = log.client(peer.parse().ok(), lines);
        client.map_or(String::new(), |address| address.to_string())
    }

    #[test]
    fn the_right_most_address_of_no_trusted_proxy_is_logged() {
        for (peer, lines, expected) in [
            ("10.1.1.1", &["192.0.2.7"][..], "192.0.2.7"),
            ("10.1.1.1", &["6.6.6.6, 192.0.2.7, 10.2.2.2"], "192.0.2.7"),
            ("10.1.1.1", &["6.6.6.6", "192.0.2.7", "10.2.2.2, 10.3.3.3"], "192.0.2.7"),
            ("10.1.1.1", &["10.9.9.9,10.2.2.2"], "10.9.9.9"),
            ("10.1.1.1", &["192.0.2.7:4711"], "192.0.2.7"),
            ("10.1.1.1", &["[2001:470::1]:80"], "2001:470::1"),
            ("10.1.1.1", &["2001:470::1, 2001:db8::5"], "2001:470::1"),
            ("::ffff:10.1.1.1", &["::ffff:192.0.2.7"], "192.0.2.7"),
            // An unreadable address hides what is left of it.
            ("10.1.1.1", &["192.0.2.7, unknown, 10.2.2.2"], "10.2.2.2"),
            ("10.1.1.1", &["192.0.2.7, "], "10.1.1.1"),
            ("10.1.1.1", &[], "10.1.1.1"),
            // The peer is not trusted.
            ("192.0.2.9", &["192.0.2.7"], "192.0.2.9"),
            ("", &["192.0.2.7"], ""),
        ] {
            assert_eq!(client(peer, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn by_default_no_address_is_logged() {
        let peer = "192.0.2.9".parse().ok();
        let unread = || std::iter::from_fn(|| -> Option<&[u8]> { panic!("the header was read") });
        let client = |client_address| {
            LogConfig { client_address, ..LogConfig::default() }.client(peer, unread())
        };
        assert_eq!(LogConfig::default().client_address, ClientAddress::None);
        assert_eq!(client(ClientAddress::None), None);
        assert_eq!(client(ClientAddress::Peer), peer);
    }
}
