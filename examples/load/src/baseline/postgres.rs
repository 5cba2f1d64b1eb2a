//! PostgreSQL by hand: each effect as one statement, on the engine's own tables. The limit: no decision is
//! made outside the database, nothing is checked that the statement doesn't check, nothing is explained.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use maintenance_core::{Clock as _, DeliveryUpdate, NewRequest, SystemClock};
use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use crate::{
    Result,
    dataset::{Dataset, fresh, numbers},
    work::{Backend, Prepared},
};

/// Who is first among the candidates for the need `k`, by the engine's own rule.
macro_rules! ranked {
    () => {
        "select w.id as worker_id, k.specialty = any(w.specialties) as suits, a.is_primary, o.open, l.last
           from complex_maintenance_assignments a
           join maintenance_workers w on w.id = a.worker_id
           cross join lateral (select count(*) as open from maintenance_requests r
                                where r.assigned_worker_id = w.id
                                  and r.status in ('pending', 'in_progress')) o
           left join lateral (select r.created_at as last from maintenance_requests r
                               where r.assigned_worker_id = w.id
                               order by r.created_at desc nulls last, r.id desc nulls last
                               limit 1) l on true
          where a.complex_id = k.complex_id and w.status = 'active'
            and (k.specialty = any(w.specialties) or 'general' = any(w.specialties))
          order by k.specialty = any(w.specialties) desc, o.open >= 10 and not k.emergency,
                   a.is_primary desc, o.open, l.last nulls first, w.id
          limit 5"
    };
}

/// Files the rows `n`, each with the message to its worker and the row of its assignment history. All rows of one need go to one worker, which is the
/// engine's choice too while every row of a batch is of another complex, as in this dataset up to its number of
/// complexes.
macro_rules! file {
    () => {
        concat!(
            "
    , needs as (
        select distinct complex_id, specialty, priority = 'emergency' as emergency from n
    ), best as (
        select k.*, r.worker_id, r.ranking
          from needs k
         cross join lateral (
               select (array_agg(c.worker_id))[1] as worker_id,
                      json_agg(json_build_object(
                          'worker_id', c.worker_id,
                          'verdict', json_build_object('eligible', json_build_object(
                              'trade', case when c.suits then 'suits' else 'stands_in' end,
                              'at_capacity', c.open >= 10 and not k.emergency,
                              'is_primary', c.is_primary,
                              'open_requests', c.open,
                              'last_assigned_at', c.last))))::text as ranking
                 from (",
            ranked!(),
            ") c) r
    ), chosen as (
        select n.*, b.worker_id, b.ranking
          from n
          join best b on b.complex_id = n.complex_id and b.specialty = n.specialty
                     and b.emergency = (n.priority = 'emergency')
    ), filed as (
        insert into maintenance_requests
               (id, renter_id, title, description, status, priority, created_at, updated_at, completed_at,
                property_id, location, assigned_worker_id, whatsapp_message_id, whatsapp_status, complex_id,
                specialty, version, notification_id, number)
        select id, renter_id, title, description, 'pending', priority, created_at, created_at, null,
               property_id, location, worker_id, null, 'pending', complex_id, specialty, 1,
               case when worker_id is not null then notification_id end, number
          from chosen
        on conflict (id) do nothing
        returning id, assigned_worker_id, notification_id, created_at, priority
    ), new_message as (
        insert into maintenance_notifications
               (id, request_id, worker_id, kind, status, provider_message_id, attempts, due_at, lease,
                error_code, error_text, created_at, sent_at, delivered_at, read_at, failed_at, priority, since)
        select notification_id, id, assigned_worker_id, 'assignment', 'pending', null, 0, created_at, null,
               null, null, created_at, null, null, null, null, priority, created_at
          from filed
         where assigned_worker_id is not null
    ), assigned as (
        insert into maintenance_assignment_history
               (id, request_id, previous_worker_id, new_worker_id, changed_by, changed_at, cause, notes, ranking)
        select gen_random_uuid(), f.id, null, f.assigned_worker_id, '00000000-0000-4000-8000-000000000000',
               f.created_at, 'filed', null, c.ranking
          from filed f
          join chosen c on c.id = f.id
         where f.assigned_worker_id is not null
    )
    select id, assigned_worker_id from filed"
        )
    };
}

const SUBMIT: &str = concat!(
    "with n as (
        select $1::uuid as id, $2::uuid as renter_id, $3::text as title, $4::text as description,
               $5::text as priority, $6::timestamptz as created_at, $7::uuid as property_id,
               $8::text as location, $9::uuid as complex_id, $10::text as specialty,
               $11::uuid as notification_id, $12::integer as number
    )",
    file!()
);

const SUBMIT_MANY: &str = concat!(
    "with n as (
        select *
          from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
                      $7::uuid[], $8::text[], $9::uuid[], $10::text[], $11::uuid[], $12::integer[])
               as n (id, renter_id, title, description, priority, created_at, property_id, location,
                     complex_id, specialty, notification_id, number)
    )",
    file!()
);

