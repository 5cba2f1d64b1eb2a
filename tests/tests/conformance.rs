//! The conformance cases on every store.

mod memory {
    use std::sync::Arc;

    use maintenance_core::Repository;
    use maintenance_memory::MemoryRepository;

    async fn fresh() -> (Arc<dyn Repository>, ()) {
        (Arc::new(MemoryRepository::new()), ())
    }

    maintenance_tests::conformance!(fresh);
}
