use super::*;
use crate::hot_set::{HotFreshness, HotSet};
use crate::tests::{answer, catalogue, content, generation, top};
use aqs_origin::epochs::{PurgeMode, Scope};
use aqs_origin::memory_budget::{Budget, Consumer};
use aqs_origin::{Entry, Epochs};
use std::convert::Infallible;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn paths(generation: &Generation) -> Vec<&str> {
    let mut paths: Vec<&str> = generation.iter().map(|(key, _)| key.path()).collect();
    paths.sort_unstable();
    paths
}

fn entry<'a>(generation: &'a Generation, path: &str) -> &'a Arc<Entry> {
    &generation.get(Key::new(aqs_api::Dialect::V2, path).as_ref()).unwrap().entry
}

fn hot_set(max_age: Duration) -> (HotSet, Arc<Budget>) {
    let budget = Arc::new(Budget::new(1 << 30));
    (HotSet::new(Arc::clone(&budget), max_age), budget)
}

fn publish(hot_set: &HotSet, generation: Generation) -> Arc<Generation> {
    hot_set.publish(|_, _| Ok::<_, Infallible>(generation)).unwrap()
}

#[test]
fn a_merge_replaces_one_plan_and_carries_over_others() {
    let epochs = Epochs::starting_at(1, &catalogue());
    let of = |project, body| answer(&top(project), Some(body), &epochs);
    let first = generation(None, "one", vec![of("a", "1"), of("both", "1")], &epochs);
    let second = generation(Some(&first), "two", vec![of("both", "2"), of("c", "2")], &epochs);
    assert_eq!(paths(&second), [top("a"), top("both"), top("c")]);
    assert!(Arc::ptr_eq(entry(&first, &top("a")), entry(&second, &top("a"))));
    assert!(!Arc::ptr_eq(entry(&first, &top("both")), entry(&second, &top("both"))));
    let third = generation(Some(&second), "one", vec![of("d", "3")], &epochs);
    // `both` is still wanted by the other plan, `a` by none.
    assert_eq!(paths(&third), [top("both"), top("c"), top("d")]);
    let facts = |name| third.plan(name).map(|facts| (facts.wanted, facts.keys));
    assert_eq!([third.plan_bits(|plan| plan == "one"), third.plan_bits(|_| true)], [1, 3]);
    assert_eq!(facts("one"), Some((1, 1)));
    assert_eq!(facts("two"), Some((2, 2)));
    assert_eq!((third.id, third.parent), (3, Some(2)));
}

#[test]
fn partial_builds_add_and_removed_plans_go() {
    let epochs = Epochs::starting_at(1, &catalogue());
    let of = |project| answer(&top(project), Some("x"), &epochs);
    let first = generation(None, "gone", vec![of("a")], &epochs);
    let second = generation(Some(&first), "plan", vec![of("b")], &epochs);
    let part = content("plan", vec![of("c")], Moment(2000), MergeMode::Add);
    let configured = |name: &str| name == "plan";
    let third = merge(Some(&second), part, &configured, &epochs, (3, Moment(2000))).unwrap();
    assert_eq!(paths(&third), [top("b"), top("c")]);
    let facts = third.plan("plan").unwrap();
    assert_eq!((facts.wanted, facts.keys, facts.built), (2, 2, Moment(1000)));
    assert!(third.iter().all(|(_, hot)| hot.plans == 1));
}

#[test]
fn partial_builds_keep_the_full_size_and_add_refusals() {
    let epochs = Epochs::starting_at(1, &catalogue());
    let of = |project| answer(&top(project), Some("x"), &epochs);
    let whole = Some(PlanSize { keys: 1, bytes: 100 });
    let mut built = content("plan", vec![of("a")], Moment(1000), MergeMode::Replace);
    (built.facts.full_build, built.facts.forced) = (whole, vec!["few".to_owned()]);
    let first = merge(None, built, &|_| true, &epochs, (1, Moment(1000))).unwrap();
    let mut part = content("plan", vec![of("b")], Moment(2000), MergeMode::Add);
    part.facts.forced = vec!["few".to_owned(), "differs".to_owned()];
    let second = merge(Some(&first), part, &|_| true, &epochs, (2, Moment(2000))).unwrap();
    let facts = second.plan("plan").unwrap();
    assert_eq!((facts.keys, facts.full_build), (2, whole));
    assert_eq!(facts.forced, ["few", "differs"]);
}

