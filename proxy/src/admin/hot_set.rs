//! `/admin/hot-set`: what is published, rollback and verification.

use super::query::Query;
use super::{ApiError, AppState, Reply, bad_parameter, conflict, failed, join, json, not_found};
use crate::log::fields;
use aqs_origin::RequestId;
use aqs_warmers::artefact::ArtefactError;
use aqs_warmers::build::RollbackError;
use aqs_warmers::view::{GenerationView, HotSetView, RolledBackView};
use axum::extract::{Extension, State};
use serde::Deserialize;

/// The largest sample of a verification.
const MAX_SAMPLE: usize = 10_000;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RollbackParameters {
    to: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct VerifyParameters {
    sample: Option<usize>,
}

pub(super) async fn show(State(state): AppState) -> Reply {
    let jobs = state.jobs.clone();
    let work = state.tasks.spawn_blocking(move || match HotSetView::of(&jobs) {
        Ok(view) => Ok(json(&view)),
        Err(error) => {
            tracing::error!(target: fields::ADMIN, %error, "the hot set can't be shown");
            Err(failed(error.to_string()))
        }
    });
    join(work).await
}

/// Publishes the content of the generation `to`, or of the one before, as a new generation.
pub(super) async fn roll_back(
    State(state): AppState,
    Extension(id): Extension<RequestId>,
    Query(RollbackParameters { to }): Query<RollbackParameters>,
) -> Reply {
    let jobs = state.jobs.clone();
    let work = state.tasks.spawn(async move {
        let (generation, not_kept) =
            jobs.builder().rollback(to).await.map_err(|error| rollback_failed(&error))?;
        tracing::info!(
            target: fields::ADMIN,
            generation = generation.id,
            before = generation.parent,
            not_kept,
            { fields::REQUEST_ID } = %id,
            "the hot set was rolled back by an operator"
        );
        let number = generation.id;
        let view = tokio::task::spawn_blocking(move || GenerationView::of(&generation, &jobs));
        match view.await {
            Ok(generation) => Ok(json(&RolledBackView { generation, not_kept })),
            Err(_) => {
                Err(failed(format!("rolled back to generation {number}, which can't be shown")))
            }
        }
    });
    join(work).await
}

fn rollback_failed(error: &RollbackError) -> ApiError {
    let detail = error.to_string();
    match error {
        RollbackError::Nothing | RollbackError::Artefact(ArtefactError::Missing { .. }) => {
            not_found(detail)
        }
        RollbackError::Live(_) => conflict(detail),
        RollbackError::Artefact(
            ArtefactError::Busy(_)
            | ArtefactError::File { .. }
            | ArtefactError::Damaged { .. }
            | ArtefactError::TooLarge { .. }
            | ArtefactError::Foreign { .. }
            | ArtefactError::Lost,
        ) => {
            tracing::error!(target: fields::ADMIN, %error, "the hot set can't be rolled back");
            failed(detail)
        }
    }
}

/// Compares what is published with its checksum, its file and the store. Ends when the client
/// disconnects.
pub(super) async fn verify(
    State(state): AppState,
    Extension(id): Extension<RequestId>,
    Query(VerifyParameters { sample }): Query<VerifyParameters>,
) -> Reply {
    let builder = state.jobs.builder();
    let sample = sample.unwrap_or_else(|| builder.sample_size());
    if sample > MAX_SAMPLE {
        return Err(bad_parameter(format!("sample is at most {MAX_SAMPLE}, not {sample}")));
    }
    if builder.hot_set().live().is_none() {
        return Err(not_found("nothing is published yet"));
    }
    let verified = builder.verify(sample).await;
    let verified = verified
        .ok_or_else(|| failed("nothing could be verified: the server may be shutting down"))?;
    tracing::info!(
        target: fields::ADMIN,
        generation = verified.generation,
        compared = verified.compared,
        well = verified.passed,
        { fields::REQUEST_ID } = %id,
        "the hot set was verified by an operator"
    );
    Ok(json(&verified))
}
