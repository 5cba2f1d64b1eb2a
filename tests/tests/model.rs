//! Random sequences of events give the same answers on every store.

#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

use std::future::Future;

use maintenance_core::Organizations;
use maintenance_memory::{MemoryRepository, conformance::World};
use maintenance_tests::{
    databases,
    model::{Event, answers, any_events},
};
use proptest::{prelude::*, test_runner::TestCaseError};

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

async fn same(events: &[Event], store: impl Organizations + 'static) -> Result<(), TestCaseError> {
    let expected = answers(&World::new(MemoryRepository::new()), events).await;
    let actual = answers(&World::new(store), events).await;
    for (actual, expected) in actual.iter().zip(&expected) {
        prop_assert_eq!(actual, expected);
    }
    prop_assert_eq!(actual.len(), expected.len());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_answers_random_events_as_memory_does(events in any_events()) {
        run(async {
            let (store, _alive) = databases::sqlite().await;
            same(&events, store).await
        })?;
    }
}

#[cfg(feature = "postgres")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn postgres_answers_random_events_as_memory_does(events in any_events()) {
        run(async {
            let (store, _alive) = databases::postgres().await;
            same(&events, store).await
        })?;
    }
}