#[test]
fn the_later_read_of_two_builds_wins() {
    let epochs = Epochs::starting_at(1, &catalogue());
    let early = answer(&top("a"), Some("old"), &epochs);
    epochs.purge(Scope::Everything, PurgeMode::Soft).unwrap();
    let late = answer(&top("a"), Some("new"), &epochs);
    for (plan, mode) in
        [("one", MergeMode::Replace), ("other", MergeMode::Replace), ("one", MergeMode::Add)]
    {
        let first = content("one", vec![late.clone()], Moment(1000), MergeMode::Replace);
        let first = merge(None, first, &|_| true, &epochs, (1, Moment(1000))).unwrap();
        // It was confirmed later, but read before the purge.
        let second = content(plan, vec![early.clone()], Moment(2000), mode);
        let second = merge(Some(&first), second, &|_| true, &epochs, (2, Moment(2000))).unwrap();
        assert!(Arc::ptr_eq(entry(&second, &top("a")), &late.1), "{plan} {mode:?}");
        let (_, hot) = second.iter().next().unwrap();
        assert_eq!(hot.confirmed, Moment(2000));
        // The other way round it is new, and keeps the later moment, too.
        let first = content("one", vec![early.clone()], Moment(2000), MergeMode::Replace);
        let first = merge(None, first, &|_| true, &epochs, (1, Moment(2000))).unwrap();
        let second = content(plan, vec![late.clone()], Moment(1000), mode);
        let second = merge(Some(&first), second, &|_| true, &epochs, (2, Moment(2000))).unwrap();
        assert!(Arc::ptr_eq(entry(&second, &top("a")), &late.1), "{plan} {mode:?}");
        assert_eq!(second.iter().next().unwrap().1.confirmed, Moment(2000));
    }
}

#[test]
fn hard_purged_answers_are_not_carried_over() {
    let epochs = Epochs::starting_at(1, &catalogue());
    let of = |project| answer(&top(project), Some("x"), &epochs);
    let first = generation(None, "one", vec![of("a"), of("b")], &epochs);
    epochs.purge(Scope::Project("a"), PurgeMode::Hard).unwrap();
    let second = generation(Some(&first), "two", vec![of("c")], &epochs);
    assert_eq!(paths(&second), [top("b"), top("c")]);
    assert!(second.plan("one").unwrap().completeness() < 1.0);
}

#[test]
fn a_generation_has_sixty_four_plans_at_most() {
    let epochs = Epochs::starting_at(1, &catalogue());
    let mut last: Option<Generation> = None;
    for plan in 0..MAX_PLANS {
        let answers = vec![answer(&top("a"), Some("x"), &epochs)];
        last = Some(generation(last.as_ref(), &plan.to_string(), answers, &epochs));
    }
    let last = last.unwrap();
    assert_eq!(last.iter().map(|(_, hot)| hot.plans).collect::<Vec<_>>(), [u64::MAX]);
    let more = content("more", Vec::new(), Moment(1), MergeMode::Replace);
    let refused = merge(Some(&last), more, &|_| true, &epochs, (99, Moment(1)));
    assert_eq!(refused.map(|_| ()).unwrap_err(), TooManyPlans);
}

