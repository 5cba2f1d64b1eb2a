//! Random lives come to the same on every store.

#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

use std::{future::Future, sync::Arc};

use maintenance_memory::{MemoryRepository, conformance::World};
use maintenance_tests::{
    databases::{self, Store},
    model::{Happening, any_life, live},
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

async fn same(life: &[Happening], store: Store) -> Result<(), TestCaseError> {
    let expected = live(&World::new(Arc::new(MemoryRepository::new())), life).await;
    let told = live(&World::new(store), life).await;
    for (told, expected) in told.iter().zip(&expected) {
        prop_assert_eq!(told, expected);
    }
    prop_assert_eq!(told.len(), expected.len());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_life_on_sqlite_is_a_life_in_memory(life in any_life()) {
        run(async {
            let (store, _alive) = databases::sqlite().await;
            same(&life, store).await
        })?;
    }
}

#[cfg(feature = "postgres")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_life_on_postgres_is_a_life_in_memory(life in any_life()) {
        run(async {
            let (store, _alive) = databases::postgres().await;
            same(&life, store).await
        })?;
    }
}
