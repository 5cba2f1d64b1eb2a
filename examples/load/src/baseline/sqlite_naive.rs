//! SQLite as one writes it with sqlx without thinking of speed: a transaction of six statements an effect,
//! the specification's indexes alone.

use async_trait::async_trait;
use maintenance_core::{Clock as _, DeliveryUpdate, NewRequest, SystemClock};
use sqlx::SqlitePool;
use uuid::Uuid;

use super::postgres::changed;
use crate::{
    Result,
    dataset::{Dataset, fresh, numbers},
    store::sqlite::time,
    work::{Backend, Prepared},
};

const WORKERS: &str = "
    select w.id, w.specialties, a.is_primary
      from complex_maintenance_assignments a
      join maintenance_workers w on w.id = a.worker_id
     where a.complex_id = $1 and w.status = 'active'";

const OPEN_REQUESTS: &str = "
    select assigned_worker_id, count(*)
      from maintenance_requests
     where assigned_worker_id in (select value from json_each($1)) and status in ('pending', 'in_progress')
     group by assigned_worker_id";

const FILE: &str = "
    insert into maintenance_requests
           (id, renter_id, title, description, status, priority, created_at, updated_at, completed_at,
            property_id, location, assigned_worker_id, whatsapp_message_id, whatsapp_status, complex_id,
            specialty, version, notification_id, number)
    values ($1, $2, $3, $4, 'pending', $5, $6, $6, null, $7, $8, $9, null, 'pending', $10, $11, 1, $12, $13)";

const TELL: &str = "
    insert into maintenance_notifications
           (id, request_id, worker_id, kind, status, provider_message_id, attempts, due_at, lease,
            error_code, error_text, created_at, sent_at, delivered_at, read_at, failed_at, priority, since)
    values ($1, $2, $3, 'assignment', 'pending', null, 0, $4, null, null, null, $4, null, null, null, null,
            'medium', $4)";

/// A transaction of six statements an effect.
pub(crate) struct SixStatements {
    pub(crate) pool: SqlitePool,
    pub(crate) dataset: Dataset,
}

#[async_trait]
impl Backend for SixStatements {
    async fn submit(&self, new: NewRequest) -> Result<()> {
        let now = time(SystemClock.now());
        let (_, low) = new.property_id.uuid().as_u64_pair();
        let complex = self.dataset.complex_of(u32::try_from(low & 0xffff_ffff)?).to_string();
        let mut step = self.pool.begin_with("begin immediate").await?;
        let workers: Vec<(String, String, bool)> =
            sqlx::query_as(WORKERS).bind(&complex).fetch_all(&mut *step).await?;
        let ids = serde_json::to_string(&workers.iter().map(|(id, ..)| id).collect::<Vec<_>>())?;
        let open: Vec<(String, i64)> = sqlx::query_as(OPEN_REQUESTS).bind(ids).fetch_all(&mut *step).await?;
        let open_of = |id: &str| open.iter().find(|(of, _)| of == id).map_or(0, |(_, open)| *open);
        // Trades are quoted in the list, so that one can't be part of another.
        let has = |trades: &str, trade: &str| trades.contains(&format!("\"{trade}\""));
        let trade = new.form.specialty.as_deref().unwrap_or_default();
        let chosen = workers
            .iter()
            .filter(|(_, trades, _)| has(trades, trade) || has(trades, "general"))
            .min_by_key(|(id, trades, primary)| {
                (!has(trades, trade), open_of(id) >= 10, !primary, open_of(id))
            })
            .map(|(id, ..)| id.clone());
        let (request, message) = (new.id.map_or_else(fresh, Uuid::from).to_string(), fresh().to_string());
        sqlx::query(FILE)
            .bind(&request)
            .bind(new.renter_id.to_string())
            .bind(&new.form.title)
            .bind(&new.form.description)
            .bind(new.form.priority.as_str())
            .bind(&now)
            .bind(new.property_id.to_string())
            .bind(&new.form.location)
            .bind(&chosen)
            .bind(complex)
            .bind(&new.form.specialty)
            .bind(chosen.as_ref().map(|_| &message))
            .bind(numbers(1))
            .execute(&mut *step)
            .await?;
        if let Some(worker) = &chosen {
            let tell = sqlx::query(TELL).bind(&message).bind(&request).bind(worker).bind(&now);
            tell.execute(&mut *step).await?;
        }
        Ok(step.commit().await?)
    }

    async fn dispatch(&self, _: u32) -> Result<u64> {
        Err("isn't compared on SQLite".into())
    }

    async fn deliver(&self, _: &[DeliveryUpdate]) -> Result<()> {
        Err("isn't compared on SQLite".into())
    }

    async fn begin(&self, of: &Prepared) -> Result<()> {
        let now = time(SystemClock.now());
        let (request, worker) = (of.request.to_string(), of.worker.to_string());
        let mut step = self.pool.begin_with("begin immediate").await?;
        let sql = "select status, assigned_worker_id from maintenance_requests where id = $1";
        let _: (String, Option<String>) = sqlx::query_as(sql).bind(&request).fetch_one(&mut *step).await?;
        let sql = "select status from maintenance_workers where id = $1";
        let _: String = sqlx::query_scalar(sql).bind(&worker).fetch_one(&mut *step).await?;
        let sql = "update maintenance_requests
                      set status = 'in_progress', updated_at = $2, version = version + 1
                    where id = $1";
        let done = sqlx::query(sql).bind(&request).bind(&now).execute(&mut *step).await?;
        let sql = "insert into maintenance_status_history
                          (id, request_id, previous_status, new_status, changed_by, changed_at, notes)
                   values ($1, $2, 'pending', 'in_progress', $3, $4, null)";
        let query = sqlx::query(sql).bind(fresh().to_string()).bind(&request).bind(&worker).bind(&now);
        query.execute(&mut *step).await?;
        step.commit().await?;
        changed(done.rows_affected(), 1)
    }
}
