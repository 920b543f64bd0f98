//! A server with a hot set over a synthetic store.

use aqs_api::Catalogue;
use aqs_bench::SyntheticStore;
use aqs_proxy::config::{Admin, Config, StateDir};
use aqs_proxy::server::{Components, Parts, Server};
use aqs_warmers::build::BuildOptions;
use aqs_warmers::jobs::{JobId, JobView, Start, State, Trigger};
use aqs_warmers::plan::built_in;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

pub(crate) struct TestServer {
    server: Server,
    pub(crate) runtime: Runtime,
}

/// The result of the first builds of all plans.
pub(crate) struct Built {
    pub(crate) keys: u64,
    pub(crate) reads: u64,
    pub(crate) bytes: u64,
    pub(crate) taken: Duration,
}

impl TestServer {
    /// Starts a server, which begins to build. It serves an artefact in the folder at once.
    pub(crate) fn start(folder: &Path, projects: usize) -> Result<Self, Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let mut config = Config {
            listen: Some(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))]),
            admin: Admin { listen: Vec::new(), ..Admin::default() },
            memory: Some(16 << 30),
            state: StateDir::At(folder.join("state")),
            ..Config::default()
        };
        let names: Vec<String> =
            (0..projects).map(|number| format!("p{number}.wikipedia")).collect();
        // All requests of a window use one connection.
        config.limits.requests = u64::MAX;
        let catalogue = Arc::new(Catalogue::standard()?);
        config.hot_set.plans = built_in::all(&catalogue, &names);
        config.hot_set.rate = u32::MAX;
        for plan in &mut config.hot_set.plans {
            plan.limits.rate = u32::MAX;
            plan.limits.keys = usize::MAX;
        }
        let sockets = Server::bind(&config)?;
        let store = Arc::new(SyntheticStore::loaded(&catalogue));
        let server = runtime.block_on(Server::start(
            sockets,
            &config,
            Parts::new(aqs_origin::stores::StoreName::Embedded, catalogue, store),
        ))?;
        if !server.components.readiness.missing().is_empty() {
            return Err("the server is not ready although its store is".into());
        }
        Ok(Self { server, runtime })
    }

    pub(crate) fn components(&self) -> &Components {
        &self.server.components
    }

    pub(crate) fn address(&self) -> Result<SocketAddr, Box<dyn Error>> {
        Ok(*self.server.addresses.first().ok_or("the server has no listener")?)
    }

    pub(crate) fn built(&self) -> Result<Built, Box<dyn Error>> {
        let jobs = &self.components().jobs;
        let count = jobs.builder().plans().len();
        let views = loop {
            let views = jobs.list();
            if views.len() == count && views.iter().all(|view| view.state != State::Running) {
                break views;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        if let Some(view) = views.iter().find(|view| view.state != State::Done) {
            return Err(format!("{}: {:?}", view.start.plan, view.error).into());
        }
        let first = views.iter().map(|view| view.started.0).min().unwrap_or_default();
        let last = views.iter().filter_map(|view| Some(view.ended?.0)).max().unwrap_or_default();
        let reads = views.iter().filter_map(|view| Some(view.facts.as_ref()?.reads)).sum();
        let live =
            self.components().service.lookup.hot_set.live().ok_or("nothing was published")?;
        let taken = Duration::from_millis(last - first);
        Ok(Built { keys: live.keys() as u64, reads, bytes: live.bytes, taken })
    }

    pub(crate) fn served(&self) -> u64 {
        self.components().service.lookup.hot_set.live().map_or(0, |live| live.keys() as u64)
    }

    /// The size of the live generation on disk.
    pub(crate) fn artefact_bytes(&self, folder: &Path) -> Result<u64, Box<dyn Error>> {
        let id = self.components().service.lookup.hot_set.live().ok_or("nothing was published")?.id;
        let file = folder.join(format!("state/hot-set/gen-{id:010}.aqs"));
        Ok(std::fs::metadata(file)?.len())
    }

    pub(crate) fn begin(&self, plan: &str) -> Result<JobId, Box<dyn Error>> {
        let _context = self.runtime.enter();
        let options = BuildOptions { full: true, ..BuildOptions::default() };
        let (plan, trigger) = (plan.to_owned(), Trigger::Operator);
        Ok(self.components().jobs.start(Start { plan, options, dry_run: false, trigger })?.id)
    }

    pub(crate) fn cancel(&self, id: JobId) -> Option<JobView> {
        self.components().jobs.cancel(id);
        self.runtime.block_on(self.components().jobs.wait(id))
    }

    /// Stops without a shutdown, like a crash.
    pub(crate) fn crash(self) {
        drop(self.server);
        self.runtime.shutdown_timeout(Duration::from_secs(60));
    }
}
