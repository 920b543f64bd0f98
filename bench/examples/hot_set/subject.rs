//! A server with a hot set, over a store that makes its rows up.

use aqs_api::Catalogue;
use aqs_bench::LoadedStore;
use aqs_proxy::config::{Admin, Config, StateDir};
use aqs_proxy::serve::Service;
use aqs_proxy::server::{Parts, Server};
use aqs_warmers::build::BuildOptions;
use aqs_warmers::jobs::{JobId, JobView, Start, State, Trigger};
use aqs_warmers::plan::built_in;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A service that runs, with all that it runs on.
pub(crate) struct Subject {
    server: Server,
    pub(crate) runtime: Runtime,
}

/// What the first builds of all plans brought.
pub(crate) struct Built {
    pub(crate) keys: u64,
    pub(crate) reads: u64,
    pub(crate) bytes: u64,
    pub(crate) taken: Duration,
}

impl Subject {
    /// Starts a server, which begins to build; what was kept in the folder is served by then.
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
        // A window's requests go over one connection.
        config.limits.requests = u64::MAX;
        config.hot_set.plans = built_in::all(&names);
        // As fast as it goes.
        config.hot_set.rate = u32::MAX;
        for plan in &mut config.hot_set.plans {
            plan.limits.rate = u32::MAX;
            plan.limits.keys = usize::MAX;
        }
        let sockets = Server::bind(&config)?;
        let catalogue = Arc::new(Catalogue::standard()?);
        let store = Arc::new(LoadedStore::of(&catalogue));
        let server =
            runtime.block_on(Server::start(sockets, &config, Parts::new(catalogue, store)))?;
        if !server.service.ready.missing().is_empty() {
            return Err("it is not ready though its store is".into());
        }
        Ok(Self { server, runtime })
    }

    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.server.service
    }

    pub(crate) fn address(&self) -> Result<SocketAddr, Box<dyn Error>> {
        Ok(*self.server.addresses.first().ok_or("it listens nowhere")?)
    }

    /// Waits for the builds that the start has begun.
    pub(crate) fn built(&self) -> Result<Built, Box<dyn Error>> {
        let jobs = &self.service().jobs;
        let count = jobs.builder().plans().len();
        let views = loop {
            let views = jobs.list();
            if views.len() == count && views.iter().all(|view| view.state != State::Running) {
                break views;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        if let Some(view) = views.iter().find(|view| view.state != State::Done) {
            return Err(format!("{}: {:?}", view.plan, view.error).into());
        }
        let first = views.iter().map(|view| view.started.0).min().unwrap_or_default();
        let last = views.iter().filter_map(|view| Some(view.ended?.0)).max().unwrap_or_default();
        let reads = views.iter().filter_map(|view| Some(view.facts.as_ref()?.reads)).sum();
        let live = self.service().hot_set.live().ok_or("nothing was published")?;
        let taken = Duration::from_millis(last - first);
        Ok(Built { keys: live.keys() as u64, reads, bytes: live.bytes, taken })
    }

    /// How many answers are served ahead.
    pub(crate) fn served(&self) -> u64 {
        self.service().hot_set.live().map_or(0, |live| live.keys() as u64)
    }

    /// How many bytes the published generation takes on the disk.
    pub(crate) fn kept_bytes(&self, folder: &Path) -> Result<u64, Box<dyn Error>> {
        let id = self.service().hot_set.live().ok_or("nothing was published")?.id;
        let file = folder.join(format!("state/hot-set/gen-{id:010}.aqs"));
        Ok(std::fs::metadata(file)?.len())
    }

    /// Begins to read everything of a plan anew.
    pub(crate) fn begin(&self, plan: &str) -> Result<JobId, Box<dyn Error>> {
        let _context = self.runtime.enter();
        let options = BuildOptions { full: true, ..BuildOptions::default() };
        let (plan, trigger) = (plan.to_owned(), Trigger::Operator);
        Ok(self.service().jobs.start(Start { plan, options, dry_run: false, trigger })?.id)
    }

    /// Cancels a build, and waits for its end.
    pub(crate) fn cancel(&self, id: JobId) -> Option<JobView> {
        self.service().jobs.cancel(id);
        self.runtime.block_on(self.service().jobs.wait(id))
    }

    /// Ends it as a crash would.
    pub(crate) fn crash(self) {
        drop(self.server);
        self.runtime.shutdown_timeout(Duration::from_secs(60));
    }
}
