//! Row-level security: the server itself keeps organisations apart.

use sqlx::{AssertSqlSafe, PgPool};

/// How the server finds the organisation of a table's rows.
#[derive(Clone, Copy)]
enum Owned {
    /// By a column of its own.
    Itself,
    /// By the row that this column names, in a table that is secured too.
    By(&'static str, &'static str),
    /// No organisation's: nobody but the owner sees it.
    Nobodys,
    /// No organisation's, and every step asks whether it has rows: all may read it, and nobody but the owner write.
    Read,
}

/// Every table of the engine; a test holds the list against the migrations.
const TABLES: &[(&str, Owned)] = &[
    ("maintenance_workers", Owned::Itself),
    ("complex_maintenance_assignments", Owned::Itself),
    ("maintenance_requests", Owned::Itself),
    ("maintenance_comments", Owned::Itself),
    ("maintenance_notifications", Owned::Itself),
    ("maintenance_numbers", Owned::Itself),
    ("maintenance_attachments", Owned::By("request_id", "maintenance_requests")),
    ("maintenance_status_history", Owned::By("request_id", "maintenance_requests")),
    ("maintenance_assignment_history", Owned::By("request_id", "maintenance_requests")),
    ("maintenance_edits", Owned::By("request_id", "maintenance_requests")),
    ("maintenance_texts", Owned::By("request_id", "maintenance_requests")),
    ("maintenance_unindexed_texts", Owned::By("request_id", "maintenance_requests")),
    ("maintenance_notification_sends", Owned::By("notification_id", "maintenance_notifications")),
    ("maintenance_early_deliveries", Owned::Nobodys),
    ("maintenance_inbound", Owned::Nobodys),
    ("maintenance_worker_channels", Owned::By("worker_id", "maintenance_workers")),
    ("maintenance_renter_channels", Owned::Itself),
    ("maintenance_opt_outs", Owned::Itself),
    ("maintenance_events", Owned::Itself),
    ("maintenance_event_consumers", Owned::Read),
    ("maintenance_event_position", Owned::Nobodys),
];

/// Turns row-level security on for the engine's tables in the first schema of the `search_path`. Optional, and safe to
/// repeat: call it after [`migrate`](super::migrate), by the tables' owner.
///
/// From then on a role that isn't the owner sees and writes the rows of one organisation alone: the one that the setting
/// `maintenance.organization` names, and none while it is empty. That holds for the engine's statements and for your own.
/// Set it for your transaction, or for each connection of a pool that serves one organisation. The engine itself sets
/// nothing: it asks for its organisation in every statement anyway, so this guards against mistakes elsewhere. Such a role
/// can read, change and remove nothing of another organisation's; what it could still do is add a row to the history of a
/// request whose id it knows.
///
/// The owner is not restricted. Let the dispatcher and the webhook run as the owner, since they see the messages of all.
///
/// # Errors
///
/// The database's, as when the role isn't the owner.
///
/// ```no_run
/// use maintenance_core::{Maintenance, NewRequest, OrganizationId};
/// use maintenance_sqlx::{postgres::PgRepository, sqlx::{self, PgPool}};
///
/// # async fn file(
/// #     maintenance: Maintenance<PgRepository<'static>>,
/// #     tenant: OrganizationId,
/// #     app: PgPool, // of a role with `select, insert, update, delete` on the tables
/// #     new: NewRequest,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// let mut tx = app.begin().await?;
/// sqlx::query("select set_config('maintenance.organization', $1, true)")
///     .bind(tenant.to_string())
///     .execute(&mut *tx)
///     .await?;
/// maintenance.of(tenant).within(PgRepository::in_transaction(&mut tx)).submit(new).await?;
/// tx.commit().await?;
/// # Ok(())
/// # }
/// ```
pub async fn secure_rows(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    for (table, owned) in TABLES {
        let mut statements = vec![
            format!("alter table {table} enable row level security"),
            format!("drop policy if exists maintenance_organization on {table}"),
        ];
        let rules = match owned {
            Owned::Itself => {
                let ours =
                    "organization_id = nullif(current_setting('maintenance.organization', true), '')::uuid";
                Some((ours.to_owned(), ours))
            }
            // A statement that files a request with its rows can't see the request yet when the rows are checked.
            Owned::By(column, other) => {
                Some((format!("exists (select from {other} o where o.id = {column})"), "true"))
            }
            Owned::Nobodys => None,
            Owned::Read => Some(("true".to_owned(), "false")),
        };
        statements.extend(rules.map(|(seen, written)| {
            format!("create policy maintenance_organization on {table} using ({seen}) with check ({written})")
        }));
        for statement in statements {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut *tx).await?;
        }
    }
    tx.commit().await
}
