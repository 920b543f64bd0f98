//! TLS to the nodes: trusted authorities and names.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{self, WebPkiSupportedAlgorithms};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error as ThisError;

/// The CA file can't be used.
#[derive(Debug, ThisError)]
pub enum CaError {
    #[error("failed to read the CA file {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the CA file {} holds no certificate: PEM is expected, with BEGIN CERTIFICATE", path.display())]
    Empty { path: PathBuf },
    #[error("the CA file {} is damaged: {message}", path.display())]
    Damaged { path: PathBuf, message: String },
    #[error("failed to set up TLS with the CA file {}: {source}", path.display())]
    Unusable { path: PathBuf, source: Error },
    #[error("the host {0:?} is no name that a certificate can have")]
    Name(String),
}

/// Returns a configuration that trusts nodes with certificates of the authority in a file. With
/// `names`, a certificate must name the node's address or one of them; without, any name is valid.
///
/// Reads the file, and so blocks.
pub(super) fn client_config(
    ca: &Path,
    names: Option<Vec<String>>,
) -> Result<Arc<ClientConfig>, CaError> {
    // Passed explicitly: another part of the program may have installed another one.
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let server_name =
        |name: String| ServerName::try_from(name.clone()).map_err(|_| CaError::Name(name));
    let names = names.map(|names| names.into_iter().map(server_name).collect()).transpose()?;
    let verifier = NodeVerifier {
        roots: authorities(ca)?,
        algorithms: provider.signature_verification_algorithms,
        names,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|source| CaError::Unusable { path: ca.to_owned(), source })?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn authorities(path: &Path) -> Result<RootCertStore, CaError> {
    let text = std::fs::read(path)
        .map_err(|source| CaError::Unreadable { path: path.to_owned(), source })?;
    let damaged = |message: String| CaError::Damaged { path: path.to_owned(), message };
    let (mut roots, mut refused) = (RootCertStore::empty(), None);
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = match certificate {
            Ok(certificate) => certificate,
            Err(pem::Error::NoItemsFound) => break,
            Err(error) => return Err(damaged(error.to_string())),
        };
        // One unusable certificate of a bundle does not spoil the others.
        if let Err(error) = roots.add(certificate) {
            tracing::warn!(path = %path.display(), %error, "ignoring a certificate of the CA file");
            refused = Some(error);
        }
    }
    if roots.is_empty() {
        let empty = CaError::Empty { path: path.to_owned() };
        return Err(refused.map_or(empty, |error| damaged(error.to_string())));
    }
    Ok(roots)
}

/// Checks the authority always, and the name unless that is switched off.
///
/// The driver passes a node's address as the name, and many clusters have certificates for host
/// names alone, so that the configured host names are valid too.
#[derive(Debug)]
struct NodeVerifier {
    roots: RootCertStore,
    algorithms: WebPkiSupportedAlgorithms,
    /// Names that are valid besides the node's address; `None` if any is.
    names: Option<Vec<ServerName<'static>>>,
}

