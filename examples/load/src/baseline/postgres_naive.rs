//! PostgreSQL as one writes it without thinking of speed: a transaction of six statements an effect, a pool
//! with sqlx's default options, the specification's indexes alone.

use async_trait::async_trait;
use maintenance_core::{Clock as _, DeliveryUpdate, NewRequest, SystemClock};
use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use super::postgres::changed;
use crate::{
    Result,
    dataset::{Dataset, fresh, numbers},
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
     where assigned_worker_id = any($1) and status in ('pending', 'in_progress')
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

const UNTOLD: &str = "
    select id, title, description, priority, location, renter_id, assigned_worker_id, notification_id
      from maintenance_requests
     where whatsapp_status = 'pending'
     order by created_at
     limit 1
       for update skip locked";

/// A transaction of six statements an effect.
pub(crate) struct SixStatements {
    pub(crate) pool: PgPool,
    pub(crate) dataset: Dataset,
}

#[async_trait]
impl Backend for SixStatements {
    async fn submit(&self, new: NewRequest) -> Result<()> {
        let now = SystemClock.now();
        let (_, low) = new.property_id.uuid().as_u64_pair();
        let complex = self.dataset.complex_of(u32::try_from(low & 0xffff_ffff)?);
        let mut step = self.pool.begin().await?;
        let workers: Vec<(Uuid, Vec<String>, bool)> =
            sqlx::query_as(WORKERS).bind(complex.uuid()).fetch_all(&mut *step).await?;
        let ids: Vec<Uuid> = workers.iter().map(|(id, ..)| *id).collect();
        let open: Vec<(Uuid, i64)> = sqlx::query_as(OPEN_REQUESTS).bind(ids).fetch_all(&mut *step).await?;
        let open_of = |id: &Uuid| open.iter().find(|(of, _)| of == id).map_or(0, |(_, open)| *open);
        let has = |trades: &[String], trade: &str| trades.iter().any(|known| known == trade);
        let trade = new.form.specialty.as_deref().unwrap_or_default();
        let chosen = workers
            .iter()
            .filter(|(_, trades, _)| has(trades, trade) || has(trades, "general"))
            .min_by_key(|(id, trades, primary)| {
                (!has(trades, trade), open_of(id) >= 10, !primary, open_of(id))
            })
            .map(|(id, ..)| *id);
        let (request, message) = (new.id.map_or_else(fresh, Uuid::from), fresh());
        sqlx::query(FILE)
            .bind(request)
            .bind(new.renter_id.uuid())
            .bind(&new.form.title)
            .bind(&new.form.description)
            .bind(new.form.priority.as_str())
            .bind(now)
            .bind(new.property_id.uuid())
            .bind(&new.form.location)
            .bind(chosen)
            .bind(complex.uuid())
            .bind(&new.form.specialty)
            .bind(chosen.map(|_| message))
            .bind(i32::try_from(numbers(1))?)
            .execute(&mut *step)
            .await?;
        if let Some(worker) = chosen {
            let tell = sqlx::query(TELL).bind(message).bind(request).bind(worker).bind(now);
            tell.execute(&mut *step).await?;
        }
        Ok(step.commit().await?)
    }

    /// One message at a time: the specification knows no batches.
    async fn dispatch(&self, _: u32) -> Result<u64> {
        let mut step = self.pool.begin().await?;
        let Some(row) = sqlx::query(UNTOLD).fetch_optional(&mut *step).await? else { return Ok(0) };
        let (request, worker): (Uuid, Uuid) = (row.try_get(0)?, row.try_get(6)?);
        let message: Uuid = row.try_get(7)?;
        let phone = "select phone_number from maintenance_workers where id = $1";
        let _: String = sqlx::query_scalar(phone).bind(worker).fetch_one(&mut *step).await?;
        let provider = format!("naive.{message}");
        let sql = "update maintenance_requests
                      set whatsapp_status = 'sent', whatsapp_message_id = $2
                    where id = $1";
        sqlx::query(sql).bind(request).bind(&provider).execute(&mut *step).await?;
        let sql = "update maintenance_notifications
                      set status = 'sent', provider_message_id = $2, sent_at = $3, attempts = attempts + 1
                    where id = $1";
        let query = sqlx::query(sql).bind(message).bind(provider).bind(SystemClock.now());
        query.execute(&mut *step).await?;
        step.commit().await?;
        Ok(1)
    }

    /// Found by the provider's id in the specification's own column, which has no index.
    async fn deliver(&self, updates: &[DeliveryUpdate]) -> Result<()> {
        for update in updates {
            let mut step = self.pool.begin().await?;
            let sql = "select id, notification_id
                         from maintenance_requests
                        where whatsapp_message_id = $1
                          for update";
            let query = sqlx::query_as(sql).bind(&update.provider_message_id);
            let (request, message): (Uuid, Uuid) = query.fetch_one(&mut *step).await?;
            let sql = "update maintenance_requests set whatsapp_status = 'delivered' where id = $1";
            sqlx::query(sql).bind(request).execute(&mut *step).await?;
            let sql =
                "update maintenance_notifications set status = 'delivered', delivered_at = $2 where id = $1";
            sqlx::query(sql).bind(message).bind(update.at).execute(&mut *step).await?;
            step.commit().await?;
        }
        Ok(())
    }

    async fn begin(&self, of: &Prepared) -> Result<()> {
        let now = SystemClock.now();
        let mut step = self.pool.begin().await?;
        let sql = "select status, assigned_worker_id from maintenance_requests where id = $1 for update";
        let (_, worker): (String, Option<Uuid>) =
            sqlx::query_as(sql).bind(of.request.uuid()).fetch_one(&mut *step).await?;
        let sql = "select status from maintenance_workers where id = $1";
        let _: String = sqlx::query_scalar(sql).bind(worker).fetch_one(&mut *step).await?;
        let sql = "update maintenance_requests
                      set status = 'in_progress', updated_at = $2, version = version + 1
                    where id = $1";
        let done = sqlx::query(sql).bind(of.request.uuid()).bind(now).execute(&mut *step).await?;
        let sql = "insert into maintenance_status_history
                          (id, request_id, previous_status, new_status, changed_by, changed_at, notes)
                   values ($1, $2, 'pending', 'in_progress', $3, $4, null)";
        let query = sqlx::query(sql).bind(fresh()).bind(of.request.uuid()).bind(of.worker.uuid()).bind(now);
        query.execute(&mut *step).await?;
        step.commit().await?;
        changed(done.rows_affected(), 1)
    }
}
