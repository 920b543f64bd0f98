//! TLS to the nodes: which certificates are believed.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error as ThisError;

/// The certificates of an authority can't be had.
#[derive(Debug, ThisError)]
pub enum CaError {
    /// The file can't be read.
    #[error("the CA file {} can't be read: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no certificate in it.
    #[error("the CA file {} holds no certificate: PEM is expected, with BEGIN CERTIFICATE", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// What it holds is no certificate.
    #[error("the CA file {} is damaged: {message}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// TLS can't be spoken with it.
    #[error("TLS can't be set up with the CA file {}: {message}", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why.
        message: String,
    },
}

/// What believes a node whose certificate comes from the authority of a file.
pub(super) fn client_config(ca: &Path, check_names: bool) -> Result<Arc<ClientConfig>, CaError> {
    let unusable = |error: &dyn std::fmt::Display| CaError::Unusable {
        path: ca.to_owned(),
        message: error.to_string(),
    };
    // Handed in: another part of the program may want another one as the process's default.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let roots = Arc::new(authorities(ca)?);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .build()
        .map_err(|error| unusable(&error))?;
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { verifier, check_names, provider }))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// [`client_config`], off the threads that serve: the file may lie on a slow disk.
pub(super) async fn read_config(
    ca: &Path,
    check_names: bool,
) -> Result<Arc<ClientConfig>, CaError> {
    let path = ca.to_owned();
    let reading = tokio::task::spawn_blocking(move || client_config(&path, check_names));
    reading.await.unwrap_or_else(|error| {
        Err(CaError::Unusable { path: ca.to_owned(), message: error.to_string() })
    })
}

fn authorities(path: &Path) -> Result<RootCertStore, CaError> {
    let text = std::fs::read(path)
        .map_err(|source| CaError::Unreadable { path: path.to_owned(), source })?;
    let damaged = |message: String| CaError::Damaged { path: path.to_owned(), message };
    let (mut roots, mut odd) = (RootCertStore::empty(), None);
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = match certificate {
            Ok(certificate) => certificate,
            Err(pem::Error::NoItemsFound) => break,
            Err(error) => return Err(damaged(error.to_string())),
        };
        // A bundle may have one that is odd, and others that are the right ones.
        if let Err(error) = roots.add(certificate) {
            tracing::warn!(path = %path.display(), %error, "a certificate of the CA file is left out");
            odd = Some(error);
        }
    }
    if roots.is_empty() {
        let empty = CaError::Empty { path: path.to_owned() };
        return Err(odd.map_or(empty, |error| damaged(error.to_string())));
    }
    Ok(roots)
}

/// Checks the authority always, and names only if that is asked for.
///
/// The driver knows nodes by their addresses, which the certificates of many clusters don't name;
/// the services that this program replaces check no names either.
#[derive(Debug)]
struct Verifier {
    verifier: Arc<WebPkiServerVerifier>,
    check_names: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The name is what is checked last: whoever fails at it has passed all the rest.
        match self.verifier.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.check_names => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_that_is_none_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let refused = |text: Option<&str>| {
            if let Some(text) = text {
                std::fs::write(&path, text).unwrap();
            }
            let error = client_config(&path, false).unwrap_err();
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
