//! The client of the admin API: finds the server and its token, sends requests, explains failures.

use crate::admin::{Token, TokenError};
use crate::config::{self, Admin, Config, ConfigArgs, ConfigError, StateDir};
use crate::listen::ListenAddr;
use crate::server::{ADDRESS_FILE, TOKEN_FILE};
use aqs_origin::epochs::StateDirectory;
use clap::Args;
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Runtime;

/// For a connection, and for the answer to a read.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// For the answer to a write: a verification reads from the store.
const WRITE_TIMEOUT: Duration = Duration::from_secs(600);
/// What to do if no server is found.
const NAME_IT: &str = "name it with --admin, or with --config or --state what it was started with";

/// The server, and the credentials for it.
#[derive(Debug, Default, Args)]
pub struct ServerArgs {
    /// The admin listener, as http://HOST:PORT or unix:PATH [default: the one of the server on
    /// this machine]
    #[arg(long, global = true, value_name = "URL")]
    pub admin: Option<String>,
    /// The file with its token; required for another machine [default: the one of the server on
    /// this machine]
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The configuration of the server on this machine [env: AQS_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The state directory of the server on this machine [env: AQS_STATE] [default: as in its
    /// configuration, else aqs in the user's state folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

#[derive(Debug, Error)]
pub enum AdminError {
    #[error("no aqs seems to run here ({0}); {NAME_IT}")]
    NotRunning(String),
    #[error(
        "the aqs that keeps its state in {state} listens at {address}, where the configuration \
         has no listener; {NAME_IT}"
    )]
    OtherServer { address: String, state: PathBuf },
    #[error("there is no state directory to find it by; name it with {0}")]
    NoStateDirectory(&'static str),
    #[error("`{0}` is no admin listener such as http://127.0.0.1:8081 or unix:/run/aqs/admin")]
    BadAddress(String),
    #[error(
        "{0} is not on this machine, and the token of this machine is not sent there; name the \
         file with its token with --token-file"
    )]
    TokenFileRequired(String),
    #[error("the admin token: {0}; name its file with --token-file")]
    Token(#[from] TokenError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("failed to set up the HTTP client: {0}")]
    Client(String),
    #[error("the answer of {address} has another form ({reason}); is it another version of aqs?")]
    BadAnswer { address: String, reason: serde_json::Error },
    #[error("no server answers at {address}: {reason}")]
    Unreachable { address: String, reason: String },
    #[error("{address} refused with {status}: {detail}{token}")]
    Refused {
        address: String,
        status: u16,
        detail: String,
        /// Which token was sent, if the status is 401.
        token: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The token is sent if there is one: the server may need none.
    Read,
    /// There must be a token.
    Write,
}

/// A server's admin listener, and the token for it.
pub struct AdminClient {
    runtime: Runtime,
    client: reqwest::Client,
    /// The URL without a path.
    base: String,
    /// As in messages.
    address: String,
    /// Whether the server was found on this machine, whatever address it listens on.
    discovered: bool,
    token: Option<Token>,
    /// The explanation for a 401.
    token_note: String,
}

/// Where a server is, and where its token is.
#[derive(Debug, PartialEq, Eq)]
struct Endpoint {
    address: String,
    /// `None` if there is no state directory that could have it.
    token_file: Option<PathBuf>,
    discovered: bool,
}

impl AdminClient {
    /// Finds the server that the flags name, else the one of this machine.
    pub fn connect(args: &ServerArgs, access: Access) -> Result<Self, AdminError> {
        let failed = |error: &dyn std::error::Error| AdminError::Client(error.to_string());
        let endpoint = Endpoint::find(args, &config::process_environment)?;
        let (token, token_note) = endpoint.token(access, args.token_file.is_some())?;
        let Endpoint { address, discovered, .. } = endpoint;
        let mut client = reqwest::Client::builder().connect_timeout(READ_TIMEOUT);
        // A proxy would see the token.
        client = client.no_proxy().redirect(reqwest::redirect::Policy::none());
        let base = match address.parse() {
            Ok(ListenAddr::Unix(path)) => {
                client = client.unix_socket(path);
                "http://localhost".to_owned()
            }
            Ok(ListenAddr::Tcp(address)) => format!("http://{address}"),
            Err(_) => address.trim_end_matches('/').to_owned(),
        };
        let client = client.build().map_err(|error| failed(&error))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(&error))?;
        Ok(Self { runtime, client, base, address, discovered, token, token_note })
    }

    pub fn send(&self, method: Method, target: &str) -> Result<String, AdminError> {
        self.block_on(self.request(method, target))
    }

    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub fn parse<T: DeserializeOwned>(&self, answer: &str) -> Result<T, AdminError> {
        serde_json::from_str(answer)
            .map_err(|reason| AdminError::BadAnswer { address: self.address.clone(), reason })
    }

    /// Sends a request, and returns the body of a successful answer.
    pub async fn request(&self, method: Method, target: &str) -> Result<String, AdminError> {
        let timeout = if method == Method::GET { READ_TIMEOUT } else { WRITE_TIMEOUT };
        let request = self.client.request(method, format!("{}{target}", self.base));
        let mut request = request.timeout(timeout);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.secret());
        }
        if self.discovered {
            // Writes need a known name.
            request = request.header("host", "localhost");
        }
        let unreachable = |error: reqwest::Error| {
            // The innermost error is the system's.
            let mut reason: &dyn std::error::Error = &error;
            while let Some(source) = reason.source() {
                reason = source;
            }
            AdminError::Unreachable { address: self.address.clone(), reason: reason.to_string() }
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let is_success = response.status().is_success();
        let text = response.text().await.map_err(unreachable)?;
        if is_success {
            return Ok(text);
        }
        let problem: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("the server gave no reason").to_owned();
        let token = if status == 401 { self.token_note.clone() } else { String::new() };
        Err(AdminError::Refused { address: self.address.clone(), status, detail, token })
    }
}