impl ServerCertVerifier for NodeVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        address: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = ParsedCertificate::try_from(certificate)?;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.roots,
            intermediates,
            now,
            self.algorithms.all,
        )?;
        if let Some(names) = &self.names
            && !names.iter().any(|name| verify_server_name(&certificate, name).is_ok())
        {
            verify_server_name(&certificate, address)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by openssl; valid until 2126.
    const CA: &str = "-----BEGIN CERTIFICATE-----
MIIBgTCCASegAwIBAgIUBqHasqAviyHt9XkyEkvND87K1KUwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTMwMjEyMjU4WhgPMjEyNjExMDYyMTIyNTha
MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEi+uCLVon
jbH5YIpWXu4kOZbJBv+gN2q7iAMR8jr8DTmEc3zEJYKRvOty7BygKmBXuywcP5Bk
nnMfHOICrB1uOKNjMGEwHQYDVR0OBBYEFKmLO63VGDBhNTotWYil/JfLGuW5MB8G
A1UdIwQYMBaAFKmLO63VGDBhNTotWYil/JfLGuW5MA8GA1UdEwEB/wQFMAMBAf8w
DgYDVR0PAQH/BAQDAgIEMAoGCCqGSM49BAMCA0gAMEUCIQC9IIVUYVA2qDmLtzOU
fbe72YjV/QjMKAgUnrFwbDChPgIgDjTPS9Nc2DTzEW0IQh8508GPSfOiYjUZbLK7
DJUCtmA=
-----END CERTIFICATE-----
";
    /// Signed by the CA, for 10.0.0.1 and node.example.
    const NODE: &str = "-----BEGIN CERTIFICATE-----
MIIBljCCATygAwIBAgIUaxPRWk44NgShUKxpRn60dCyO6EcwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTMwMjEyMjU4WhgPMjEyNjExMDYyMTIyNTha
MA8xDTALBgNVBAMMBG5vZGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ8SYGy
6YEfQIQBwewm+4X/s0UqTUgcibucfthtR/LqEj5JVSmEXGugo6MV8kWmr/SbOeyP
IN06VmNX6ojizkCzo3YwdDAdBgNVHREEFjAUhwQKAAABggxub2RlLmV4YW1wbGUw
EwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0OBBYEFMaM/ceehpOWuPz6pheA2dqV
1zKCMB8GA1UdIwQYMBaAFKmLO63VGDBhNTotWYil/JfLGuW5MAoGCCqGSM49BAMC
A0gAMEUCIQDp47uvxU2YD+cKDg0tFmUsZ48fI/Y7cxFzEaC6Z6CNLgIgec4/WCko
vEI3szop2SrMWdFm+srM8GJfV8W3OrlDGhg=
-----END CERTIFICATE-----
";

    fn verify(names: Option<&[&str]>, address: &'static str) -> Result<(), Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, CA).unwrap();
        let names = names.map(|names| names.iter().map(|name| name.parse().unwrap()).collect());
        let algorithms = crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        let verifier = NodeVerifier {
            roots: authorities(&path).unwrap(),
            algorithms,
            names: names.map(|names: Vec<String>| {
                names.into_iter().map(|name| name.try_into().unwrap()).collect()
            }),
        };
        let certificate = CertificateDer::from_pem_slice(NODE.as_bytes()).unwrap();
        let address = address.try_into().unwrap();
        verifier.verify_server_cert(&certificate, &[], &address, &[], UnixTime::now()).map(|_| ())
    }

    #[test]
    fn a_certificate_for_another_name_is_refused_unless_names_are_not_checked() {
        assert_eq!(verify(Some(&["localhost"]), "10.0.0.1"), Ok(()));
        assert_eq!(verify(Some(&["node.example"]), "10.0.0.2"), Ok(()));
        let other = verify(Some(&["other.example"]), "10.0.0.2");
        assert!(matches!(other, Err(Error::InvalidCertificate(_))), "{other:?}");
        assert_eq!(verify(None, "10.0.0.2"), Ok(()));
    }

    #[test]
    fn an_unusable_host_name_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, CA).unwrap();
        let config = |name: &str| client_config(&path, Some(vec![name.to_owned()]));
        assert!(config("node.example").is_ok());
        let error = config("-node.example").unwrap_err().to_string();
        assert!(error.contains("-node.example"), "{error}");
    }

    #[test]
    fn unusable_ca_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let refused = |text: Option<&str>| {
            if let Some(text) = text {
                std::fs::write(&path, text).unwrap();
            }
            let error = client_config(&path, None).unwrap_err();
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
            error
        };
        assert!(matches!(refused(None), CaError::Unreadable { .. }));
        assert!(matches!(refused(Some("")), CaError::Empty { .. }));
        assert!(matches!(refused(Some("not a certificate")), CaError::Empty { .. }));
        let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(refused(Some(nonsense)), CaError::Damaged { .. }));
    }
}