const CLAIM: &str = "
    with due as (
        select id from maintenance_notifications
         where waiting and due_at <= $3
         order by due_at, id
         limit $4
           for update skip locked
    ), taken as (
        update maintenance_notifications n
           set lease = $1, due_at = $2, attempts = n.attempts + 1
          from due
         where n.id = due.id
        returning n.id, n.request_id, n.worker_id, n.attempts
    )
    select t.id, t.attempts, r.id, r.renter_id, r.title, r.description, r.priority, r.location, r.specialty,
           r.status, r.assigned_worker_id, w.phone_number
      from taken t
      join maintenance_requests r on r.id = t.request_id
      join maintenance_workers  w on w.id = t.worker_id";

const RECORD: &str = "
    with moved as (
        update maintenance_notifications n
           set lease = null, status = 'sent', provider_message_id = o.provider, sent_at = $4
          from unnest($1::uuid[], $2::text[]) as o (id, provider)
         where n.id = o.id and n.lease = $3
        returning n.id, n.request_id, n.provider_message_id
    )
    update maintenance_requests r
       set whatsapp_message_id = m.provider_message_id, whatsapp_status = 'sent'
      from moved m
     where r.id = m.request_id and r.notification_id = m.id";

const DELIVER: &str = "
    with moved as (
        update maintenance_notifications n
           set status = 'delivered', delivered_at = o.at
          from unnest($1::uuid[], $2::timestamptz[]) as o (id, at)
         where n.id = o.id and n.status in ('pending', 'sent', 'failed')
        returning n.id, n.request_id
    )
    update maintenance_requests r
       set whatsapp_status = 'delivered'
      from moved m
     where r.id = m.request_id and r.notification_id = m.id";

const BEGIN: &str = "
    with moved as (
        update maintenance_requests
           set status = 'in_progress', updated_at = $2, version = version + 1
         where id = $1 and status = 'pending' and assigned_worker_id = $3
        returning id
    )
    insert into maintenance_status_history
           (id, request_id, previous_status, new_status, changed_by, changed_at, notes)
    select $4, id, 'pending', 'in_progress', $3, $2, null from moved";

/// One statement an effect.
pub(crate) struct OneStatement {
    pub(crate) pool: PgPool,
    pub(crate) dataset: Dataset,
}

fn id_of(new: &NewRequest) -> Uuid {
    new.id.map_or_else(fresh, Uuid::from)
}

fn complex_of(dataset: Dataset, new: &NewRequest) -> Uuid {
    let (_, low) = new.property_id.uuid().as_u64_pair();
    dataset.complex_of(u32::try_from(low & 0xffff_ffff).unwrap_or_default()).uuid()
}