#[test]
fn the_checksum_depends_on_answers_alone() {
    let epochs = Epochs::starting_at(1, &catalogue());
    let of = |project, body| answer(&top(project), body, &epochs);
    let sum = |answers| generation(None, "plan", answers, &epochs).checksum;
    let one = sum(vec![of("a", Some("1")), of("b", None)]);
    epochs.purge(Scope::Everything, PurgeMode::Soft).unwrap();
    assert_eq!(one, sum(vec![of("b", None), of("a", Some("1"))]));
    for other in [
        vec![of("a", Some("2")), of("b", None)],
        vec![of("a", Some("1")), of("b", Some("1"))],
        vec![of("a", Some("1")), of("c", None)],
        vec![of("a", Some("1"))],
        vec![],
    ] {
        assert_ne!(one, sum(other));
    }
    // It is kept on disk, as text.
    let text = serde_json::to_string(&one).unwrap();
    assert_eq!(serde_json::from_str::<Checksum>(&text).unwrap(), one);
}

#[test]
fn purges_and_age_decide_what_is_served() {
    let (hot_set, _) = hot_set(HOUR);
    let epochs = Epochs::starting_at(1, &catalogue());
    let key = Key::new(aqs_api::Dialect::V2, &top("a"));
    let served = |after: Duration| {
        let hot = hot_set.get(key.as_ref(), Moment(1000).plus(after), &epochs);
        hot.map(|hot| (hot.generation, hot.freshness))
    };
    assert_eq!(served(Duration::ZERO), None);
    let build = || {
        let answers = vec![answer(&top("a"), Some("x"), &epochs)];
        publish(&hot_set, generation(None, "plan", answers, &epochs));
    };
    build();
    assert_eq!(served(HOUR - Duration::from_millis(1)), Some((1, HotFreshness::Fresh)));
    assert_eq!(served(HOUR), Some((1, HotFreshness::Stale)));
    epochs.purge(Scope::Dataset("pageviews-top-monthly"), PurgeMode::Soft).unwrap();
    assert_eq!(served(Duration::ZERO), Some((1, HotFreshness::Stale)));
    build();
    assert_eq!(served(Duration::ZERO), Some((2, HotFreshness::Fresh)));
    epochs.purge(Scope::Project("b"), PurgeMode::Hard).unwrap();
    assert_eq!(served(Duration::ZERO), Some((2, HotFreshness::Fresh)));
    epochs.purge(Scope::Project("a"), PurgeMode::Hard).unwrap();
    assert_eq!(served(Duration::ZERO), None);
    let other = Key::new(aqs_api::Dialect::V1, &top("a"));
    assert!(hot_set.get(other.as_ref(), Moment(1000), &epochs).is_none());
}

#[test]
fn answers_from_the_future_are_stale() {
    let (hot_set, _) = hot_set(HOUR);
    let epochs = Epochs::starting_at(1, &catalogue());
    let answers = vec![answer(&top("a"), Some("x"), &epochs)];
    let content = content("plan", answers, Moment(10_000_000), MergeMode::Replace);
    let generation = merge(None, content, &|_| true, &epochs, (1, Moment(10_000_000))).unwrap();
    publish(&hot_set, generation);
    let key = Key::new(aqs_api::Dialect::V2, &top("a"));
    let hot = hot_set.get(key.as_ref(), Moment(1000), &epochs).unwrap();
    assert_eq!(hot.freshness, HotFreshness::Stale);
}

#[test]
fn ids_only_rise() {
    let (hot_set, _) = hot_set(HOUR);
    let epochs = Epochs::starting_at(1, &catalogue());
    let build = |body| {
        let answers = vec![answer(&top("a"), Some(body), &epochs)];
        generation(None, "plan", answers, &epochs)
    };
    let kept = Generation { id: 7, ..build("old") };
    assert_eq!(hot_set.restore(kept).id, 7);
    assert_eq!(publish(&hot_set, build("bad")).id, 8);
    let old = hot_set.previous().unwrap();
    let back = hot_set
        .publish(|live, id| {
            Ok::<_, Infallible>(old.republished(id, live.map(|live| live.id), Moment(5)))
        })
        .unwrap();
    assert_eq!((back.id, back.parent), (9, Some(8)));
    assert_eq!(back.provenance, Provenance::RolledBack { from: 7 });
    assert_eq!(back.checksum, old.checksum);
    assert!(Arc::ptr_eq(entry(&back, &top("a")), entry(&old, &top("a"))));
    hot_set.skip_ids(20);
    assert_eq!(publish(&hot_set, build("new")).id, 21);
    hot_set.skip_ids(3);
    // A generation whose id was used since gets a new one.
    assert_eq!(hot_set.restore(Generation { id: 8, ..build("kept") }).id, 22);
}

