//! Who is not let in, and why: told to them, counted, and told to the log.

use super::routes::Route;
use crate::log::fields;
use crate::serve::{Reply, RequestHead, Service};
use aqs_api::Problem;
use aqs_api::problem::Code;

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A web page sends it.
    Page,
    /// It goes by a name that this is not called.
    Host,
    /// There is no token that it could show.
    Tokenless,
    /// It shows no token.
    NoToken,
    /// It shows another token.
    WrongToken,
}

impl Refusal {
    /// Its name in metrics and logs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Page => "origin",
            Self::Host => "host",
            Self::Tokenless => "tokenless",
            Self::NoToken => "no-token",
            Self::WrongToken => "wrong-token",
        }
    }

    pub(super) fn problem(self) -> Problem {
        let (status, detail) = match self {
            Self::Page => (403, "web pages may neither read nor write here"),
            Self::Host => {
                (403, "this is not a Host that is taken here; see admin.hosts of the configuration")
            }
            Self::Tokenless => (403, "there is no token, since there is no state directory"),
            Self::NoToken => (401, "this needs the header `Authorization: Bearer TOKEN`"),
            Self::WrongToken => (401, "the token is wrong"),
        };
        let code = if status == 401 { Code::Unauthorized } else { Code::Forbidden };
        Problem::new(status, code, detail)
    }
}

impl Service {
    /// Refuses a request, and tells of it, unless too much is told already.
    pub(super) fn turn_down(
        &self,
        refusal: Refusal,
        route: Option<&Route>,
        head: &RequestHead<'_>,
    ) -> Reply {
        self.metrics.admin_refused.with_label_values(&[refusal.name()]).inc();
        if let Some(untold) = self.auth.told.take() {
            // Only paths that are known: whatever else was asked for could hold secrets.
            let path = route.map(|route| route.path);
            let method = format!("{:?}", head.method).to_ascii_uppercase();
            let id = head.call.request_id;
            tracing::warn!(
                target: fields::ADMIN,
                reason = refusal.name(),
                path,
                untold,
                { fields::METHOD } = method,
                { fields::REQUEST_ID } = id,
                "an operator's request was refused"
            );
        }
        Reply::problem(refusal.problem())
    }
}
