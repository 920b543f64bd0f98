//! Addresses of listeners: TCP addresses and socket files.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// The prefix of the path of a socket file.
const UNIX: &str = "unix:";

/// Parses a TCP address. `localhost:8080`, `:8080` and `8080` are on loopback: what is not named
/// is not open to others.
pub fn parse_tcp(text: &str) -> Option<SocketAddr> {
    let on_loopback = || {
        let port =
            text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')).unwrap_or(text);
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = is_number.then(|| port.parse().ok()).flatten()?;
        Some(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))
    };
    text.parse().ok().or_else(on_loopback)
}

/// The address of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddr {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl ListenAddr {
    /// Whether only this machine can reach it.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().is_loopback(),
            Self::Unix(_) => true,
        }
    }

    /// The address by which this machine reaches the listener: loopback for an unspecified one.
    pub(crate) fn reachable(&self) -> Self {
        let Self::Tcp(address) = self else { return self.clone() };
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            IpAddr::V4(_) | IpAddr::V6(_) => address.ip(),
        };
        Self::Tcp(SocketAddr::new(ip, address.port()))
    }
}

impl FromStr for ListenAddr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no address such as 127.0.0.1:8081 or unix:/run/aqs/admin");
        match text.strip_prefix(UNIX) {
            Some("") => Err(wrong()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => parse_tcp(text).map(Self::Tcp).ok_or_else(wrong),
        }
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(text),
            Self::Unix(path) => write!(text, "{UNIX}{}", path.display()),
        }
    }
}

impl From<SocketAddr> for ListenAddr {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_parse_and_print_alike() {
        for (text, local) in [
            ("127.0.0.1:8081", true),
            ("[::1]:1", true),
            ("unix:/run/aqs/admin", true),
            ("unix:a b", true),
            ("0.0.0.0:8081", false),
            ("10.0.0.1:8081", false),
        ] {
            let place: ListenAddr = text.parse().unwrap();
            assert_eq!((place.to_string().as_str(), place.is_local()), (text, local));
        }
        for short in ["localhost:8081", ":8081", "8081"] {
            assert_eq!(parse_tcp(short), "127.0.0.1:8081".parse().ok(), "{short}");
        }
        for wrong in ["", "unix:", "/run/aqs/admin", "localhost", ":", "x:1", "+1", "65536"] {
            assert!(wrong.parse::<ListenAddr>().unwrap_err().contains("is no address"), "{wrong}");
        }
    }
}
