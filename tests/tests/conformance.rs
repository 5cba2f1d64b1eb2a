//! The conformance cases on every store.

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
