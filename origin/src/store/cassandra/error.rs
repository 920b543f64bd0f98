//! Connection failures with hints for operators, and kinds of request failures.

#![allow(clippy::wildcard_enum_match_arm, reason = "the driver's enums are open")]

use super::options::Options;
use super::tls::CaError;
use rustls::CertificateError;
use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, ExecutionError,
    MetadataError, NewSessionError, PrepareError, RequestAttemptError,
};
use std::io;
use std::time::Duration;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum ConnectError {
    #[error(transparent)]
    Ca(#[from] CaError),
    #[error("failed to read the CA file: {0}")]
    Task(tokio::task::JoinError),
    #[error("failed to open a session in {} s: nodes accept connections and don't answer", limit.as_secs())]
    Timeout { limit: Duration },
    #[error(
        "no node is in the data centre {local_dc:?} (cassandra.local_dc); there are: {}",
        known.join(", ")
    )]
    UnknownDataCenter { local_dc: String, known: Vec<String> },
    /// `hint` says what is likely to be wrong.
    #[error("{hint} ({source})")]
    Session { hint: String, source: Box<NewSessionError> },
}

impl ConnectError {
    pub(super) fn from_driver(error: NewSessionError, options: &Options) -> Self {
        Self::Session { hint: hint(&error, options), source: Box::new(error) }
    }
}

fn hint(error: &NewSessionError, options: &Options) -> String {
    let hosts = options.contact_points().join(", ");
    match error {
        NewSessionError::EmptyKnownNodesList => "cassandra.hosts is empty".to_owned(),
        NewSessionError::FailedToResolveAnyHostname(_) => {
            format!("failed to resolve all names in cassandra.hosts: {hosts}")
        }
        NewSessionError::MetadataError(MetadataError::ConnectionPoolError(
            ConnectionPoolError::Broken { last_connection_error },
        )) => match last_connection_error {
            ConnectionError::IoError(error) => io_hint(error, &hosts, options),
            ConnectionError::ConnectTimeout => {
                format!(
                    "{hosts}: no answer; is the address right, and does a firewall drop packets?"
                )
            }
            ConnectionError::BrokenConnection(_) => closed_hint(&hosts, options),
            ConnectionError::ConnectionSetupRequestError(error) => {
                setup_hint(error.get_error(), &hosts, options)
            }
            _ => format!("{hosts}: no connection"),
        },
        _ => format!("{hosts}: no session"),
    }
}

fn io_hint(error: &io::Error, hosts: &str, options: &Options) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match (&options.tls.ca, tls, error.kind()) {
        (
            Some(_),
            Some(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )),
            _,
        ) => format!(
            "{hosts}: the certificate names neither the node's address nor one of \
             cassandra.hosts; cassandra.tls.check_names: false accepts any name"
        ),
        (Some(ca), Some(_), _) => format!(
            "{hosts}: TLS failed; are its certificates signed by the authority in {} \
             (cassandra.tls.ca), and does this port speak TLS?",
            ca.display()
        ),
        (_, _, io::ErrorKind::ConnectionRefused) => format!(
            "{hosts}: connection refused; does Cassandra run there, and are cassandra.hosts and \
             cassandra.port right?"
        ),
        (Some(_), _, io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => format!(
            "{hosts}: the connection was closed during the TLS handshake; does this port speak TLS?"
        ),
        _ => format!("{hosts}: no connection"),
    }
}

fn closed_hint(hosts: &str, options: &Options) -> String {
    match options.tls.ca {
        None => format!(
            "{hosts}: the connection was closed before a session was opened; if this port speaks \
             TLS only, set cassandra.tls.ca"
        ),
        Some(_) => format!("{hosts}: the connection was closed before a session was opened"),
    }
}

fn setup_hint(error: &ConnectionSetupRequestErrorKind, hosts: &str, options: &Options) -> String {
    let keys = "cassandra.authentication, or CASSANDRA_USERNAME and CASSANDRA_PASSWORD";
    match (error, &options.credentials) {
        (ConnectionSetupRequestErrorKind::MissingAuthentication, _) => {
            format!("{hosts}: authentication is required; set a user and a password ({keys})")
        }
        (
            ConnectionSetupRequestErrorKind::DbError(DbError::AuthenticationError, _),
            Some(credentials),
        ) => format!(
            "{hosts}: the user {:?} or its password was refused ({keys})",
            credentials.username
        ),
        (ConnectionSetupRequestErrorKind::BrokenConnection(_), _) => closed_hint(hosts, options),
        _ => format!("{hosts}: the node refused a session"),
    }
}

/// What a failed request means for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// No node could answer.
    Unavailable,
    Timeout,
    /// A node or a replica failed; another may succeed.
    NodeFault,
    /// The table may have changed since its statements were prepared.
    SchemaChanged,
    Permanent,
}

impl FailureKind {
    pub(super) fn of_execution(error: &ExecutionError) -> Self {
        match error {
            ExecutionError::EmptyPlan | ExecutionError::ConnectionPoolError(_) => Self::Unavailable,
            ExecutionError::RequestTimeout(_) => Self::Timeout,
            ExecutionError::LastAttemptError(error) => Self::of_attempt(error),
            ExecutionError::PrepareError(error) => Self::of_prepare(error),
            _ => Self::Permanent,
        }
    }

