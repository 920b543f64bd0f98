//! What commands have in common that speak to a running server: finding its admin listener and
//! its token, asking, and telling what went wrong.

mod found;

use crate::admin::TokenError;
use crate::config::{ConfigError, Environment};
use crate::listen_addr::ListenAddr;
use clap::Args;
use found::{Found, Shown};
use reqwest::Method;
use serde::de::DeserializeOwned;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Runtime;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take for what it has to read for.
const LONG_PATIENCE: Duration = Duration::from_secs(600);
/// What to do if no server is found.
const NAME_IT: &str = "name it with --admin, or with --config or --state what it was started with";

/// Which server, and how it knows us.
#[derive(Debug, Default, Args)]
pub struct ServerArgs {
    /// The admin listener, as http://HOST:PORT or unix:PATH [default: that of the server on this
    /// machine]
    #[arg(long, global = true, value_name = "URL")]
    pub admin: Option<String>,
    /// The file with its token [default: that of the server on this machine]
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The configuration of the server on this machine [env: AQS_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The state directory by which the server on this machine is found [env: AQS_STATE]
    /// [default: as its configuration says, else aqs in the user's state folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// A server can't be asked, or says no.
#[derive(Debug, Error)]
pub enum AdminError {
    /// No server left word where it listens.
    #[error("no aqs seems to run here ({file}: {source}); {NAME_IT}")]
    Nowhere {
        /// Where it would have left word.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A server left word where it listened, and is gone.
    #[error("no aqs seems to run here (nobody uses {0}); {NAME_IT}")]
    Gone(PathBuf),
    /// The server that left word listens elsewhere than the configuration says.
    #[error(
        "the aqs that keeps its state in {state} listens at {place}, where the configuration has no listener; \
         {NAME_IT}"
    )]
    Another {
        /// Where it listens.
        place: String,
        /// Where it left word.
        state: PathBuf,
    },
    /// There is no state directory to look in.
    #[error("there is no state directory to find it by; name it with {0}")]
    Stateless(&'static str),
    /// The admin listener's name is none.
    #[error("`{0}` is no admin listener such as http://127.0.0.1:8081 or unix:/run/aqs/admin")]
    Unclear(String),
    /// The token can't be had.
    #[error("the admin token: {0}; name its file with --token-file")]
    Token(#[from] TokenError),
    /// The configuration is bad.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing can be sent.
    #[error("nothing can be sent: {0}")]
    Client(String),
    /// The server says something else than it should.
    #[error("what {place} answers can't be understood ({reason}); is it another version of aqs?")]
    Foreign {
        /// Where it was asked.
        place: String,
        /// What was expected.
        reason: serde_json::Error,
    },
    /// Nobody answers.
    #[error("no server answers at {place}: {reason}")]
    Silent {
        /// Where it was asked.
        place: String,
        /// What the system says.
        reason: String,
    },
    /// The server refuses.
    #[error("{place} refused with {status}: {detail}{token}")]
    Refused {
        /// Where it was asked.
        place: String,
        /// The status.
        status: u16,
        /// Why.
        detail: String,
        /// Which token it was shown, if it refuses for that.
        token: String,
    },
}

/// What a server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Only to tell something: it may do so for everybody, so the token is sent if there is one.
    Look,
    /// To do something: it wants the token.
    Act,
}

/// A server's admin listener, and the token for it.
pub struct AdminClient {
    runtime: Runtime,
    client: reqwest::Client,
    /// What stands before a target.
    base: String,
    /// The listener as people call it.
    place: String,
    /// Whether it is this machine's, whatever address it listens on.
    local: bool,
    token: Shown,
}

impl AdminClient {
    /// Finds the server that flags name, or else the one of this machine.
    pub fn find(
        args: &ServerArgs,
        intent: Intent,
        variables: Environment<'_>,
    ) -> Result<Self, AdminError> {
        let found = Found::by(args, variables)?;
        let token = found.token(intent, args.token_file.is_some())?;
        let failed = |error: &dyn std::error::Error| AdminError::Client(error.to_string());
        // The token is for nobody between.
        let mut client = reqwest::Client::builder().connect_timeout(PATIENCE).no_proxy();
        let base = match found.admin.parse() {
            Ok(ListenAddr::Unix(path)) => {
                client = client.unix_socket(path);
                "http://localhost".to_owned()
            }
            Ok(ListenAddr::Tcp(address)) => format!("http://{address}"),
            Err(_) if found.admin.starts_with("http://") => {
                found.admin.trim_end_matches('/').to_owned()
            }
            Err(_) => return Err(AdminError::Unclear(found.admin)),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(&error))?;
        let client = client.build().map_err(|error| failed(&error))?;
        let Found { admin: place, local, .. } = found;
        Ok(Self { runtime, client, base, place, local, token })
    }

    /// Gets a target, and gives the answer's text.
    pub fn get(&self, target: &str) -> Result<String, AdminError> {
        self.run(self.ask(Method::GET, target, PATIENCE))
    }

    /// Posts to a target, and gives the answer's text.
    pub fn post(&self, target: &str) -> Result<String, AdminError> {
        self.run(self.ask(Method::POST, target, PATIENCE))
    }

    /// The same, for what takes longer.
    pub fn post_patiently(&self, target: &str) -> Result<String, AdminError> {
        self.run(self.ask(Method::POST, target, LONG_PATIENCE))
    }

    /// Deletes a target, and gives the answer's text.
    pub fn delete(&self, target: &str) -> Result<String, AdminError> {
        self.run(self.ask(Method::DELETE, target, PATIENCE))
    }

    /// Understands what the server answered.
    pub fn understand<T: DeserializeOwned>(&self, text: &str) -> Result<T, AdminError> {
        let place = || self.place.clone();
        serde_json::from_str(text).map_err(|reason| AdminError::Foreign { place: place(), reason })
    }

    /// Runs what asks more than once, or waits between.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Posts to a target, and gives the answer's text, while something else is awaited too.
    pub async fn start(&self, target: &str) -> Result<String, AdminError> {
        self.ask(Method::POST, target, PATIENCE).await
    }

    /// Gets a target, and gives the answer's text, while something else is awaited too.
    pub async fn look_at(&self, target: &str) -> Result<String, AdminError> {
        self.ask(Method::GET, target, PATIENCE).await
    }

    async fn ask(
        &self,
        method: Method,
        target: &str,
        patience: Duration,
    ) -> Result<String, AdminError> {
        let silent = |error: reqwest::Error| {
            // The innermost reason is the system's.
            let mut reason: &dyn std::error::Error = &error;
            while let Some(source) = reason.source() {
                reason = source;
            }
            AdminError::Silent { place: self.place.clone(), reason: reason.to_string() }
        };
        let mut request = self.client.request(method.clone(), format!("{}{target}", self.base));
        request = request.timeout(patience);
        if let Shown::Token { token, .. } = &self.token {
            request = request.bearer_auth(token.secret());
        }
        if method == Method::POST {
            request = request.header("content-length", "0");
        }
        if self.local {
            // A name that writes are taken for.
            request = request.header("host", "localhost");
        }
        let response = request.send().await.map_err(silent)?;
        let status = response.status();
        let text = response.text().await.map_err(silent)?;
        if status.is_success() {
            return Ok(text);
        }
        let problem: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("the server did not say why");
        Err(AdminError::Refused {
            place: self.place.clone(),
            status: status.as_u16(),
            detail: detail.to_owned(),
            token: if status.as_u16() == 401 { self.token.words() } else { String::new() },
        })
    }
}

/// Appends a value of a query to a target.
pub fn push_value(target: &mut String, value: &str) {
    // Stricter than a path needs it: a query has delimiters of its own.
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' => {
                target.push(char::from(byte));
            }
            other => target.push_str(&format!("%{other:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_delimiters_to_themselves() {
        let mut target = String::from("/a?b=");
        push_value(&mut target, "Ä&c=d /e");
        assert_eq!(target, "/a?b=%C3%84%26c%3Dd%20/e");
    }
}
