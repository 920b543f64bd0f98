//! The client of the admin API: finds the server and its token, sends requests, explains failures.

use crate::admin::{Token, TokenError};
use crate::config::{self, Admin, Config, ConfigArgs, ConfigError, StateDir};
use crate::listen::ListenAddr;
use crate::server::{ADDRESS_FILE, TOKEN_FILE};
use aqs_origin::epochs::StateDirectory;
use clap::Args;
use reqwest::{Method, Url, redirect};
use serde::de::DeserializeOwned;
use std::error::Error;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::Runtime;

/// For a connection, and for the answer to a read.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// For the answer to a write: a verification reads from the store.
const WRITE_TIMEOUT: Duration = Duration::from_secs(600);
const HINT: &str = "name it with --admin, or with the --config or --state that it was started with";

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

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("found no running server: {0}; {HINT}")]
    NotRunning(String),
    #[error(
        "the server with the state directory {state} listens on {address}, which is not in \
         admin.listen of the configuration; {HINT}"
    )]
    OtherServer { address: String, state: PathBuf },
    #[error(
        "`{0}` is not the address of an admin listener, such as http://127.0.0.1:8081 or \
         unix:/run/aqs/admin"
    )]
    BadAddress(String),
    #[error(
        "{0} is not on this machine, and the token of this machine is not sent there; name the \
         file with its token with --token-file"
    )]
    TokenFileRequired(String),
    #[error("failed to read the admin token: {0}")]
    Token(#[from] TokenError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("failed to parse the answer of {address}: {reason}; is it another version of aqs?")]
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

/// A server's admin listener, and the token for it.
pub struct AdminClient {
    runtime: Runtime,
    client: reqwest::Client,
    endpoint: Endpoint,
    token: Option<Token>,
    /// Which token is sent, or why none.
    token_note: String,
}

/// Where a server is, and where its token is.
#[derive(Debug, PartialEq, Eq)]
struct Endpoint {
    /// As the user gave it, or as the server wrote it.
    address: String,
    url: Url,
    /// `None` if there is no state directory that could have it.
    token_file: Option<PathBuf>,
    /// Whether the server was found on this machine, on whatever address it listens.
    discovered: bool,
}

impl AdminClient {
    /// Finds the server that the flags name, else the one of this machine.
    pub fn connect(args: &ServerArgs) -> Result<Self, Box<dyn Error>> {
        let endpoint = Endpoint::find(args, &config::process_environment)?;
        let (token, token_note) = endpoint.token(args.token_file.is_some())?;
        let mut client = reqwest::Client::builder().connect_timeout(READ_TIMEOUT);
        // A proxy would see the token.
        client = client.no_proxy().redirect(redirect::Policy::none());
        if let Ok(ListenAddr::Unix(path)) = endpoint.address.parse() {
            client = client.unix_socket(path);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, client: client.build()?, endpoint, token, token_note })
    }

    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub fn parse<T: DeserializeOwned>(&self, answer: &str) -> Result<T, AdminError> {
        let address = || self.endpoint.address.clone();
        serde_json::from_str(answer)
            .map_err(|reason| AdminError::BadAnswer { address: address(), reason })
    }

    pub fn send(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String, AdminError> {
        self.block_on(self.request(method, path, parameters))
    }

    /// Sends a request, and returns the body of a successful answer.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String, AdminError> {
        let address = || self.endpoint.address.clone();
        let timeout = if method == Method::GET { READ_TIMEOUT } else { WRITE_TIMEOUT };
        let url = self.endpoint.target(path, parameters);
        let mut request = self.client.request(method, url).timeout(timeout);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.secret());
        }
        if self.endpoint.discovered {
            // Writes need a known name.
            request = request.header("host", "localhost");
        }
        let unreachable = |error: reqwest::Error| {
            // The innermost error is the system's.
            let mut reason: &dyn Error = &error;
            while let Some(source) = reason.source() {
                reason = source;
            }
            AdminError::Unreachable { address: address(), reason: reason.to_string() }
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let text = response.text().await.map_err(unreachable)?;
        if status.is_success() {
            return Ok(text);
        }
        let problem: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("the server gave no reason").to_owned();
        let token = if status == 401 { self.token_note.as_str() } else { "" }.to_owned();
        Err(AdminError::Refused { address: address(), status: status.as_u16(), detail, token })
    }
}