    pub(super) fn of_prepare(error: &PrepareError) -> Self {
        match error {
            PrepareError::ConnectionPoolError(_) => Self::Unavailable,
            PrepareError::AllAttemptsFailed { first_attempt } => Self::of_attempt(first_attempt),
            _ => Self::Permanent,
        }
    }

    pub(super) fn of_attempt(error: &RequestAttemptError) -> Self {
        match error {
            RequestAttemptError::BrokenConnectionError(_)
            | RequestAttemptError::UnableToAllocStreamId => Self::Unavailable,
            RequestAttemptError::RepreparedIdChanged { .. } => Self::SchemaChanged,
            RequestAttemptError::DbError(error, _) => match error {
                DbError::Unavailable { .. }
                | DbError::Overloaded
                | DbError::IsBootstrapping
                | DbError::RateLimitReached { .. }
                | DbError::AuthenticationError => Self::Unavailable,
                DbError::ReadTimeout { .. } | DbError::WriteTimeout { .. } => Self::Timeout,
                DbError::ServerError
                | DbError::TruncateError
                | DbError::ReadFailure { .. }
                | DbError::WriteFailure { .. } => Self::NodeFault,
                DbError::Invalid
                | DbError::SyntaxError
                | DbError::ConfigError
                | DbError::Unprepared { .. }
                | DbError::Unauthorized => Self::SchemaChanged,
                _ => Self::Permanent,
            },
            _ => Self::Permanent,
        }
    }

    /// Whether the same request may succeed on another node, or a little later.
    pub(super) fn is_transient(self) -> bool {
        matches!(self, Self::Unavailable | Self::Timeout | Self::NodeFault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scylla::errors::WriteType;
    use scylla::statement::Consistency;

    const CONSISTENCY: Consistency = Consistency::Quorum;

    fn kind(error: DbError) -> FailureKind {
        let error = RequestAttemptError::DbError(error, String::new());
        FailureKind::of_execution(&ExecutionError::LastAttemptError(error))
    }

    #[test]
    fn failures_have_kinds() {
        let unavailable = DbError::Unavailable { consistency: CONSISTENCY, required: 2, alive: 1 };
        for error in [unavailable, DbError::Overloaded, DbError::IsBootstrapping] {
            assert_eq!(kind(error), FailureKind::Unavailable);
        }
        let (consistency, received, required) = (CONSISTENCY, 1, 2);
        let read_timeout =
            DbError::ReadTimeout { consistency, received, required, data_present: false };
        let write_type = WriteType::Simple;
        let write_timeout = DbError::WriteTimeout { consistency, received, required, write_type };
        for error in [read_timeout, write_timeout] {
            assert_eq!(kind(error), FailureKind::Timeout);
        }
        let (numfailures, data_present) = (1, false);
        let failure =
            DbError::ReadFailure { consistency, received, required, numfailures, data_present };
        for error in [failure, DbError::ServerError] {
            assert_eq!(kind(error), FailureKind::NodeFault);
        }
        assert_eq!(kind(DbError::Invalid), FailureKind::SchemaChanged);
        assert_eq!(kind(DbError::ProtocolError), FailureKind::Permanent);
        let execution = FailureKind::of_execution;
        assert_eq!(execution(&ExecutionError::EmptyPlan), FailureKind::Unavailable);
        let timeout = ExecutionError::RequestTimeout(Duration::from_secs(5));
        assert_eq!(execution(&timeout), FailureKind::Timeout);
        let pool =
            ConnectionPoolError::Broken { last_connection_error: ConnectionError::ConnectTimeout };
        let pool = ExecutionError::ConnectionPoolError(pool);
        assert_eq!(execution(&pool), FailureKind::Unavailable);
    }

    #[test]
    fn only_transient_failures_are_worth_a_retry() {
        for error in [DbError::Overloaded, DbError::IsBootstrapping, DbError::ServerError] {
            assert!(kind(error).is_transient());
        }
        for error in [DbError::Invalid, DbError::SyntaxError, DbError::Unauthorized] {
            assert!(!kind(error).is_transient());
        }
    }

    #[test]
    fn hints_name_the_likely_mistake() {
        let broken = |error| {
            NewSessionError::MetadataError(MetadataError::ConnectionPoolError(
                ConnectionPoolError::Broken { last_connection_error: error },
            ))
        };
        let mut options = Options::default();
        options.tls.ca = Some("ca.pem".into());
        let hint = |error| ConnectError::from_driver(error, &options).to_string();
        let refused = hint(broken(io::Error::from(io::ErrorKind::ConnectionRefused).into()));
        assert!(refused.contains("localhost:9042: connection refused"), "{refused}");
        assert!(refused.contains("cassandra.port"), "{refused}");
        let unknown = NewSessionError::FailedToResolveAnyHostname(vec!["nowhere".to_owned()]);
        let unknown = hint(unknown);
        assert!(unknown.contains("names in cassandra.hosts"), "{unknown}");
        let name = rustls::Error::InvalidCertificate(CertificateError::NotValidForName);
        let name = hint(broken(io::Error::new(io::ErrorKind::InvalidData, name).into()));
        assert!(name.contains("cassandra.tls.check_names"), "{name}");
    }
}
