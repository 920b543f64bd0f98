use super::*;
use crate::generation::PlanSize;
use std::collections::BTreeMap;

fn facts(wanted: u64, keys: u64, errors: u64, through: &str) -> PlanFacts {
    let data_through = BTreeMap::from([("d".to_owned(), through.to_owned())]);
    PlanFacts { wanted, keys, errors, data_through, ..PlanFacts::default() }
}

fn with_bytes(facts: &PlanFacts, bytes: u64) -> PlanFacts {
    PlanFacts { full_build: Some(PlanSize { keys: facts.keys, bytes }), ..facts.clone() }
}

fn checks(now: &PlanFacts, bytes: u64, before: Option<(&PlanFacts, u64)>) -> Vec<String> {
    let before = before.map(|(facts, bytes)| with_bytes(facts, bytes));
    let refusals = check(&with_bytes(now, bytes), before.as_ref(), "", &Thresholds::default());
    refusals.into_iter().map(|refusal| refusal.check).collect()
}

#[test]
fn each_check_refuses_beyond_its_threshold() {
    let old = facts(1000, 1000, 0, "20260131");
    let before = Some((&old, 1000));
    for (now, bytes, expected) in [
        (facts(1000, 1000, 0, "20260131"), 1000, &[][..]),
        (facts(1000, 990, 10, "20260201"), 1000, &[]),
        (facts(1000, 989, 10, "20260201"), 1000, &["completeness"]),
        // An older answer replaces a failed read: an error, but not missing.
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
    // Without a predecessor, only the build itself counts.
    assert!(checks(&facts(10, 10, 0, "20260101"), 1, None).is_empty());
    assert_eq!(checks(&facts(0, 0, 0, "20260101"), 0, None), ["empty"]);
}

#[test]
fn a_changed_plan_may_want_less() {
    let old = facts(1000, 1000, 0, "20260131");
    let now = PlanFacts { definition: 1, ..facts(10, 10, 0, "20260131") };
    assert!(checks(&now, 10, Some((&old, 1000))).is_empty());
    let older = PlanFacts { definition: 1, ..facts(10, 10, 0, "20260130") };
    assert_eq!(checks(&older, 10, Some((&old, 1000))), ["data-through"]);
}

#[test]
fn a_lost_dataset_is_refused() {
    let (old, mut now) = (facts(10, 10, 0, "20260131"), facts(10, 10, 0, "20260131"));
    now.data_through.clear();
    // The plan no longer wants the dataset.
    assert!(checks(&now, 10, Some((&old, 10))).is_empty());
    now.unloaded.push("d".to_owned());
    assert_eq!(checks(&now, 10, Some((&old, 10))), ["data-through"]);
}

#[test]
fn every_check_is_named() {
    let old = with_bytes(&facts(9, 9, 0, "2"), 9);
    let unloaded = vec!["a".to_owned(), "d".to_owned()];
    let now = PlanFacts { unloaded, ..with_bytes(&facts(0, 0, 1, "1"), 0) };
    let thresholds = Thresholds { completeness: 1.0, ..Thresholds::default() };
    let mut refusals = check(&now, Some(&old), "gone", &thresholds);
    assert!(refusals[0].to_string().ends_with("loaded (a, d)"));
    refusals.extend(check(&facts(2, 1, 0, ""), None, "", &thresholds));
    let differences = vec!["/a differs".to_owned()];
    refusals.extend(Comparison { differences, ..Comparison::default() }.refusals());
    let named: std::collections::BTreeSet<&str> =
        refusals.iter().map(|refusal| &*refusal.check).collect();
    assert_eq!(named, NAMES.into());
}