impl Endpoint {
    fn find(args: &ServerArgs, variables: config::Environment<'_>) -> Result<Self, AdminError> {
        let Some(address) = args.admin.clone() else {
            let (state, listeners) = configured(args, variables)?;
            let state = state.ok_or(AdminError::NoStateDirectory("--admin"))?;
            let address = discover(&state, listeners.as_deref())?;
            let token_file = args.token_file.clone().or_else(|| Some(state.join(TOKEN_FILE)));
            return Ok(Self { address, token_file, discovered: true });
        };
        let is_local = is_local(&address).ok_or_else(|| AdminError::BadAddress(address.clone()))?;
        let token_file = match &args.token_file {
            // The configuration of this machine is not read: it may be another server's.
            Some(file) => Some(file.clone()),
            None if is_local => configured(args, variables)?.0.map(|state| state.join(TOKEN_FILE)),
            None => return Err(AdminError::TokenFileRequired(address)),
        };
        Ok(Self { address, token_file, discovered: false })
    }

    /// The token, and the note for a 401. Reads need none unless the user names its file.
    fn token(&self, access: Access, named: bool) -> Result<(Option<Token>, String), AdminError> {
        let without = |reason: String| {
            let note = format!(" (no token was sent: {reason}; name its file with --token-file)");
            Ok((None, note))
        };
        let Some(file) = &self.token_file else {
            return match access {
                Access::Read => without("there is no state directory".to_owned()),
                Access::Write => Err(AdminError::NoStateDirectory("--token-file")),
            };
        };
        match Token::read(file) {
            Ok(token) => {
                let file = file.display();
                let note =
                    format!(" (the token of {file} was sent; --token-file names another file)");
                Ok((Some(token), note))
            }
            Err(error) if access == Access::Read && !named => without(error.to_string()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether an address is a socket file or on loopback; `None` if it is no address.
fn is_local(address: &str) -> Option<bool> {
    if let Ok(address) = address.parse::<ListenAddr>() {
        return Some(address.is_local());
    }
    let url = Url::parse(address).ok().filter(|url| url.scheme() == "http")?;
    let host = url.host_str()?;
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    Some(host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback()))
}

/// The state directory that `serve` would use with the same flags; and the configured admin
/// listeners, if the directory is only the default one: several servers could share it.
fn configured(
    args: &ServerArgs,
    variables: config::Environment<'_>,
) -> Result<(Option<PathBuf>, Option<Vec<ListenAddr>>), ConfigError> {
    let (config, state) = (args.config.clone(), args.state.clone());
    let flags = ConfigArgs { config, state, ..ConfigArgs::default() };
    let Config { state, admin, .. } = config::load(&flags, variables)?.config;
    Ok(match state {
        StateDir::At(path) => (Some(path), None),
        StateDir::IfPossible(path) => {
            let is_default = admin.listen == Admin::default().listen;
            (Some(path), (!is_default).then_some(admin.listen))
        }
        StateDir::Nowhere => (None, None),
    })
}

/// Reads the address file of a state directory.
///
/// After a crash the file stays, and another program may listen at its address: the token is for
/// the process that holds the directory.
fn discover(state: &Path, listeners: Option<&[ListenAddr]>) -> Result<String, AdminError> {
    let failed =
        |path: &Path, error| AdminError::NotRunning(format!("{}: {error}", path.display()));
    let file = state.join(ADDRESS_FILE);
    let address = std::fs::read_to_string(&file).map_err(|error| failed(&file, error))?;
    let address = address.trim().to_owned();
    if !StateDirectory::is_held(state).map_err(|error| failed(state, error))? {
        return Err(AdminError::NotRunning(format!("no process uses {}", state.display())));
    }
    let matches = |listeners: &[ListenAddr]| {
        let address = address.parse().ok();
        address.is_some_and(|address| listeners.iter().any(|listener| same(listener, &address)))
    };
    if listeners.is_none_or(matches) {
        Ok(address)
    } else {
        Err(AdminError::OtherServer { address, state: state.to_owned() })
    }
}

/// Whether a configured listener may be bound to an address; port 0 is any port.
fn same(configured: &ListenAddr, bound: &ListenAddr) -> bool {
    match (configured.reachable(), bound) {
        (ListenAddr::Tcp(configured), ListenAddr::Tcp(bound)) if configured.port() == 0 => {
            configured.ip() == bound.ip()
        }
        (configured, bound) => configured == *bound,
    }
}

/// A target with query parameters.
pub fn with_query<'a>(
    path: &str,
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut target = path.to_owned();
    for (index, (name, value)) in parameters.into_iter().enumerate() {
        target.push(if index == 0 { '?' } else { '&' });
        target.push_str(name);
        target.push('=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' => {
                    target.push(char::from(byte));
                }
                other => target.push_str(&format!("%{other:02X}")),
            }
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn find(args: &ServerArgs, variables: &[(&str, &Path)]) -> Result<Endpoint, String> {
        let look = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, path)| path.as_os_str().to_owned())
        };
        Endpoint::find(args, &look).map_err(|error| error.to_string())
    }

