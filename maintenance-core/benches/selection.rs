//! Choosing a worker, with the explanation, among so many candidates.

use std::{collections::BTreeMap, hint::black_box};

use criterion::{BenchmarkId, Criterion};
use maintenance_core::{
    Candidate, Need, Priority, SelectionPolicy, Specialty, WorkerId, WorkerStatus, select,
};
use uuid::Uuid;

fn candidate(n: u32) -> Candidate {
    // Scattered, so that the ranking has work to do.
    let mixed = n.wrapping_mul(2_654_435_761) >> 8;
    let trades = [Specialty::PLUMBING, Specialty::ELECTRICAL, Specialty::HVAC, Specialty::GENERAL];
    Candidate {
        worker_id: WorkerId::from_uuid(Uuid::from_u128(mixed.into())),
        status: if mixed % 25 == 24 { WorkerStatus::OnLeave } else { WorkerStatus::Active },
        specialties: trades.into_iter().cycle().skip((mixed % 4) as usize).take(2).collect(),
        is_primary: n == 7,
        open_requests: mixed / 16 % 14,
        last_assigned_at: chrono::DateTime::from_timestamp(1_800_000_000 + i64::from(mixed % 100_000), 0),
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let need =
        Need { specialty: Some(Specialty::PLUMBING), priority: Priority::Medium, excluded: BTreeMap::new() };
    let mut group = criterion.benchmark_group("select");
    for n in [20, 200, 2_000] {
        let candidates: Vec<Candidate> = (0..n).map(candidate).collect();
        group.bench_with_input(BenchmarkId::from_parameter(n), &candidates, |bench, candidates| {
            bench.iter(|| select(black_box(&need), black_box(candidates), SelectionPolicy::default()));
        });
    }
    group.finish();
    criterion.final_summary();
}
