//! The tables and their migrations.

use maintenance_sqlx::{
    MigrateError,
    postgres::{self, PgRepository},
};
use sqlx::{
    AssertSqlSafe, PgPool, SqlStr,
    migrate::{Migration, MigrationType, Migrator},
    postgres::PgPoolOptions,
};

use crate::{
    server::Schema,
    store::{
        self,
        catalogue::{Found, Kind, TABLES},
    },
};

#[tokio::test]
async fn the_tables_are_those_of_the_specification() {
    let pool = Schema::migrated().await;
    for table in TABLES {
        let columns: Vec<(String, String, bool)> = sqlx::query_as(
            "select column_name::text, udt_name::text, is_nullable = 'YES'
               from information_schema.columns
              where table_schema = current_schema() and table_name = $1 and is_generated = 'NEVER'
                and column_name <> 'mirror_owed'
              order by ordinal_position",
        )
        .bind(table.name)
        .fetch_all(&*pool)
        .await
        .unwrap();
        let references: Vec<(String, String)> = sqlx::query_as(
            "select a.attname::text, c.confrelid::regclass::text
               from pg_constraint c
               join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
               join pg_attribute t on t.attrelid = c.confrelid and t.attnum = c.confkey[1]
              where c.conrelid = $1::regclass and c.contype = 'f' and t.attname = 'id'",
        )
        .bind(table.name)
        .fetch_all(&*pool)
        .await
        .unwrap();
        let indexes: Vec<(String, bool, bool)> = sqlx::query_as(
            "select (select string_agg(a.attname, ',' order by k.place)
                       from unnest(i.indkey::int2[]) with ordinality k (number, place)
                       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number),
                    i.indisunique, i.indpred is not null
               from pg_index i
               join pg_class c on c.oid = i.indexrelid
               join pg_am m on m.oid = c.relam and m.amname = 'btree'
              where i.indrelid = $1::regclass and c.relname <> 'maintenance_notifications_mirror_owed_idx'",
        )
        .bind(table.name)
        .fetch_all(&*pool)
        .await
        .unwrap();
        table.check(Found { columns, references, indexes }, |kind| match kind {
            Kind::Id => "uuid",
            Kind::Text => "text",
            Kind::Texts => "_text",
            Kind::Flag => "bool",
            Kind::Time => "timestamptz",
            Kind::Count => "int4",
        });
    }
}

#[tokio::test]
async fn a_value_that_no_enum_has_is_refused() {
    let pool = Schema::migrated().await;
    store::life(PgRepository::new(pool.clone())).await;
    for table in TABLES {
        for column in table.enums {
            let update = format!("update {} set {column} = 'bogus'", table.name);
            assert!(sqlx::raw_sql(AssertSqlSafe(update)).execute(&*pool).await.is_err(), "{column}");
        }
    }
}

/// The host's own first migration, under the same number as ours.
fn hosts() -> Migrator {
    let sql = SqlStr::from_static("create table host_things (id integer primary key)");
    Migrator::with_migrations(vec![Migration::new(1, "host".into(), MigrationType::Simple, sql, false)])
}

async fn tables(pool: &PgPool) -> i64 {
    let count = "select count(*) from pg_tables where schemaname = current_schema()";
    sqlx::query_scalar(count).fetch_one(pool).await.unwrap()
}

/// Four migrations of the same schema at once.
async fn migrate_at_once(pool: &PgPool) {
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { postgres::migrate(&pool).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn migrations_run_at_once_again_and_beside_the_hosts() {
    let pool = Schema::empty().await;
    migrate_at_once(&pool).await;
    hosts().run(&*pool).await.unwrap();
    postgres::migrate(&pool).await.unwrap();
    hosts().run(&*pool).await.unwrap();
    assert_eq!(tables(&pool).await, 24);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn migrations_run_at_once_at_any_isolation_level() {
    for level in ["repeatable read", "serializable"] {
        let schema = Schema::empty().await;
        let options = (*schema.connect_options()).clone().options([("default_transaction_isolation", level)]);
        let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
        migrate_at_once(&pool).await;
        pool.close().await;
    }
}

#[tokio::test]
async fn a_role_that_may_create_nothing_finds_the_tables_up_to_date() {
    let schema = Schema::migrated().await;
    let role = format!("{}_reader", schema.name());
    let grants = format!(
        "create role {role} login;
         grant usage on schema {0} to {role};
         grant select on all tables in schema {0} to {role}",
        schema.name()
    );
    sqlx::raw_sql(AssertSqlSafe(grants)).execute(&*schema).await.unwrap();
    let options = (*schema.connect_options()).clone().options([("role", role.as_str())]);
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let migrated = postgres::migrate(&pool).await;
    let create = sqlx::raw_sql("create table more (id integer)").execute(&pool).await;
    pool.close().await;
    let end = format!("drop owned by {role}; drop role {role}");
    sqlx::raw_sql(AssertSqlSafe(end)).execute(&*schema).await.unwrap();
    migrated.unwrap();
    assert!(create.is_err(), "it may create nothing");
}

#[tokio::test]
async fn an_older_version_runs_on_the_tables_of_a_newer_one() {
    let schema = Schema::migrated().await;
    let newer =
        "insert into _maintenance_migrations (version, description, success, checksum, execution_time)
                 values ($1, 'another', true, '', 0)";
    sqlx::query(newer).bind(99_i64).execute(&*schema).await.unwrap();
    postgres::migrate(&schema).await.unwrap();
    postgres::migrate_in(&mut schema.acquire().await.unwrap()).await.unwrap();
    // A migration below our newest that we don't know is somebody else's.
    sqlx::query(newer).bind(0_i64).execute(&*schema).await.unwrap();
    let error = postgres::migrate(&schema).await.unwrap_err();
    assert!(
        matches!(error, MigrateError::Migrate(sqlx::migrate::MigrateError::VersionMissing(0))),
        "{error}"
    );
}

#[tokio::test]
async fn a_migration_in_the_hosts_transaction_goes_with_it() {
    let pool = Schema::empty().await;
    let mut tx = pool.begin().await.unwrap();
    postgres::migrate_in(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(tables(&pool).await, 0);
}

#[tokio::test]
async fn a_table_of_someone_else_stops_the_migration_before_it_begins() {
    let pool = Schema::empty().await;
    sqlx::raw_sql("create view maintenance_requests as select 1 as n").execute(&*pool).await.unwrap();
    let error = postgres::migrate(&pool).await.unwrap_err();
    assert!(matches!(&error, MigrateError::TableTaken(table) if table == "maintenance_requests"));
    assert!(error.to_string().contains("another schema"), "{error}");
    assert_eq!(tables(&pool).await, 0);
    let drop = format!("drop schema {} cascade", pool.name());
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&*pool).await.unwrap();
    assert!(matches!(postgres::migrate(&pool).await, Err(MigrateError::NoSchema)));
}
