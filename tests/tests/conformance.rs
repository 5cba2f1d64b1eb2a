//! The conformance cases on every store.

#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

mod memory {
    use std::{
        future::{Ready, ready},
        sync::Arc,
    };

    use maintenance_core::Repository;
    use maintenance_memory::MemoryRepository;

    fn fresh() -> Ready<(Arc<dyn Repository>, ())> {
        ready((Arc::new(MemoryRepository::new()), ()))
    }

    maintenance_tests::conformance!(fresh);
}

mod sqlite {
    use std::sync::Arc;

    use maintenance_core::Repository;
    use maintenance_sqlx::sqlite::{SqliteRepository, migrate, open};
    use tempfile::TempDir;

    async fn fresh() -> (Arc<dyn Repository>, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let pool = open(folder.path().join("maintenance.sqlite")).await.unwrap();
        migrate(&pool).await.unwrap();
        (Arc::new(SqliteRepository::new(pool)), folder)
    }

    maintenance_tests::conformance!(fresh);
}
