//! Asking for a page: of one node, and of others when that takes long.

use super::policy::{WAY, Way, another_may_succeed};
use super::read::ReadError;
use super::session::Profiles;
use futures_util::future::{Either, select};
use scylla::client::session::Session;
use scylla::response::query_result::QueryResult;
use scylla::response::{PagingState, PagingStateResponse};
use scylla::serialize::row::SerializeRow;
use scylla::statement::prepared::PreparedStatement;
use std::pin::pin;
use std::time::Instant;
use tokio::time::timeout_at;

/// Who asks for the pages of a read, in the scope of its [`WAY`].
pub(super) struct Asker<'a> {
    pub(super) session: &'a Session,
    pub(super) profiles: &'a Profiles,
    pub(super) statement: &'a PreparedStatement,
    /// When it gives up.
    pub(super) until: Instant,
}

type Page = (QueryResult, PagingStateResponse);

impl Asker<'_> {
    /// Asks for the page that begins at a state.
    ///
    /// The driver can ask several nodes by itself, but prepares for it at each read: with a task of
    /// two thousand bytes that is moved five times, and a timer of its own. So it is told to only
    /// once a node is slow.
    pub(super) async fn page(
        &self,
        values: impl SerializeRow + Copy,
        state: PagingState,
    ) -> Result<Page, ReadError> {
        let Self { session, profiles, statement, until } = self;
        let _ = WAY.try_with(Way::begin_page);
        let mut one = pin!(session.execute_single_page(statement, values, state.clone()));
        // When its time is over before others would be asked, they are not.
        let more =
            profiles.more.as_ref().map(|(after, profile)| (Instant::now() + *after, profile));
        let Some((at, profile)) = more.filter(|(at, _)| at < until) else {
            return Ok(self.in_time(one).await??);
        };
        if let Ok(page) = timeout_at(at.into(), one.as_mut()).await {
            return Ok(page?);
        }
        // None is asked twice: it may be slow since it is asked too much.
        if WAY.try_with(Way::asked).is_ok_and(|asked| asked >= self.nodes()) {
            return Ok(self.in_time(one).await??);
        }
        let mut statement = PreparedStatement::clone(statement);
        statement.set_execution_profile_handle(Some(profile.clone()));
        let others = Box::pin(session.execute_single_page(&statement, values, state));
        let either = async {
            match select(one, others).await {
                Either::Left((Err(error), others)) if another_may_succeed(&error) => others.await,
                Either::Right((Err(error), one)) if another_may_succeed(&error) => one.await,
                Either::Left((page, _)) | Either::Right((page, _)) => page,
            }
        };
        Ok(self.in_time(either).await??)
    }

    async fn in_time<T>(&self, asking: impl Future<Output = T>) -> Result<T, ReadError> {
        timeout_at(self.until.into(), asking).await.map_err(|_| ReadError::Late)
    }

    /// How many nodes there are to ask.
    fn nodes(&self) -> usize {
        let cluster = self.session.get_cluster_state();
        cluster.replica_locator().unique_nodes_in_global_ring().len()
    }
}
