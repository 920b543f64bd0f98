use super::*;
use std::collections::BTreeMap;

fn facts(wanted: u64, keys: u64, errors: u64, through: &str) -> PlanFacts {
    let data_through = BTreeMap::from([("d".to_owned(), through.to_owned())]);
    PlanFacts { wanted, keys, errors, data_through, ..PlanFacts::default() }
}

fn checks(now: &PlanFacts, bytes: u64, before: Option<(&PlanFacts, u64)>) -> Vec<&'static str> {
    let before =
        before.map(|(facts, bytes)| Before { facts, whole: Whole { keys: facts.keys, bytes } });
    let candidate = Candidate { facts: now, bytes, unloaded: Vec::new(), last_error: None, before };
    check(&candidate, &Thresholds::default()).iter().map(Refusal::check).collect()
}

#[test]
fn each_check_has_its_edge() {
    let old = facts(1000, 1000, 0, "20260131");
    let before = Some((&old, 1000));
    for (now, bytes, expected) in [
        (facts(1000, 1000, 0, "20260131"), 1000, &[][..]),
        (facts(1000, 990, 10, "20260201"), 1000, &[]),
        (facts(1000, 989, 10, "20260201"), 1000, &["completeness"]),
        // What failed and is kept from before is an error, but is not missing.
        (facts(1000, 1000, 11, "20260201"), 1000, &["errors"]),
        (facts(900, 900, 0, "20260201"), 1000, &[]),
        (facts(899, 899, 0, "20260201"), 1000, &["keys"]),
        (facts(1000, 1000, 0, "20260201"), 700, &[]),
        (facts(1000, 1000, 0, "20260201"), 699, &["bytes"]),
        (facts(1000, 1000, 0, "20260130"), 1000, &["data-through"]),
        (facts(0, 0, 0, "20260131"), 0, &["empty", "keys", "bytes"]),
    ] {
        assert_eq!(checks(&now, bytes, before), expected, "{now:?} {bytes}");
    }
    // Nothing to compare with: only what is wrong in itself.
    assert!(checks(&facts(10, 10, 0, "20260101"), 1, None).is_empty());
    assert_eq!(checks(&facts(0, 0, 0, "20260101"), 0, None), ["empty"]);
}

#[test]
fn a_plan_that_is_written_otherwise_may_want_less() {
    let old = facts(1000, 1000, 0, "20260131");
    let now = PlanFacts { definition: 1, ..facts(10, 10, 0, "20260131") };
    assert!(checks(&now, 10, Some((&old, 1000))).is_empty());
    let older = PlanFacts { definition: 1, ..facts(10, 10, 0, "20260130") };
    assert_eq!(checks(&older, 10, Some((&old, 1000))), ["data-through"]);
}

#[test]
fn a_dataset_that_is_gone_is_told() {
    let (old, mut now) = (facts(10, 10, 0, "20260131"), facts(10, 10, 0, "20260131"));
    now.data_through.clear();
    let candidate = |unloaded| Candidate {
        facts: &now,
        bytes: 10,
        unloaded,
        last_error: None,
        before: Some(Before { facts: &old, whole: Whole { keys: 10, bytes: 10 } }),
    };
    let refusals = check(&candidate(vec!["d".to_owned()]), &Thresholds::default());
    assert_eq!(refusals.iter().map(Refusal::check).collect::<Vec<_>>(), ["data-through"]);
    // The plan does not ask of it any more.
    assert!(check(&candidate(Vec::new()), &Thresholds::default()).is_empty());
}

#[test]
fn every_check_has_its_name() {
    let refusals = [
        Refusal::Empty(vec!["d".to_owned()]),
        Refusal::Incomplete { held: 1, wanted: 2, least: 2 },
        Refusal::Errors { errors: 1, wanted: 2, most: 0, last: "gone".to_owned() },
        Refusal::FewerKeys { now: 1, before: 2, least: 2 },
        Refusal::FewerBytes { now: 1, before: 2, least: 2 },
        Refusal::OlderData { dataset: "d".to_owned(), now: "1".to_owned(), before: "2".to_owned() },
        Refusal::Differs { path: "/a".to_owned() },
    ];
    assert_eq!(refusals.each_ref().map(Refusal::check), NAMES);
    assert!(refusals[0].to_string().ends_with("about (d)"));
}
