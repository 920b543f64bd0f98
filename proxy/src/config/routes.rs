//! Which store each dataset is read from.

use super::Config;
use aqs_api::{Catalogue, Dataset};
use aqs_origin::limiter::ConcurrencyLimits;
use aqs_origin::stores::StoreName;
use aqs_origin::suggest;
use std::time::Duration;

impl Config {
    /// The stores that are read, each with its datasets.
    pub fn stores(&self, catalogue: &Catalogue) -> Vec<(StoreName, Vec<&'static Dataset>)> {
        let of = |name: StoreName| {
            let datasets = catalogue.datasets().iter().copied();
            let datasets = datasets.filter(|dataset| self.store_of(dataset, catalogue) == name);
            (name, datasets.collect())
        };
        let stores = StoreName::ALL.into_iter().map(of);
        stores.filter(|(_, datasets): &(_, Vec<_>)| !datasets.is_empty()).collect()
    }

    /// The limits of reads of a store.
    pub fn store_limits(&self, name: StoreName) -> ConcurrencyLimits {
        let shared = self.store.limits();
        match name {
            StoreName::Embedded => shared,
            StoreName::Cassandra => {
                self.cassandra.as_ref().map_or(shared, |own| ConcurrencyLimits {
                    reads: own.reads.unwrap_or(shared.reads),
                    queue: own.queue.unwrap_or(shared.queue),
                    wait: own.wait.unwrap_or(shared.wait),
                })
            }
        }
    }

    /// How long a read of a store may take; `None` leaves it to the store and the request.
    pub fn store_timeout(&self, name: StoreName) -> Option<Duration> {
        match name {
            StoreName::Embedded => self.store.within,
            // It heeds `cassandra.read_within`.
            StoreName::Cassandra => None,
        }
    }

    /// A route of the dataset itself comes before one of its service.
    fn store_of(&self, dataset: &Dataset, catalogue: &Catalogue) -> StoreName {
        let services = catalogue
            .endpoints()
            .filter(|(_, endpoint)| endpoint.datasets().contains(&dataset))
            .map(|(_, endpoint)| endpoint.service);
        let mut names = std::iter::once(dataset.name).chain(services);
        let route = names.find_map(|name| self.routes.get(name));
        route.copied().unwrap_or_else(|| self.default_store())
    }

    fn default_store(&self) -> StoreName {
        match self.cassandra {
            Some(_) => StoreName::Cassandra,
            None => StoreName::Embedded,
        }
    }
}

/// Reports routes that lead nowhere, and stores to which no route leads.
pub(super) fn check(config: &Config, catalogue: &Catalogue, wrong: &mut impl FnMut(&str, String)) {
    let services = catalogue.endpoints().map(|(_, endpoint)| endpoint.service);
    let datasets = catalogue.datasets().iter().map(|dataset| dataset.name);
    let known: Vec<&str> = services.chain(datasets).collect();
    let mut are_valid = true;
    for (name, store) in &config.routes {
        let key = format!("routes.{name}");
        if !known.contains(&name.as_str()) {
            are_valid = false;
            let hint = suggest(name, known.iter().copied());
            let hint = hint.map_or(String::new(), |near| format!("; perhaps {near}"));
            wrong(&key, format!("there is no service or dataset `{name}`{hint}"));
        }
        let missing = match (store, &config.cassandra, &config.store.path) {
            (StoreName::Cassandra, None, _) => "there is no section `cassandra`",
            // The sample would be mixed with the data of Cassandra.
            (StoreName::Embedded, Some(_), None) => "set store.path",
            (StoreName::Cassandra, Some(_), _) | (StoreName::Embedded, _, _) => continue,
        };
        are_valid = false;
        wrong(&key, format!("the store {store} is not configured: {missing}"));
    }
    let stores = config.stores(catalogue);
    unheld(&stores, wrong);
    let is_read = |name| stores.iter().any(|(read, _)| *read == name);
    if !are_valid {
        return;
    }
    if let Some(path) = &config.store.path
        && !is_read(StoreName::Embedded)
    {
        let message = format!(
            "nothing is read from the embedded store {}, since there is a section `cassandra`: \
             leave out one of them, or say in `routes` what is read from each",
            path.display()
        );
        wrong("store.path", message);
    }
    if config.cassandra.is_some() && !is_read(StoreName::Cassandra) {
        let message = "nothing is read from it, since `routes` names another store for every \
                       dataset: leave out one of them";
        wrong("cassandra", message.to_owned());
    }
}

/// Reports datasets that are routed to a store which can't hold them.
fn unheld(stores: &[(StoreName, Vec<&'static Dataset>)], wrong: &mut impl FnMut(&str, String)) {
    for (store, datasets) in stores {
        for dataset in datasets.iter().filter(|dataset| !store.holds(&dataset.content)) {
            let message = format!("the store {store} can't hold it; route it to another");
            wrong(&format!("routes.{}", dataset.name), message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::calendar::Granularity;

    #[test]
    fn events_are_routed_to_no_store_of_tables() {
        static EVENTS: Dataset = Dataset::events("edits", "history", Granularity::Daily);
        for store in StoreName::ALL {
            let mut found = Vec::new();
            let mut wrong = |key: &str, message: String| found.push(format!("{key}: {message}"));
            let catalogue = Catalogue::standard().unwrap();
            unheld(&[(store, catalogue.datasets().to_vec())], &mut wrong);
            unheld(&[(store, vec![&EVENTS])], &mut wrong);
            let refusal = "can't hold it; route it to another";
            assert_eq!(found, [format!("routes.edits: the store {store} {refusal}")]);
        }
    }
}
