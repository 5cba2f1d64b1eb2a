//! The tables and their migrations.

use maintenance_sqlx::{
    MigrateError,
    sqlite::{self, SqliteRepository},
};
use sqlx::{
    AssertSqlSafe, SqlStr, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
};

use crate::{
    File, file,
    store::{
        self,
        catalogue::{Found, Kind, TABLES},
    },
};

#[tokio::test]
async fn the_tables_are_those_of_the_specification() {
    let file = file().await;
    for table in TABLES {
        let columns: Vec<(String, String, bool, i64)> =
            sqlx::query_as("select name, type, \"notnull\" = 0, pk from pragma_table_info($1)")
                .bind(table.name)
                .fetch_all(&file.pool)
                .await
                .unwrap();
        let key: Vec<_> = columns.iter().filter(|(.., pk)| *pk > 0).map(|c| c.0.as_str()).collect();
        assert_eq!(key.join(","), table.indexes[0].0);
        let references: Vec<(String, String, String)> =
            sqlx::query_as("select \"from\", \"table\", \"to\" from pragma_foreign_key_list($1)")
                .bind(table.name)
                .fetch_all(&file.pool)
                .await
                .unwrap();
        assert!(references.iter().all(|(.., to)| to == "id"));
        let indexes: Vec<(String, bool, bool)> = sqlx::query_as(
            "select (select group_concat(name) from pragma_index_info(l.name)), l.\"unique\", l.partial
               from pragma_index_list($1) l",
        )
        .bind(table.name)
        .fetch_all(&file.pool)
        .await
        .unwrap();
        let found = Found {
            columns: columns.into_iter().map(|(name, kind, nullable, _)| (name, kind, nullable)).collect(),
            references: references.into_iter().map(|(from, to, _)| (from, to)).collect(),
            indexes,
        };
        table.check(found, |kind| match kind {
            Kind::Flag | Kind::Count => "INTEGER",
            Kind::Id | Kind::Text | Kind::Texts | Kind::Time => "TEXT",
        });
    }
}

#[tokio::test]
async fn a_value_that_no_enum_has_is_refused() {
    let file = file().await;
    store::life(SqliteRepository::new(file.pool.clone())).await;
    for table in TABLES {
        for column in table.enums {
            let update = format!("update {} set {column} = 'bogus'", table.name);
            assert!(sqlx::raw_sql(AssertSqlSafe(update)).execute(&file.pool).await.is_err(), "{column}");
        }
    }
    let flag = sqlx::raw_sql("update complex_maintenance_assignments set is_primary = 2");
    assert!(flag.execute(&file.pool).await.is_err());
}

/// The host's own first migration, under the same number as ours.
fn hosts() -> Migrator {
    let sql = SqlStr::from_static("create table host_things (id integer primary key)");
    Migrator::with_migrations(vec![Migration::new(1, "host".into(), MigrationType::Simple, sql, false)])
}

async fn bare() -> File {
    let folder = tempfile::tempdir().unwrap();
    let pool = sqlite::open(folder.path().join("maintenance.db")).await.unwrap();
    File { pool, _folder: folder }
}

async fn tables(pool: &SqlitePool) -> i64 {
    let count = "select count(*) from sqlite_schema where type = 'table' and name like '%maintenance%'";
    sqlx::query_scalar(count).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn migrations_run_at_once_again_and_beside_the_hosts() {
    let file = bare().await;
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let pool = file.pool.clone();
            tokio::spawn(async move { sqlite::migrate(&pool).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    hosts().run(&file.pool).await.unwrap();
    sqlite::migrate(&file.pool).await.unwrap();
    hosts().run(&file.pool).await.unwrap();
    // The index of words is five of them.
    assert_eq!(tables(&file.pool).await, 25);
}

#[tokio::test]
async fn an_older_version_runs_on_the_tables_of_a_newer_one_and_needs_no_lock() {
    let file = file().await;
    let newer =
        "insert into _maintenance_migrations (version, description, success, checksum, execution_time)
                 values ($1, 'another', true, '', 0)";
    sqlx::query(newer).bind(99_i64).execute(&file.pool).await.unwrap();
    let options = (*file.pool.connect_options()).clone();
    let reader = SqlitePool::connect_with(options.read_only(true)).await.unwrap();
    let held = file.pool.begin_with("begin immediate").await.unwrap();
    sqlite::migrate(&reader).await.unwrap();
    held.rollback().await.unwrap();
    sqlx::query(newer).bind(0_i64).execute(&file.pool).await.unwrap();
    let error = sqlite::migrate(&file.pool).await.unwrap_err();
    assert!(
        matches!(error, MigrateError::Migrate(sqlx::migrate::MigrateError::VersionMissing(0))),
        "{error}"
    );
}

#[tokio::test]
async fn a_migration_in_the_hosts_transaction_goes_with_it() {
    let file = bare().await;
    let mut tx = file.pool.begin().await.unwrap();
    sqlite::migrate_in(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(tables(&file.pool).await, 0);
}

#[tokio::test]
async fn a_table_of_someone_else_stops_the_migration_before_it_begins() {
    let file = bare().await;
    sqlx::raw_sql("create table maintenance_requests (number integer)").execute(&file.pool).await.unwrap();
    let error = sqlite::migrate(&file.pool).await.unwrap_err();
    assert!(matches!(&error, MigrateError::TableTaken(table) if table == "maintenance_requests"));
    assert!(error.to_string().contains("another schema"), "{error}");
    assert_eq!(tables(&file.pool).await, 1);
}
