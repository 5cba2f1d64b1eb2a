//! SQLite by hand, with rusqlite: each effect as one transaction of prepared statements on one connection of
//! the engine's own file, write-ahead log, synchronous `NORMAL`. The limit: no thread is crossed, nothing is
//! explained.

use std::{
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::TimeDelta;
use maintenance_core::{Clock as _, DeliveryUpdate, NewRequest, SystemClock};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::postgres::changed;
use crate::{
    Result,
    dataset::{Dataset, fresh, numbers},
    store::sqlite::time,
    work::{Backend, Prepared},
};

/// Who is first among the candidates, by the engine's own rule.
const RANKED: &str = "
    with candidates as (
        select w.id, a.is_primary,
               exists (select 1 from json_each(w.specialties) where value = ?2) as suits,
               (select count(*) from maintenance_requests r
                 where r.assigned_worker_id = w.id and r.status in ('pending', 'in_progress')) as open,
               (select max(r.created_at) from maintenance_requests r
                 where r.assigned_worker_id = w.id) as last,
               w.specialties
          from complex_maintenance_assignments a
          join maintenance_workers w on w.id = a.worker_id
         where a.complex_id = ?1 and w.status = 'active'
    )
    select id
      from candidates
     where suits or exists (select 1 from json_each(specialties) where value = 'general')
     order by suits desc, open >= 10 and ?3 <> 'emergency', is_primary desc, open, last, id
     limit 1";

const FILE: &str = "
    insert into maintenance_requests
           (id, renter_id, title, description, status, priority, created_at, updated_at, completed_at,
            property_id, location, assigned_worker_id, whatsapp_message_id, whatsapp_status, complex_id,
            specialty, version, notification_id, number)
    values (?1, ?2, ?3, ?4, 'pending', ?5, ?6, ?6, null, ?7, ?8, ?9, null, 'pending', ?10, ?11, 1, ?12, ?13)
    on conflict (id) do nothing";

const TELL: &str = "
    insert into maintenance_notifications
           (id, request_id, worker_id, kind, status, provider_message_id, attempts, due_at, lease,
            error_code, error_text, created_at, sent_at, delivered_at, read_at, failed_at, priority, since)
    values (?1, ?2, ?3, 'assignment', 'pending', null, 0, ?4, null, null, null, ?4, null, null, null, null,
            'medium', ?4)";

/// The row of the assignment history, with a ranking as long as the engine's.
const ASSIGNED: &str = "
    insert into maintenance_assignment_history
           (id, request_id, previous_worker_id, new_worker_id, changed_by, changed_at, cause, notes, ranking)
    values (?1, ?2, null, ?3, '00000000-0000-4000-8000-000000000000', ?4, 'filed', null, ?5)";

const DUE: &str = "
    select n.id, r.id, r.renter_id, r.title, r.description, r.priority, r.location, w.phone_number
      from maintenance_notifications n
      join maintenance_requests r on r.id = n.request_id
      join maintenance_workers  w on w.id = n.worker_id
     where n.status = 'pending' and n.due_at <= ?1
     order by n.due_at, n.id
     limit ?2";

const LEASE: &str =
    "update maintenance_notifications set lease = ?2, due_at = ?3, attempts = attempts + 1 where id = ?1";

const SENT: &str = "
    update maintenance_notifications
       set lease = null, status = 'sent', provider_message_id = ?2, sent_at = ?3
     where id = ?1 and lease = ?4
    returning request_id";

const MIRROR: &str = "
    update maintenance_requests
       set whatsapp_status = ?3, whatsapp_message_id = coalesce(?4, whatsapp_message_id)
     where id = ?1 and notification_id = ?2";

const DELIVERED: &str = "
    update maintenance_notifications
       set status = 'delivered', delivered_at = ?2
     where id = ?1 and status in ('pending', 'sent', 'failed')
    returning request_id";

const BEGIN: &str = "
    update maintenance_requests set status = 'in_progress', updated_at = ?2, version = version + 1
     where id = ?1 and status = 'pending' and assigned_worker_id = ?3";

const CHANGE: &str = "
    insert into maintenance_status_history
           (id, request_id, previous_status, new_status, changed_by, changed_at, notes)
    values (?1, ?2, 'pending', 'in_progress', ?3, ?4, null)";

/// One transaction an effect.
pub(crate) struct ByHand {
    connection: Mutex<Connection>,
    dataset: Dataset,
    /// Whether a submit chooses its worker; otherwise the next one is given it, and only the rows are
    /// written.
    chooses: bool,
    next: AtomicU32,
}

impl ByHand {
    pub(crate) fn open(file: &Path, dataset: Dataset, chooses: bool) -> Result<Self> {
        let connection = Connection::open(file)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self { connection: Mutex::new(connection), dataset, chooses, next: AtomicU32::new(0) })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, step: &Connection, new: &NewRequest) -> Result<()> {
        let now = time(SystemClock.now());
        let (_, low) = new.property_id.uuid().as_u64_pair();
        let complex = self.dataset.complex_of(u32::try_from(low & 0xffff_ffff)?).to_string();
        let (request, message) =
            (new.id.map_or_else(|| fresh().to_string(), |id| id.to_string()), fresh().to_string());
        let trade = new.form.specialty.as_deref().unwrap_or_default();
        let worker: Option<String> = if self.chooses {
            let mut ranked = step.prepare_cached(RANKED)?;
            ranked
                .query_row(params![complex, trade, new.form.priority.as_str()], |row| row.get(0))
                .optional()?
        } else {
            Some(self.dataset.worker(self.next.fetch_add(1, Ordering::Relaxed)).to_string())
        };
        let done = step.prepare_cached(FILE)?.execute(params![
            request,
            new.renter_id.to_string(),
            new.form.title,
            new.form.description,
            new.form.priority.as_str(),
            now,
            new.property_id.to_string(),
            new.form.location,
            worker,
            complex,
            trade,
            worker.as_ref().map(|_| &message),
            numbers(1),
        ])?;
        if let Some(worker) = worker {
            step.prepare_cached(TELL)?.execute(params![message, request, worker, now])?;
            let row = params![fresh().to_string(), request, worker, now, super::ranking(&worker)];
            step.prepare_cached(ASSIGNED)?.execute(row)?;
        }
        changed(u64::try_from(done)?, 1)
    }
}

