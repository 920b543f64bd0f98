//! Values of single keys.

use crate::listen::parse_tcp;
use aqs_api::{accepts, text_value};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What a public address is written as.
pub(super) struct SocketAddress;

accepts!(SocketAddress, "address:port, or a port of loopback");

/// Reads public addresses.
pub(super) fn addresses<'de, D: Deserializer<'de>>(
    input: D,
) -> Result<Option<Vec<SocketAddr>>, D::Error> {
    struct Address(SocketAddr);

    impl<'de> Deserialize<'de> for Address {
        fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
            let parse = |text: &str| {
                let wrong = || format!("`{text}` is no address such as 127.0.0.1:8080");
                parse_tcp(text).map(Self).ok_or_else(wrong)
            };
            aqs_api::units::from_text(input, parse)
        }
    }

    let addresses = Option::<Vec<Address>>::deserialize(input)?;
    Ok(addresses.map(|addresses| addresses.into_iter().map(|Address(address)| address).collect()))
}

text_value!(crate::listen::ListenAddr, "address:port or unix:path");

/// The state directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateDir {
    /// There is none.
    Nowhere,
    /// A configured directory, which must be usable.
    At(PathBuf),
    /// The default directory, which is optional.
    IfPossible(PathBuf),
}

impl StateDir {
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::At(path) | Self::IfPossible(path) => Some(path),
            Self::Nowhere => None,
        }
    }
}

impl Default for StateDir {
    /// The folder `aqs` in the user's state folder.
    fn default() -> Self {
        directories::BaseDirs::new().map_or(Self::Nowhere, |folders| {
            let folder = folders.state_dir().unwrap_or_else(|| folders.data_local_dir());
            Self::IfPossible(folder.join("aqs"))
        })
    }
}

impl<'de> Deserialize<'de> for StateDir {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Ok(path(input)?.map_or(Self::Nowhere, Self::At))
    }
}

impl Serialize for StateDir {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::At(path) => path.serialize(output),
            Self::Nowhere | Self::IfPossible(_) => output.serialize_none(),
        }
    }
}

accepts!(StateDir, "path");

/// Reads a path. An empty one would be the current directory, whichever that is.
pub(super) fn path<'de, D: Deserializer<'de>>(input: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(input)?;
    if path.as_os_str().is_empty() {
        let message = "it is empty; say . for the current directory, or leave the key out";
        return Err(serde::de::Error::custom(message));
    }
    Ok(Some(path))
}

/// A country by its ISO 3166 alpha-2 code in upper case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Country(pub(super) String);

impl FromStr for Country {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Ok(Self(text.to_ascii_uppercase()));
        }
        Err(format!("`{text}` is no country code of two letters, such as VE"))
    }
}

impl fmt::Display for Country {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str(&self.0)
    }
}

text_value!(Country, "country codes");

/// The address that upstream's `listen_address` means; empty is any, as in Go.
pub(super) fn ip(address: &str) -> Option<IpAddr> {
    match address {
        "localhost" => Some(super::LOCALHOST),
        "" => Some(IpAddr::from([0, 0, 0, 0])),
        other => other.parse().ok(),
    }
}

/// A route prefix with the leading slash that the upstream services add.
pub(super) fn rooted(prefix: &str) -> String {
    format!("/{}", prefix.strip_prefix('/').unwrap_or(prefix))
}
