//! A look-up in the hot set allocates nothing, whether it finds an entry or not.

use allocation_counter::measure;
use aqs_api::lifetimes::Times;
use aqs_api::{Catalogue, Key, Representation, Target};
use aqs_origin::epochs::PurgeTags;
use aqs_origin::memory_budget::Budget;
use aqs_origin::{Entry, Epochs, Moment};
use aqs_warmers::generation::{Generation, HotEntry, Provenance};
use aqs_warmers::hot_set::HotSet;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn a_look_up_in_the_hot_set_allocates_nothing() {
    let catalogue = Catalogue::standard().unwrap();
    let target = "/metrics/pageviews/top/en.wikipedia/all-access/2026/01/01";
    let query = catalogue.resolve(Target::parse(target).unwrap()).unwrap();
    let epochs = Epochs::starting_at(1, &catalogue);
    let tags = PurgeTags::of(&query, query.dataset(), &catalogue);
    let (now, data) = (Moment(1000), Times::default().data);
    let body = Representation::body("{}");
    let entry = Entry::new(body, query.endpoint_id(), now, epochs.current(), tags, data);
    let hot = HotEntry { entry: Arc::new(entry), plans: 1, confirmed: now };
    let answers = [(query.key().clone(), hot)];
    let generation = Generation::restored(1, None, Provenance::Built, now, Vec::new(), answers);
    let hot_set = HotSet::new(Arc::new(Budget::new(1 << 20)), Duration::from_secs(3600));
    hot_set.restore(generation);
    let other = Key::new(query.key().dialect(), "/pageviews/top/x");
    // The first look-up of a thread registers it as a reader.
    assert!(hot_set.get(query.key().as_ref(), now, &epochs).is_some());
    let counted = measure(|| {
        for _ in 0..1000 {
            assert!(hot_set.get(query.key().as_ref(), now, &epochs).is_some());
            assert!(hot_set.get(other.as_ref(), now, &epochs).is_none());
        }
    });
    assert_eq!(counted.count_total, 0);
}
