//! The admin API: an application on listeners of its own, above the parts that serve clients.
//!
//! | path | methods | access |
//! |---|---|---|
//! | `/healthz`, `/readyz` | GET | any client: probes send any `Host` |
//! | `/` | GET | operators: a known `Host`, no `Origin` |
//! | `/metrics`, `/admin/metrics` | GET | readers: operators, with the token unless reads are open |
//! | `/admin/log-level` | GET, POST | readers, writers |
//! | `/admin/purge` | POST | writers: operators with the token |
//! | `/admin/hot-set` | GET | readers |
//! | `/admin/hot-set/rollback`, `/admin/hot-set/verify` | POST | writers |
//! | `/admin/jobs` | GET, POST | readers, writers |
//! | `/admin/jobs/ID` | GET, DELETE | readers, writers |
//!
//! Handlers return a [`Fault`] as the error; the outermost layer renders it, since the document
//! names the request's method and path.

mod auth;
mod hot_set;
mod jobs;
mod listener;
mod log_level;
mod purge;
mod query;
mod token;

pub use auth::AdminAuth;
pub use jobs::StartedJob;
pub use listener::AdminServer;
pub(crate) use listener::MAX_CONNECTIONS;
pub use log_level::{ChangedLevelView, LevelView};
pub use purge::PurgedView;
pub use token::{Token, TokenError};