impl Endpoint {
    fn find(args: &ServerArgs, variables: config::Environment<'_>) -> Result<Self, AdminError> {
        let (address, config) = match &args.admin {
            Some(address) => (address.clone(), None),
            None => {
                let config = configured(args, variables)?;
                (discover(&config)?, Some(config))
            }
        };
        let url = base_url(&address).ok_or_else(|| AdminError::BadAddress(address.clone()))?;
        let discovered = config.is_some();
        let config = match (&args.token_file, config) {
            (Some(_), _) => None,
            (None, Some(config)) => Some(config),
            (None, None) if is_local(&url) => Some(configured(args, variables)?),
            (None, None) => return Err(AdminError::TokenFileRequired(address)),
        };
        let own = config.as_ref().and_then(|config| config.state.path());
        let token_file = args.token_file.clone().or_else(|| Some(own?.join(TOKEN_FILE)));
        Ok(Self { address, url, token_file, discovered })
    }

    /// The token, and the note for a 401. A token that is not `required` may be missing: the server
    /// decides whether it needs one.
    fn token(&self, required: bool) -> Result<(Option<Token>, String), AdminError> {
        let read = self.token_file.as_deref().map(|file| (file.display(), Token::read(file)));
        let (token, note) = match read {
            Some((file, Ok(token))) => (Some(token), format!("the token of {file} was sent")),
            Some((_, Err(error))) if required => return Err(error.into()),
            Some((_, Err(error))) => (None, format!("no token was sent: {error}")),
            None => (None, "no token was sent: there is no state directory".to_owned()),
        };
        Ok((token, format!(" ({note}; --token-file names another file)")))
    }

    fn target(&self, path: &str, parameters: &[(&str, &str)]) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        url.query_pairs_mut().extend_pairs(parameters);
        // The server takes `+` for itself, as in paths.
        let query = url.query().unwrap_or_default().replace('+', "%20");
        url.set_query((!query.is_empty()).then_some(&query));
        url
    }
}

fn base_url(address: &str) -> Option<Url> {
    let url = match address.parse() {
        Ok(ListenAddr::Unix(_)) => Url::parse("http://localhost"),
        Ok(ListenAddr::Tcp(address)) => Url::parse(&format!("http://{address}")),
        Err(_) => Url::parse(address),
    };
    url.ok().filter(|url| url.scheme() == "http")
}

/// Whether a URL leads to this machine for sure.
fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// The configuration that `serve` would have with the same flags.
fn configured(
    args: &ServerArgs,
    variables: config::Environment<'_>,
) -> Result<Config, ConfigError> {
    let (config, state) = (args.config.clone(), args.state.clone());
    let flags = ConfigArgs { config, state, ..ConfigArgs::default() };
    Ok(config::load(&flags, variables)?.config)
}