#[async_trait]
impl Backend for OneStatement {
    async fn submit(&self, new: NewRequest) -> Result<()> {
        let query = sqlx::query(SUBMIT)
            .bind(id_of(&new))
            .bind(new.renter_id.uuid())
            .bind(&new.form.title)
            .bind(&new.form.description)
            .bind(new.form.priority.as_str())
            .bind(SystemClock.now())
            .bind(new.property_id.uuid())
            .bind(&new.form.location)
            .bind(complex_of(self.dataset, &new))
            .bind(&new.form.specialty)
            .bind(fresh())
            .bind(i32::try_from(numbers(1))?);
        query.fetch_one(&self.pool).await?;
        Ok(())
    }

    async fn submit_many(&self, new: Vec<NewRequest>) -> Result<()> {
        let now = SystemClock.now();
        let uuids = |of: &dyn Fn(&NewRequest) -> Uuid| new.iter().map(of).collect::<Vec<Uuid>>();
        let texts = |of: &dyn Fn(&NewRequest) -> String| new.iter().map(of).collect::<Vec<String>>();
        let query = sqlx::query(SUBMIT_MANY)
            .bind(uuids(&id_of))
            .bind(uuids(&|new| new.renter_id.uuid()))
            .bind(texts(&|new| new.form.title.clone()))
            .bind(texts(&|new| new.form.description.clone()))
            .bind(texts(&|new| new.form.priority.as_str().to_owned()))
            .bind(vec![now; new.len()])
            .bind(uuids(&|new| new.property_id.uuid()))
            .bind(texts(&|new| new.form.location.clone()))
            .bind(uuids(&|new| complex_of(self.dataset, new)))
            .bind(texts(&|new| new.form.specialty.clone().unwrap_or_default()))
            .bind(uuids(&|_| fresh()))
            .bind(new.iter().map(|_| i32::try_from(numbers(1))).collect::<Result<Vec<i32>, _>>()?);
        let filed = query.fetch_all(&self.pool).await?;
        if filed.len() == new.len() { Ok(()) } else { Err("not all were filed".into()) }
    }

    async fn dispatch(&self, batch: u32) -> Result<u64> {
        let (lease, now) = (fresh(), SystemClock.now());
        let claim = sqlx::query(CLAIM).bind(lease).bind(now + TimeDelta::minutes(5)).bind(now);
        let rows = claim.bind(i64::from(batch)).fetch_all(&self.pool).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let ids: Vec<Uuid> = rows.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<_>>()?;
        let providers: Vec<String> = ids.iter().map(|id| format!("byhand.{id}")).collect();
        let record = sqlx::query(RECORD).bind(&ids).bind(providers).bind(lease).bind(SystemClock.now());
        let stood = record.execute(&self.pool).await?.rows_affected();
        if stood == u64::try_from(ids.len())? { Ok(stood) } else { Err("not all were recorded".into()) }
    }

    async fn deliver(&self, updates: &[DeliveryUpdate]) -> Result<()> {
        let ids: Vec<Option<Uuid>> =
            updates.iter().map(|update| update.notification_id.map(Uuid::from)).collect();
        let times: Vec<DateTime<Utc>> = updates.iter().map(|update| update.at).collect();
        let done = sqlx::query(DELIVER).bind(ids).bind(times).execute(&self.pool).await?;
        changed(done.rows_affected(), updates.len())
    }

    async fn begin(&self, of: &Prepared) -> Result<()> {
        let query = sqlx::query(BEGIN).bind(of.request.uuid()).bind(SystemClock.now());
        let done = query.bind(of.worker.uuid()).bind(fresh()).execute(&self.pool).await?;
        changed(done.rows_affected(), 1)
    }
}

/// Whether a write by hand had its whole effect: a baseline that does less measures nothing.
pub(crate) fn changed(rows: u64, wanted: usize) -> Result<()> {
    if rows == u64::try_from(wanted)? {
        Ok(())
    } else {
        Err(format!("{rows} of {wanted} rows were changed").into())
    }
}