use crate::http::{GeneratedId, RequestTrace};
use crate::log::{self, fields};
use crate::readiness::Readiness;
use crate::serve::{MetricsPage, Service};
use aqs_api::target::Uri;
use aqs_api::{Catalogue, Dialect, Fault};
use aqs_origin::{Origin, RequestId};
use aqs_warmers::jobs::Jobs;
use auth::{Access, authorize};
use axum::extract::{Extension, Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use axum::{Router, body};
use prometheus::IntCounterVec;
use serde::Serialize;
use std::borrow::Cow;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// The parts that the admin API reads and changes.
pub struct AdminState {
    pub auth: AdminAuth,
    pub catalogue: Arc<Catalogue>,
    pub origin: Arc<Origin>,
    pub service: Arc<Service>,
    pub jobs: Arc<Jobs>,
    pub readiness: Readiness,
    /// `None` if the log belongs to the program around the server.
    pub log: Option<log::Handle>,
    /// Work that goes on when its client disconnects; the server awaits it at its end.
    pub tasks: TaskTracker,
    /// Requests that were refused, by reason.
    pub refused: IntCounterVec,
    pub metrics_page: Arc<MetricsPage>,
}

type AppState = State<Arc<AdminState>>;

/// What a handler returns.
type Reply = Result<Response, ApiError>;

/// A fault that [`finish`] renders.
#[derive(Debug)]
struct ApiError(Fault);

/// The methods and paths, one per line; GET where no method is named.
const INDEX: &str = "\
/healthz
/readyz
/metrics
/admin/metrics
/admin/log-level
POST /admin/log-level
POST /admin/purge
/admin/hot-set
POST /admin/hot-set/rollback
POST /admin/hot-set/verify
/admin/jobs
POST /admin/jobs
/admin/jobs/ID
DELETE /admin/jobs/ID
";

const JSON: &str = "application/json; charset=utf-8";
const NO_STORE: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers of every response. None lets web pages read it.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (HeaderName::from_static("cache-status"), HeaderValue::from_static("aqs; detail=generated")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
    (header::X_XSS_PROTECTION, HeaderValue::from_static("1; mode=block")),
    (header::REFERRER_POLICY, HeaderValue::from_static("origin-when-cross-origin")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
];

/// The application.
pub fn router(state: Arc<AdminState>) -> Router {
    let require = |access, route: MethodRouter<Arc<AdminState>>| {
        // Runs for the methods that the route has, so that others get 405 without a token.
        route.route_layer(from_fn_with_state((Arc::clone(&state), access), authorize))
    };
    let read = |route| require(Access::Read, route);
    let write = |route| require(Access::Write, route);
    let probes = Router::new().route("/healthz", get(health)).route("/readyz", get(readiness));
    let app = Router::new()
        .route("/", get(async || text("text/plain; charset=utf-8", INDEX)))
        .route("/metrics", read(get(metrics)))
        .route("/admin/metrics", read(get(metrics)))
        .route("/admin/log-level", read(get(log_level::show)).merge(write(post(log_level::set))))
        .route("/admin/purge", write(post(purge::purge)))
        .route("/admin/hot-set", read(get(hot_set::show)))
        .route("/admin/hot-set/rollback", write(post(hot_set::roll_back)))
        .route("/admin/hot-set/verify", write(post(hot_set::verify)))
        .route("/admin/jobs", read(get(jobs::list)).merge(write(post(jobs::start))))
        .route("/admin/jobs/{id}", read(get(jobs::show)).merge(write(delete(jobs::cancel))))
        .fallback(async || ApiError(Fault::InvalidRoute))
        .layer(from_fn_with_state((Arc::clone(&state), Access::Operator), authorize))
        .merge(probes)
        .with_state(state);
    // Wraps the whole router: the router adds `Allow` outside of its own layers.
    Router::new().fallback_service(app).layer(from_fn(finish))
}

/// Completes a response: the request's id, the fixed headers, the document of a fault, and the
/// methods of a path for OPTIONS and 405.
async fn finish(mut request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(&REQUEST_ID)
        .map(HeaderValue::as_bytes)
        .and_then(RequestTrace::accept_id);
    let id = given.map_or_else(|| GeneratedId::random().as_str().into(), RequestId::from);
    let method = request.method().clone();
    let target = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    request.extensions_mut().insert(id.clone());
    // hyper reads chunks less strictly than others, so that another request could hide there.
    let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut response = match is_chunked {
        true => {
            error(411, "a body needs a Content-Length; chunks are not read here").into_response()
        }
        false => next.run(request).await,
    };
    let allow = allowed_methods(&response);
    if let (StatusCode::METHOD_NOT_ALLOWED, Some(methods)) = (response.status(), &allow) {
        response = if method == Method::OPTIONS {
            StatusCode::NO_CONTENT.into_response()
        } else {
            let detail = format!("method not allowed, use {methods}");
            error(405, detail).into_response()
        };
    }
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        response = render(&fault, &method, &target);
    }
    let headers = response.headers_mut();
    headers.extend(HEADERS);
    if is_chunked {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let id = HeaderValue::from_str(&id.to_string());
    headers.extend(id.ok().map(|id| (REQUEST_ID, id)));
    headers.extend(allow.and_then(|allow| Some((header::ALLOW, allow.try_into().ok()?))));
    response
}

/// The methods of the path of a 405, OPTIONS included.
fn allowed_methods(response: &Response) -> Option<String> {
    let methods = response.headers().get(header::ALLOW)?.to_str().ok()?;
    Some(format!("{}, OPTIONS", methods.replace(',', ", ")))
}

fn render(fault: &Fault, method: &Method, target: &str) -> Response {
    let mut document = Vec::new();
    let method = method.as_str().to_ascii_lowercase();
    fault.render(Dialect::V2, &method, Uri::of(target), &mut document);
    let status = StatusCode::from_u16(fault.status()).unwrap_or_default();
    let mut response = (status, document).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    if status == StatusCode::UNAUTHORIZED || status.is_server_error() {
        headers.extend([NO_STORE]);
    }
    response
}

async fn health() -> Response {
    json(&serde_json::json!({"status": "ok"}))
}

async fn readiness(State(state): AppState) -> Reply {
    let (missing, health_issues) = (state.readiness.missing(), state.origin.health_issues());
    if missing.is_empty() {
        return Ok(match health_issues.is_empty() {
            true => json(&serde_json::json!({"status": "ready"})),
            false => json(&serde_json::json!({"status": "ready", "warnings": health_issues})),
        });
    }
    let mut detail = format!("not ready: {}", missing.join(", "));
    if !health_issues.is_empty() {
        detail.push_str(&format!(" ({})", health_issues.join("; ")));
    }
    Err(unavailable(detail))
}

async fn metrics(State(state): AppState) -> Reply {
    let page = state.metrics_page.render().map_err(|_| ApiError(MetricsPage::fault()))?;
    Ok(text(MetricsPage::CONTENT_TYPE, page))
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        Extension(self.0).into_response()
    }
}

fn text(content_type: &'static str, text: impl Into<body::Body>) -> Response {
    let content_type = (header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    ([content_type, NO_STORE], text.into()).into_response()
}

fn json(value: &impl Serialize) -> Response {
    // The structures of this API have no map keys that could fail.
    text(JSON, serde_json::to_string(value).unwrap_or_default() + "\n")
}

/// 202 with the path of what was started.
fn accepted(value: &impl Serialize, location: String) -> Response {
    (StatusCode::ACCEPTED, [(header::LOCATION, location)], json(value)).into_response()
}

fn error(status: u16, detail: impl Into<Cow<'static, str>>) -> ApiError {
    ApiError(Fault::other(status, detail))
}

fn bad_parameter(detail: impl Into<Cow<'static, str>>) -> ApiError {
    error(400, detail)
}

fn not_found(detail: impl Into<Cow<'static, str>>) -> ApiError {
    error(404, detail)
}

fn conflict(detail: impl Into<Cow<'static, str>>) -> ApiError {
    error(409, detail)
}

fn failed(detail: impl Into<Cow<'static, str>>) -> ApiError {
    error(500, detail)
}

fn unavailable(detail: impl Into<Cow<'static, str>>) -> ApiError {
    error(503, detail)
}

/// Awaits work in a separate task, which goes on if the client disconnects.
async fn join(work: JoinHandle<Reply>) -> Reply {
    work.await.unwrap_or_else(|error| {
        tracing::error!(target: fields::ADMIN, %error, "an admin request failed");
        Err(failed("the request failed; the log says why"))
    })
}
