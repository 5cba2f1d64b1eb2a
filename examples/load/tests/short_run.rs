//! The program runs through on small tables and tells its bars.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: a failed expectation is its result")]

use std::process::{Command, Output};

fn run(database: &str, more: &[&str]) -> String {
    let mut load = Command::new(env!("CARGO_BIN_EXE_maintenance-load"));
    load.args([
        "--database",
        database,
        "--backlog",
        "2000",
        "--complexes",
        "4",
        "--workers-per-complex",
        "5",
    ]);
    load.args(["--requests", "40", "--batch", "4", "--clients", "2", "--rounds", "1", "--seconds", "0.05"]);
    let Output { status, stdout, stderr } = load.args(more).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// The word, the figure and the bound of each bar, by what it is of.
fn bar<'a>(output: &'a str, what: &str) -> &'a str {
    output.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("no bar {what}: {output}"))
}

#[test]
fn sqlite_is_measured_with_32_clients_beside_the_rows_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}", folder.path().join("load.sqlite").display());
    let output = run(&file, &["--only", "submit,status,delivery,claim"]);
    let many = bar(&output, "submit by 32 clients / the same rows alone with rusqlite");
    // Met or not met, but measured.
    assert!(many.contains("met") && many.ends_with("at least 0.75"), "{many}");
    assert!(bar(&output, "submit_many of 4 / the same by hand").ends_with("at least 0.9"), "{output}");
    assert!(!output.contains("submit / naive"), "{output}");
    // No counter of this database is read, so there is no column for one.
    assert!(!output.contains("WAL bytes"), "{output}");
}

#[cfg(feature = "postgres-test")]
#[test]
fn postgres_is_measured_with_or_without_the_counters_of_statements() {
    let url = std::env::var("MAINTENANCE_TEST_DATABASE_URL").expect(
        "MAINTENANCE_TEST_DATABASE_URL must be the URL of a PostgreSQL server on which schemas may be made; \
         tests/run starts a throwaway one",
    );
    let output = run(&url, &["--only", "submit,status,delivery,claim"]);
    for (what, bound) in [("submit by 1 client /", "0.8"), ("submit by 32 clients /", "1.5")] {
        let bar = bar(&output, &format!("{what} one hand-written statement per request"));
        assert!(bar.contains("met") && bar.ends_with(&format!("at least {bound}")), "{bar}");
    }
    let head = output.lines().find(|line| line.contains("p99")).unwrap();
    assert!(head.contains("WAL bytes"), "{head}");
    // Either the statements are counted, or the report says why they are not.
    assert_ne!(head.contains("statements"), output.contains("pg_stat_statements is not in"), "{output}");
}