    #[test]
    fn the_state_directory_is_found_as_serve_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut held = Vec::new();
        let mut state = |name: &str| {
            let path = folder.path().join(name);
            held.push(StateDirectory::open(&path).unwrap());
            fs::write(path.join(ADDRESS_FILE), format!("unix:/{name}\n")).unwrap();
            path
        };
        let (flag, variable, key) = (state("flag"), state("variable"), state("key"));
        let config = folder.path().join("aqs.yaml");
        fs::write(&config, format!("state: {}\n", key.display())).unwrap();
        let found = |place: &str, state: &Path| {
            let (address, token_file) = (place.to_owned(), Some(state.join(TOKEN_FILE)));
            Ok(Endpoint { discovered: address.starts_with("unix:"), address, token_file })
        };
        let mut args = ServerArgs::default();
        let by_config = [("AQS_CONFIG", config.as_path())];
        assert_eq!(find(&args, &by_config), found("unix:/key", &key));
        let by_both = [by_config[0], ("AQS_STATE", variable.as_path())];
        assert_eq!(find(&args, &by_both), found("unix:/variable", &variable));
        args.config = Some(config.clone());
        assert_eq!(find(&args, &[]), found("unix:/key", &key));
        args.state = Some(flag.clone());
        assert_eq!(find(&args, &by_both), found("unix:/flag", &flag));
        args.admin = Some("http://127.0.0.1:1".to_owned());
        assert_eq!(find(&args, &[]), found("http://127.0.0.1:1", &flag));
        // With both flags the configuration is not read.
        args.token_file = Some("token".into());
        args.config = Some("/no/such/file".into());
        let address = "http://127.0.0.1:1".to_owned();
        let expected = Endpoint { address, token_file: Some("token".into()), discovered: false };
        assert_eq!(find(&args, &[]), Ok(expected));
    }

    #[test]
    fn the_token_of_this_machine_stays_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let token = Token::read_or_create(&folder.path().join(TOKEN_FILE)).unwrap();
        let args = |admin: &str, token_file| ServerArgs {
            admin: Some(admin.to_owned()),
            state: Some(folder.path().to_owned()),
            token_file,
            ..ServerArgs::default()
        };
        for local in [
            "http://127.0.0.1:1",
            "http://127.9.9.9:1",
            "http://[::1]:1/",
            "http://localhost:1",
            "127.0.0.1:1",
            "[::1]:1",
            "unix:/run/aqs/admin",
        ] {
            let found = find(&args(local, None), &[]).unwrap();
            let (found, _) = found.token(Access::Write, false).unwrap();
            assert!(found.is_some_and(|found| found.secret() == token.secret()), "{local}");
        }
        let other = folder.path().join("other");
        for elsewhere in [
            "http://elsewhere",
            "http://10.0.0.1:8081",
            "http://0.0.0.0:8081",
            "http://localhost.example:8081",
            "http://localhost@elsewhere:8081",
            "http://127.0.0.1@elsewhere:8081",
            "http://127.0.0.1.example",
            "http://[::2]:1",
            "10.0.0.1:8081",
        ] {
            let refused = find(&args(elsewhere, None), &[]).unwrap_err();
            assert!(
                refused.starts_with(elsewhere) && refused.contains("--token-file"),
                "{refused}"
            );
            let found = find(&args(elsewhere, Some(other.clone())), &[]).unwrap();
            assert_eq!(found.token_file.as_deref(), Some(other.as_path()), "{elsewhere}");
        }
        for wrong in ["there", "https://there", "unix:", "http://", "ftp://127.0.0.1"] {
            let refused = find(&args(wrong, None), &[]).unwrap_err();
            assert!(refused.contains("is no admin listener"), "{refused}");
        }
    }

    #[test]
    fn a_server_at_an_address_that_is_not_configured_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let _held = StateDirectory::open(folder.path()).unwrap();
        fs::write(folder.path().join(ADDRESS_FILE), "127.0.0.1:8081\n").unwrap();
        for (configured, found) in [
            (&["127.0.0.1:8097"][..], false),
            (&["127.0.0.1:8097", "unix:/there"], false),
            (&["127.0.0.1:8097", "0.0.0.0:8081"], true),
            (&["127.0.0.1:0"], true),
            (&["127.0.0.2:0"], false),
            (&["127.0.0.2:8081"], false),
            (&["127.0.0.1:8081"], true),
        ] {
            let listeners: Vec<ListenAddr> =
                configured.iter().map(|place| place.parse().unwrap()).collect();
            let discovered = discover(folder.path(), Some(&listeners));
            assert_eq!(discovered.is_ok(), found, "{configured:?}");
        }
        let listeners = [ListenAddr::Tcp(([127, 0, 0, 1], 8097).into())];
        let error = discover(folder.path(), Some(&listeners)).unwrap_err().to_string();
        assert!(error.contains("listens at 127.0.0.1:8081") && error.ends_with(NAME_IT), "{error}");
        // The listeners don't matter if the state directory is named.
        assert!(discover(folder.path(), None).is_ok());
        let config = folder.path().join("aqs.yaml");
        fs::write(&config, "admin: {listen: ['127.0.0.1:8097']}\n").unwrap();
        let state = Some(folder.path().to_owned());
        let mut args = ServerArgs { config: Some(config), state, ..ServerArgs::default() };
        assert_eq!(configured(&args, &|_| None).unwrap().1, None);
        args.state = None;
        assert_eq!(configured(&args, &|_| None).unwrap().1, Some(listeners.to_vec()));
        args.config = None;
        assert_eq!(configured(&args, &|_| None).unwrap().1, None);
    }

    #[test]
    fn errors_say_what_to_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut args =
            ServerArgs { state: Some(folder.path().to_owned()), ..ServerArgs::default() };
        let connect = |args: &ServerArgs, access| {
            AdminClient::connect(args, access).map(drop).map_err(|error| error.to_string())
        };
        let error = |args: &ServerArgs| connect(args, Access::Write).unwrap_err();
        assert!(error(&args).starts_with("no aqs seems to run here ("), "{}", error(&args));
        fs::write(folder.path().join(ADDRESS_FILE), "127.0.0.1:1\n").unwrap();
        let gone = error(&args);
        assert!(gone.starts_with("no aqs seems to run here (no process uses "), "{gone}");
        assert!(gone.ends_with(NAME_IT) && connect(&args, Access::Read).is_err(), "{gone}");
        let _held = StateDirectory::open(folder.path()).unwrap();
        assert!(error(&args).contains("admin-token") && error(&args).contains("--token-file"));
        // A read may need no token; but a file that is named must exist.
        assert_eq!(connect(&args, Access::Read), Ok(()));
        args.token_file = Some(folder.path().join("none"));
        assert!(connect(&args, Access::Read).is_err());
    }

    #[test]
    fn the_note_names_the_token_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(TOKEN_FILE);
        let at = |token_file| Endpoint { address: String::new(), token_file, discovered: false };
        let note = |endpoint: Endpoint| endpoint.token(Access::Read, false).unwrap().1;
        let stateless = note(at(None));
        assert!(stateless.contains("no token was sent: there is no state dir"), "{stateless}");
        assert!(at(None).token(Access::Write, false).is_err());
        let path = file.display().to_string();
        let missing = note(at(Some(file.clone())));
        assert!(missing.contains(&format!("no token was sent: {path}: No such file")), "{missing}");
        Token::read_or_create(&file).unwrap();
        assert!(note(at(Some(file))).contains(&format!("the token of {path} was sent")));
    }

    #[test]
    fn values_are_percent_encoded() {
        let target = with_query("/a", [("b", "Ä&c=d /e"), ("f", "")]);
        assert_eq!(target, "/a?b=%C3%84%26c%3Dd%20/e&f=");
    }
}