/// Reads the address file of the state directory.
///
/// After a crash the file stays, and another program may listen at its address: the token is for
/// the process that holds the directory.
fn discover(config: &Config) -> Result<String, AdminError> {
    let not_running = |reason: &str| AdminError::NotRunning(reason.to_owned());
    let state = config.state.path().ok_or_else(|| not_running("there is no state directory"))?;
    let failed = |error| not_running(&format!("{}: {error}", state.display()));
    let address = std::fs::read_to_string(state.join(ADDRESS_FILE)).map_err(failed)?;
    let address = address.trim().to_owned();
    if !StateDirectory::is_held(state).map_err(failed)? {
        return Err(not_running(&format!("no process uses {}", state.display())));
    }
    // Several servers may have the default directory in their configuration, and one holds it.
    let Admin { listen, .. } = &config.admin;
    let is_shared = matches!(config.state, StateDir::IfPossible(_));
    if is_shared && *listen != Admin::default().listen {
        let bound = address.parse();
        // Port 0 is any port.
        let matches = |configured: &ListenAddr| match (configured.reachable(), &bound) {
            (ListenAddr::Tcp(any), Ok(ListenAddr::Tcp(bound))) if any.port() == 0 => {
                any.ip() == bound.ip()
            }
            (configured, bound) => bound.as_ref().is_ok_and(|bound| configured == *bound),
        };
        if !listen.iter().any(matches) {
            return Err(AdminError::OtherServer { address, state: state.to_owned() });
        }
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn find(args: &ServerArgs, variables: &[(&str, &Path)]) -> Result<Endpoint, String> {
        let look = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, path)| path.as_os_str().to_owned())
        };
        Endpoint::find(args, &look).map_err(|error| error.to_string())
    }

    #[test]
    fn the_state_directory_is_the_one_of_serve() {
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
        let found = |address: &str, state: &Path| {
            let url = base_url(address).unwrap();
            let (address, token_file) = (address.to_owned(), Some(state.join(TOKEN_FILE)));
            Ok(Endpoint { discovered: address.starts_with("unix:"), address, url, token_file })
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
        let found = find(&args, &[]).unwrap();
        assert_eq!((found.token_file, found.discovered), (Some("token".into()), false));
    }

    #[test]
    fn the_local_token_is_not_sent_to_other_hosts() {
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
            let (found, _) = found.token(false).unwrap();
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
            assert!(refused.contains("is not the address of an admin listener"), "{refused}");
        }
    }

    #[test]
    fn a_server_on_an_address_that_is_not_configured_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let _held = StateDirectory::open(folder.path()).unwrap();
        fs::write(folder.path().join(ADDRESS_FILE), "127.0.0.1:8081\n").unwrap();
        let with = |state: StateDir, listen: &[&str]| {
            let listen = listen.iter().map(|address| address.parse().unwrap()).collect();
            Config { state, admin: Admin { listen, ..Admin::default() }, ..Config::default() }
        };
        let default = || StateDir::IfPossible(folder.path().to_owned());
        for (configured, found) in [
            (&["127.0.0.1:8097"][..], false),
            (&["127.0.0.1:8097", "unix:/there"], false),
            (&["127.0.0.1:8097", "0.0.0.0:8081"], true),
            (&["127.0.0.1:0"], true),
            (&["127.0.0.2:8081"], false),
            (&["127.0.0.2:0"], false),
            (&["127.0.0.1:8081"], true),
        ] {
            let discovered = discover(&with(default(), configured));
            assert_eq!(discovered.is_ok(), found, "{configured:?}");
        }
        let error = discover(&with(default(), &["127.0.0.1:8097"])).unwrap_err().to_string();
        assert!(error.contains("listens on 127.0.0.1:8081") && error.ends_with(HINT), "{error}");
        // The listeners don't matter if the state directory is named.
        let named = StateDir::At(folder.path().to_owned());
        assert!(discover(&with(named, &["127.0.0.1:8097"])).is_ok());
    }

    #[test]
    fn errors_have_a_hint() {
        let folder = tempfile::tempdir().unwrap();
        let mut args =
            ServerArgs { state: Some(folder.path().to_owned()), ..ServerArgs::default() };
        let connect = |args: &ServerArgs| {
            AdminClient::connect(args).map(drop).map_err(|error| error.to_string())
        };
        let error = connect(&args).unwrap_err();
        assert!(error.starts_with("found no running server: ") && error.ends_with(HINT), "{error}");
        fs::write(folder.path().join(ADDRESS_FILE), "127.0.0.1:1\n").unwrap();
        let error = connect(&args).unwrap_err();
        assert!(error.starts_with("found no running server: no process uses "), "{error}");
        let _held = StateDirectory::open(folder.path()).unwrap();
        // The server may need no token; but a file that is named must exist.
        assert_eq!(connect(&args), Ok(()));
        args.token_file = Some(folder.path().join("none"));
        assert!(connect(&args).unwrap_err().starts_with("failed to read the admin token: "));
    }

    #[test]
    fn the_note_names_the_token_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(TOKEN_FILE);
        let note = |token_file| {
            let (address, url) = (String::new(), base_url("127.0.0.1:1").unwrap());
            let endpoint = Endpoint { address, url, token_file, discovered: false };
            endpoint.token(false).unwrap().1
        };
        let stateless = note(None);
        assert!(stateless.contains("no token was sent: there is no state dir"), "{stateless}");
        let path = file.display().to_string();
        let missing = note(Some(file.clone()));
        assert!(missing.contains(&format!("no token was sent: {path}: No such file")), "{missing}");
        Token::read_or_create(&file).unwrap();
        assert!(note(Some(file)).contains(&format!("the token of {path} was sent")));
    }

    #[test]
    fn parameters_are_percent_encoded() {
        let args = ServerArgs {
            admin: Some("http://localhost:1/prefix/".to_owned()),
            token_file: Some("token".into()),
            ..ServerArgs::default()
        };
        let endpoint = find(&args, &[]).unwrap();
        let target = endpoint.target("/a", &[("b", "Ä&c=d +e"), ("f", "")]);
        assert_eq!(target.as_str(), "http://localhost:1/prefix/a?b=%C3%84%26c%3Dd%20%2Be&f=");
        assert_eq!(endpoint.target("/a", &[]).as_str(), "http://localhost:1/prefix/a");
    }
}
