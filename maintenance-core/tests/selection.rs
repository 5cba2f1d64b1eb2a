//! Selection: each rule of the ranking alone, and what holds of any input.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta};
use maintenance_core::{
    Candidate, Exclusion, Need, Priority, SelectionPolicy, Specialty, TradeMatch, Verdict, WorkerId,
    WorkerStatus, select,
};
use proptest::prelude::*;
use uuid::Uuid;

fn worker(n: u128) -> WorkerId {
    WorkerId::from_uuid(Uuid::from_u128(n))
}

fn candidate(n: u128) -> Candidate {
    Candidate {
        worker_id: worker(n),
        status: WorkerStatus::Active,
        specialties: BTreeSet::from([Specialty::PLUMBING]),
        is_primary: false,
        open_requests: 0,
        last_assigned_at: None,
    }
}

fn need(specialty: Option<Specialty>) -> Need {
    Need { specialty, priority: Priority::Medium, excluded: BTreeMap::new() }
}

fn order(need: &Need, candidates: &[Candidate]) -> Vec<u128> {
    let selection = select(need, candidates, SelectionPolicy::default());
    selection.ranking.iter().map(|ranked| ranked.worker_id.uuid().as_u128()).collect()
}

/// In each pair the second has every later advantage, and still loses.
#[test]
fn each_rule_counts_before_the_next() {
    let at = |seconds| Some(DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds));
    let (full, some) = (10, 3);
    let general = BTreeSet::from([Specialty::GENERAL]);
    let pairs = [
        (
            Candidate { open_requests: full, ..candidate(9) },
            Candidate { specialties: general, is_primary: true, ..candidate(1) },
        ),
        (
            Candidate { open_requests: 9, last_assigned_at: at(9), ..candidate(9) },
            Candidate { open_requests: full, is_primary: true, ..candidate(1) },
        ),
        (
            Candidate { is_primary: true, open_requests: some, last_assigned_at: at(9), ..candidate(9) },
            candidate(1),
        ),
        (
            Candidate { open_requests: 1, last_assigned_at: at(9), ..candidate(9) },
            Candidate { open_requests: some, ..candidate(1) },
        ),
        (candidate(9), Candidate { last_assigned_at: at(1), ..candidate(1) }),
        (
            Candidate { last_assigned_at: at(1), ..candidate(9) },
            Candidate { last_assigned_at: at(2), ..candidate(1) },
        ),
        (candidate(1), candidate(9)),
    ];
    for (first, second) in pairs {
        let expected = [first.worker_id, second.worker_id].map(|id| id.uuid().as_u128());
        assert_eq!(order(&need(Some(Specialty::PLUMBING)), &[second, first]), expected);
    }
}

#[test]
fn a_request_without_a_trade_suits_everyone() {
    let painter = Candidate { specialties: BTreeSet::from([Specialty::PAINTING]), ..candidate(1) };
    let nothing = Candidate { specialties: BTreeSet::new(), is_primary: true, ..candidate(2) };
    assert_eq!(order(&need(None), &[painter, nothing]), [2, 1]);
}

#[test]
fn generalists_stand_in_only_where_the_policy_allows_it() {
    let general = Candidate { specialties: BTreeSet::from([Specialty::GENERAL]), ..candidate(1) };
    let policy = SelectionPolicy { generalists_stand_in: false, ..SelectionPolicy::default() };
    let selection = select(&need(Some(Specialty::ROOFING)), &[general], policy);
    assert_eq!((selection.chosen, selection.ranking.len()), (None, 1));
    assert_eq!(selection.ranking[0].verdict, Verdict::LacksTrade(Specialty::ROOFING));
}

#[test]
fn a_verdict_says_why_in_words() {
    let standing = Candidate {
        is_primary: true,
        open_requests: 12,
        last_assigned_at: Some(DateTime::UNIX_EPOCH),
        ..candidate(1)
    };
    let selection = select(&need(None), &[standing], SelectionPolicy::default());
    assert_eq!(
        selection.ranking[0].verdict.to_string(),
        "suits, 12 open (at capacity), primary, last given work 1970-01-01 00:00:00 UTC"
    );
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let trades = [Specialty::PLUMBING, Specialty::GENERAL, Specialty::ROOFING];
    let status = proptest::sample::select(WorkerStatus::ALL);
    (
        0..40_u128,
        status,
        proptest::sample::subsequence(trades.to_vec(), 0..=3),
        any::<bool>(),
        0..14_u32,
        any::<Option<u8>>(),
    )
        .prop_map(|(n, status, trades, is_primary, open_requests, last)| Candidate {
            status,
            specialties: trades.into_iter().collect(),
            is_primary,
            open_requests,
            last_assigned_at: last.map(|s| DateTime::UNIX_EPOCH + TimeDelta::seconds(i64::from(s))),
            ..candidate(n)
        })
}

fn any_need() -> impl Strategy<Value = Need> {
    let trades = vec![None, Some(Specialty::PLUMBING), Some(Specialty::ROOFING)];
    let excluded = proptest::collection::btree_map(0..40_u128, Just(Exclusion::Declined), 0..5);
    let priority = proptest::sample::select(Priority::ALL);
    (proptest::sample::select(trades), priority, excluded).prop_map(|(specialty, priority, excluded)| Need {
        specialty,
        priority,
        excluded: excluded.into_iter().map(|(n, why)| (worker(n), why)).collect(),
    })
}

proptest! {
    #[test]
    fn the_same_candidates_in_any_order_get_the_same_answer(
        need in any_need(),
        candidates in proptest::collection::btree_map(0..40_u128, any_candidate(), 0..20),
        seed in any::<u64>(),
    ) {
        let mut candidates: Vec<_> = candidates.into_iter().map(|(n, c)| Candidate { worker_id: worker(n), ..c }).collect();
        let policy = SelectionPolicy::default();
        let answer = select(&need, &candidates, policy);
        candidates.sort_by_key(|c| c.worker_id.uuid().as_u128().wrapping_mul(u128::from(seed | 1)) % 1_000_003);
        prop_assert_eq!(&select(&need, &candidates, policy), &answer);

        // Every candidate is explained once; the eligible come first, and the first of them is chosen.
        prop_assert_eq!(answer.ranking.len(), candidates.len());
        let eligible = |verdict: &Verdict| matches!(verdict, Verdict::Eligible(_));
        prop_assert!(answer.ranking.is_sorted_by_key(|ranked| !eligible(&ranked.verdict)));
        let first = answer.ranking.first().filter(|first| eligible(&first.verdict));
        prop_assert_eq!(answer.chosen, first.map(|first| first.worker_id));

        // Nobody who is out is chosen, whatever else speaks for them; and nobody is out without a reason.
        for ranked in &answer.ranking {
            let candidate = candidates.iter().find(|c| c.worker_id == ranked.worker_id).unwrap();
            let has_trade = need.specialty.as_ref().is_none_or(|trade| candidate.specialties.contains(trade));
            let may = candidate.status == WorkerStatus::Active
                && !need.excluded.contains_key(&candidate.worker_id)
                && (has_trade || candidate.specialties.contains(&Specialty::GENERAL));
            prop_assert_eq!(eligible(&ranked.verdict), may);
            if let Verdict::Eligible(standing) = &ranked.verdict {
                prop_assert_eq!(standing.trade == TradeMatch::Suits, has_trade);
            }
        }
    }
}