#[async_trait]
impl Backend for ByHand {
    async fn submit(&self, new: NewRequest) -> Result<()> {
        self.submit_many(vec![new]).await
    }

    async fn submit_many(&self, new: Vec<NewRequest>) -> Result<()> {
        let mut connection = self.lock();
        let step = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for new in &new {
            self.file(&step, new)?;
        }
        Ok(step.commit()?)
    }

    async fn dispatch(&self, batch: u32) -> Result<u64> {
        let (lease, now) = (fresh().to_string(), SystemClock.now());
        let mut connection = self.lock();
        let step = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let mut ids: Vec<String> = vec![];
        {
            let mut due = step.prepare_cached(DUE)?;
            let mut rows = due.query(params![time(now), batch])?;
            while let Some(row) = rows.next()? {
                let _facts: (String, String, String, String) =
                    (row.get(3)?, row.get(4)?, row.get(6)?, row.get(7)?);
                ids.push(row.get(0)?);
            }
            let until = time(now + TimeDelta::minutes(5));
            let mut take = step.prepare_cached(LEASE)?;
            for id in &ids {
                take.execute(params![id, lease, until])?;
            }
        }
        step.commit()?;
        let step = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        {
            let (mut sent, mut mirror) = (step.prepare_cached(SENT)?, step.prepare_cached(MIRROR)?);
            let at = time(SystemClock.now());
            for id in &ids {
                let provider = format!("byhand.{id}");
                let request: String = sent.query_row(params![id, provider, at, lease], |row| row.get(0))?;
                mirror.execute(params![request, id, "sent", provider])?;
            }
        }
        step.commit()?;
        Ok(u64::try_from(ids.len())?)
    }

    async fn deliver(&self, updates: &[DeliveryUpdate]) -> Result<()> {
        let mut connection = self.lock();
        let step = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        {
            let (mut delivered, mut mirror) = (step.prepare_cached(DELIVERED)?, step.prepare_cached(MIRROR)?);
            for update in updates {
                let id = update.notification_id.map(|id| id.to_string());
                let request: String = delivered.query_row(params![id, time(update.at)], |row| row.get(0))?;
                mirror.execute(params![request, id, "delivered", None::<String>])?;
            }
        }
        Ok(step.commit()?)
    }

    async fn begin(&self, of: &Prepared) -> Result<()> {
        let now = time(SystemClock.now());
        let (request, worker) = (of.request.to_string(), of.worker.to_string());
        let mut connection = self.lock();
        let step = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let done = step.prepare_cached(BEGIN)?.execute(params![request, now, worker])?;
        step.prepare_cached(CHANGE)?.execute(params![fresh().to_string(), request, worker, now])?;
        step.commit()?;
        changed(u64::try_from(done)?, 1)
    }
}
