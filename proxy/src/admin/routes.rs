//! The admin listener's paths: one table, which answers, the index and `Allow` are made from.

/// A path and what it is for.
#[derive(Debug)]
pub(super) struct Route {
    /// The path; `/ID` at its end stands for any one segment.
    pub(super) path: &'static str,
    /// What GET and HEAD give.
    pub(super) get: Option<Read>,
    /// What POST does.
    pub(super) post: Option<Write>,
    /// What DELETE does.
    pub(super) delete: Option<Write>,
}

/// What can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Index,
    Health,
    Readiness,
    Metrics,
    LogLevel,
    HotSet,
    Jobs,
    Job,
}

/// What can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    LogLevel,
    Purge,
    Rollback,
    Verify,
    StartJob,
    CancelJob,
}

const fn at(path: &'static str) -> Route {
    Route { path, get: None, post: None, delete: None }
}

impl Route {
    const fn get(self, read: Read) -> Self {
        Self { get: Some(read), ..self }
    }

    const fn post(self, write: Write) -> Self {
        Self { post: Some(write), ..self }
    }

    const fn delete(self, write: Write) -> Self {
        Self { delete: Some(write), ..self }
    }
}

static ROUTES: [Route; 12] = [
    at("/").get(Read::Index),
    at("/healthz").get(Read::Health),
    at("/readyz").get(Read::Readiness),
    at("/metrics").get(Read::Metrics),
    at("/admin/metrics").get(Read::Metrics),
    at("/admin/log-level").get(Read::LogLevel).post(Write::LogLevel),
    at("/admin/purge").post(Write::Purge),
    at("/admin/hot-set").get(Read::HotSet),
    at("/admin/hot-set/rollback").post(Write::Rollback),
    at("/admin/hot-set/verify").post(Write::Verify),
    at("/admin/jobs").get(Read::Jobs).post(Write::StartJob),
    at("/admin/jobs/ID").get(Read::Job).delete(Write::CancelJob),
];

impl Route {
    /// The route of a path, and what stands in it for `ID`.
    pub(super) fn of(path: &str) -> Option<(&'static Self, &str)> {
        ROUTES.iter().find_map(|route| Some((route, route.id(path)?)))
    }

    fn id<'a>(&self, path: &'a str) -> Option<&'a str> {
        match self.path.strip_suffix("ID") {
            Some(before) => {
                let id = path.strip_prefix(before)?;
                (!id.is_empty() && !id.contains('/')).then_some(id)
            }
            None => (self.path == path).then_some(""),
        }
    }

    /// Whether it is asked by probes, which name hosts as they like.
    pub(super) fn is_probe(&self) -> bool {
        matches!(self.get, Some(Read::Health | Read::Readiness))
    }

    /// The methods that it takes.
    pub(super) fn allow(&self) -> &'static str {
        match (self.get.is_some(), self.post.is_some(), self.delete.is_some()) {
            (true, false, false) => "GET, HEAD, OPTIONS",
            (true, true, false) => "GET, HEAD, POST, OPTIONS",
            (true, false, true) => "GET, HEAD, DELETE, OPTIONS",
            (true, true, true) => "GET, HEAD, POST, DELETE, OPTIONS",
            (false, true, false) => "POST, OPTIONS",
            (false, false, true) => "DELETE, OPTIONS",
            (false, true, true) => "POST, DELETE, OPTIONS",
            (false, false, false) => "OPTIONS",
        }
    }
}

/// What can be asked, a line each.
pub(super) fn index() -> String {
    let mut text = String::new();
    for route in &ROUTES[1..] {
        for (method, takes) in [
            ("", route.get.is_some()),
            ("POST ", route.post.is_some()),
            ("DELETE ", route.delete.is_some()),
        ] {
            if takes {
                text.push_str(&format!("{method}{}\n", route.path));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_names_every_way_in() {
        assert_eq!(
            index(),
            "/healthz\n/readyz\n/metrics\n/admin/metrics\n/admin/log-level\n\
             POST /admin/log-level\nPOST /admin/purge\n\
             /admin/hot-set\nPOST /admin/hot-set/rollback\nPOST /admin/hot-set/verify\n\
             /admin/jobs\nPOST /admin/jobs\n/admin/jobs/ID\nDELETE /admin/jobs/ID\n"
        );
    }

    #[test]
    fn an_id_is_one_segment() {
        let found = |path| Route::of(path).map(|(route, id)| (route.path, id));
        assert_eq!(found("/admin/jobs"), Some(("/admin/jobs", "")));
        assert_eq!(found("/admin/jobs/17"), Some(("/admin/jobs/ID", "17")));
        for path in ["/admin/jobs/", "/admin/jobs/1/2", "/admin/jobs/1/", "/admin/job/1"] {
            assert_eq!(found(path), None, "{path}");
        }
    }
}
