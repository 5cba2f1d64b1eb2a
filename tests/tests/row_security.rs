//! Row-level security, seen by a role that isn't the owner.
#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

use maintenance_core::{
    Actor, DispatchPolicy, Maintenance, NewRequest, NewWorker, OrganizationId, RequestForm, RequestId,
};
use maintenance_memory::{RecordingNotifier, TableDirectory};
use maintenance_sqlx::{
    postgres::{PgRepository, secure_rows},
    sqlx::{self, AssertSqlSafe, PgPool, Row as _, postgres::PgPoolOptions},
};
use maintenance_tests::databases::Schema;

const TABLES: &str = "
    select c.relname::text, c.relrowsecurity from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = current_schema and c.relkind = 'r' and c.relname <> '_maintenance_migrations'
     order by 1";

fn organization(n: u128) -> OrganizationId {
    OrganizationId::from_uuid(uuid::Uuid::from_u128(n))
}

/// A pool of a role that may use the tables and isn't their owner, its connections limited to that organisation. The role
/// lives in the test server, so its name is the schema's.
async fn as_a_role(schema: &Schema, of: Option<OrganizationId>) -> PgPool {
    let name = schema.name().to_owned();
    let setting = of.map_or_else(String::new, |organization| organization.to_string());
    let pool = PgPoolOptions::new().max_connections(2).after_connect(move |connection, _| {
        let sql = format!("set role {name}; set maintenance.organization = '{setting}'");
        Box::pin(async move { sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop) })
    });
    pool.connect_with(schema.options()).await.unwrap()
}

async fn settled(engine: &Maintenance<PgRepository<'static>>, directory: &TableDirectory) -> RequestId {
    let (renter, property) = (directory.renter("Renter One", "+12025550100"), directory.property(1));
    let worker = NewWorker {
        first_name: "Worker".into(),
        last_name: "One".into(),
        phone_number: "+12025550123".into(),
        email: "worker@example.com".into(),
        specialties: vec!["plumbing".into()],
        ..NewWorker::default()
    };
    let worker = engine.add_worker(worker).await.unwrap();
    engine.assign_complex(worker.id, directory.complex(1), true).await.unwrap();
    let form = RequestForm::new("The sink leaks", "Water under it.", "Kitchen").specialty("plumbing");
    let filed = engine.submit(NewRequest::new(renter, property, form)).await.unwrap();
    assert_eq!(filed.request.assigned_worker_id, Some(worker.id));
    filed.request.id
}

#[tokio::test]
async fn a_role_that_is_not_the_owner_sees_one_organisation() {
    let schema = Schema::empty().await;
    let owner = schema.migrated().await;
    for _ in 0..2 {
        secure_rows(&owner).await.unwrap();
    }
    let tables: Vec<(String, bool)> = sqlx::query_as(TABLES).fetch_all(&owner).await.unwrap();
    let open: Vec<_> = tables.iter().filter(|(_, secured)| !secured).collect();
    assert!(open.is_empty(), "add them to row_security.rs: {open:?}");

    let name = schema.name();
    let role = format!(
        "create role {name}; grant usage on schema {name} to {name};
         grant select, insert, update, delete on all tables in schema {name} to {name}"
    );
    sqlx::raw_sql(AssertSqlSafe(role)).execute(&owner).await.unwrap();
    let (us, them) = (organization(0xA), organization(0xB));
    let (ours, theirs) = (as_a_role(&schema, Some(us)).await, as_a_role(&schema, Some(them)).await);
    let directory = TableDirectory::new();
    let engine =
        |pool: &PgPool, of| Maintenance::new(PgRepository::new(pool.clone()), directory.of(of)).of(of);
    // Each role's engine does its whole work.
    let mine = settled(&engine(&ours, us), &directory.of(us)).await;
    let other = settled(&engine(&theirs, them), &directory.of(them)).await;
    let landlord = Actor::System;
    engine(&ours, us).notify_again(mine, landlord).await.unwrap_err();

    // A statement of anybody's finds one organisation's rows, even without asking for it.
    let counts = |pool: PgPool| {
        let tables = tables.clone();
        async move {
            let mut counts = Vec::new();
            for (table, _) in tables {
                let sql = format!("select count(*) from {table}");
                let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&pool).await.unwrap();
                counts.push((table, row.get::<i64, _>(0)));
            }
            counts
        }
    };
    let found = counts(ours.clone()).await;
    for table in ["maintenance_workers", "maintenance_requests", "maintenance_notifications"] {
        assert!(found.contains(&(table.to_owned(), 1)), "{found:?}");
    }
    let nobody = as_a_role(&schema, None).await;
    assert!(counts(nobody.clone()).await.iter().all(|(_, count)| *count == 0), "no organisation, no rows");
    let stolen = sqlx::query("update maintenance_requests set title = 'Ours' where id = $1")
        .bind(other.uuid())
        .execute(&ours)
        .await
        .unwrap();
    assert_eq!(stolen.rows_affected(), 0);
    let planted = sqlx::query("update maintenance_requests set organization_id = $1 where id = $2")
        .bind(them.uuid())
        .bind(mine.uuid())
        .execute(&ours)
        .await;
    assert_eq!(planted.unwrap_err().as_database_error().unwrap().code().as_deref(), Some("42501"));

    // The owner's dispatcher sends everybody's messages.
    let all = Maintenance::new(PgRepository::new(owner.clone()), directory.clone());
    let sent =
        all.dispatcher(RecordingNotifier::new(), DispatchPolicy::default()).dispatch_due().await.unwrap();
    assert_eq!(sent.sent, 2);

    for pool in [ours, theirs, nobody] {
        pool.close().await;
    }
    let gone = format!("drop owned by {name}; drop role {name}");
    sqlx::raw_sql(AssertSqlSafe(gone)).execute(&owner).await.unwrap();
}