#[test]
fn a_refused_generation_changes_nothing() {
    let (hot_set, budget) = hot_set(HOUR);
    let epochs = Epochs::starting_at(1, &catalogue());
    publish(&hot_set, generation(None, "p", vec![answer(&top("a"), None, &epochs)], &epochs));
    let before = (hot_set.live().unwrap(), budget.used(Consumer::HotSet));
    let refused = hot_set.publish(|_, _| Err("no"));
    assert_eq!(refused.map(|_| ()), Err("no"));
    assert!(Arc::ptr_eq(&hot_set.live().unwrap(), &before.0));
    assert_eq!(budget.used(Consumer::HotSet), before.1);
    assert_eq!(publish(&hot_set, generation(None, "p", Vec::new(), &epochs)).id, 2);
}

#[test]
fn shared_memory_counts_once() {
    let (hot_set, budget) = hot_set(HOUR);
    let epochs = Epochs::starting_at(1, &catalogue());
    const LONG: usize = 100_000;
    let long = |letter: &str| letter.repeat(LONG);
    let of = |project, body: String| answer(&top(project), Some(&body), &epochs);
    let used = || budget.used(Consumer::HotSet) as usize;
    let near = |bodies: usize, at: usize| {
        // Bodies count with the room of a gzip form that is not made yet; the rest is small.
        let least = bodies * LONG * 3 / 2;
        assert!((least..least + 10_000).contains(&at), "{at} for {bodies}");
    };
    let first = publish(
        &hot_set,
        generation(None, "p", vec![of("a", long("a")), of("b", long("b"))], &epochs),
    );
    near(2, used());
    // One answer is the same, one has an equal body, one is new.
    let (b_key, b) = of("b", long("b"));
    let b = Arc::new(Arc::into_inner(b).unwrap().sharing(entry(&first, &top("b"))));
    let a = (Key::new(aqs_api::Dialect::V2, &top("a")), Arc::clone(entry(&first, &top("a"))));
    let answers = vec![a, (b_key, b), of("c", long("c"))];
    let second = publish(&hot_set, generation(Some(&first), "p", answers, &epochs));
    near(3, used());
    near(3, second.bytes as usize);
    // The next one shares nothing with either: the first is released.
    drop((first, second));
    publish(&hot_set, generation(None, "p", vec![of("d", long("d"))], &epochs));
    near(4, used());
    publish(&hot_set, generation(None, "p", Vec::new(), &epochs));
    near(1, used());
    drop(hot_set);
    assert_eq!(used(), 0);
}

#[test]
fn readers_see_complete_generations_and_rising_ids() {
    let (hot_set, _) = hot_set(HOUR);
    let epochs = Epochs::starting_at(1, &catalogue());
    let build = |body: &str| {
        let answers = ["a", "b"].map(|project| answer(&top(project), Some(body), &epochs));
        generation(None, "plan", answers.into(), &epochs)
    };
    publish(&hot_set, build("0"));
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let keys = ["a", "b"].map(|of| Key::new(aqs_api::Dialect::V2, &top(of)));
                    let mut last = 0;
                    while last < 1000 {
                        for key in &keys {
                            let hot = hot_set.get(key.as_ref(), Moment(1000), &epochs).unwrap();
                            assert!(hot.generation >= last);
                            last = hot.generation;
                            let aqs_api::Representation::Body(body) = &hot.entry.representation
                            else {
                                panic!("no body")
                            };
                            assert_eq!(body.identity, (last - 1).to_string());
                        }
                    }
                })
            })
            .collect();
        for number in 1..1000 {
            publish(&hot_set, build(&number.to_string()));
        }
        for reader in readers {
            reader.join().unwrap();
        }
    });
}
