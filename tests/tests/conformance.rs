//! The conformance cases on every store: over a pool, and inside a host's open transaction.

use maintenance_memory::conformance;
use maintenance_tests::databases;

mod memory {
    super::conformance!(super::databases::memory);
}

mod memory_in_the_hosts_transaction {
    super::conformance!(super::databases::memory_transaction);
}

mod sqlite {
    super::conformance!(super::databases::sqlite);
}

mod sqlite_in_the_hosts_transaction {
    super::conformance!(super::databases::sqlite_transaction);
}

#[cfg(feature = "postgres")]
mod postgres {
    super::conformance!(super::databases::postgres);
}

#[cfg(feature = "postgres")]
mod postgres_in_the_hosts_transaction {
    super::conformance!(super::databases::postgres_transaction);
}
