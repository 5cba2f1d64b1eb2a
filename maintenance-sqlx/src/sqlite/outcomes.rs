//! The script that records the outcomes of sends.

use maintenance_core::{Recorded, RepositoryError, SendRecord};
use serde_json::{Value, json};
use sqlx::Row as _;

use super::{
    convert::{id, time},
    script::{Query, Script, script},
    source::Source,
};
use crate::{
    columns::{early_columns, events_end_sql, insert_events_sql},
    decode, encode,
    outcomes::{Outcome, waves},
};

/// Applies the outcomes of `$1` as `Notification::apply_outcome` does, mirrors the messages into their
/// requests, stores the provider ids, and returns the webhook updates that were kept for those.
pub(super) const RECORD_OUTCOMES: Script = script!(
    "
    update maintenance_notifications as n
       set lease    = iif(n.lease is o.lease, null, n.lease),
           claims   = iif(n.lease is o.lease, 0, n.claims),
           attempts = max(n.attempts, o.attempts),
           status   = iif(n.status = 'pending' and o.kind in ('sent', 'failed'), o.kind, n.status),
           due_at   = iif(n.status = 'pending' and o.kind = 'later', o.due_at, n.due_at),
           provider_message_id = coalesce(n.provider_message_id, o.provider_message_id),
           sent_at    = iif(o.kind = 'sent', min(coalesce(n.sent_at, o.at), o.at), n.sent_at),
           failed_at  = iif(n.status = 'pending' and o.kind = 'failed', o.at, n.failed_at),
           error_code = case when n.status <> 'pending' then n.error_code
                             when o.kind = 'sent'       then null
                             else coalesce(o.error_code, n.error_code) end,
           error_text = case when n.status <> 'pending' then n.error_text
                             when o.kind = 'sent'       then null
                             else coalesce(o.error_text, n.error_text) end
      from (select value ->> 'id'         as id,
                   value ->> 'lease'      as lease,
                   value ->> 'attempts'   as attempts,
                   value ->> 'at'         as at,
                   value ->> 'kind'       as kind,
                   value ->> 'provider_message_id' as provider_message_id,
                   value ->> 'due_at'     as due_at,
                   value ->> 'error_code' as error_code,
                   value ->> 'error_text' as error_text
              from json_each($1)) o
     where n.id = o.id and (n.lease = o.lease or o.kind = 'sent')
    returning id;

    update maintenance_requests as r
       set whatsapp_message_id = n.provider_message_id,
           whatsapp_status     = n.status
      from maintenance_notifications n
     where n.id in (select value ->> 'id' from json_each($1))
       and r.id = n.request_id and r.notification_id = n.id
       and (r.whatsapp_status <> n.status or r.whatsapp_message_id is not n.provider_message_id);

    insert into maintenance_notification_sends (provider_message_id, channel, notification_id, attempt, at)
    select value ->> 'provider_message_id', n.channel, n.id, value ->> 'attempts', value ->> 'at'
      from json_each($1)
      join maintenance_notifications n on n.id = value ->> 'id'
     where value ->> 'kind' = 'sent'
    on conflict (provider_message_id, channel) do nothing;

    ",
    insert_events_sql!(),
    "(select n.id as about, iif(value ->> 'kind' = 'sent', 'told', 'failed') as kind, n.organization_id,
                 n.request_id, value ->> 'at' as at
            from json_each($1)
            join maintenance_notifications n on n.id = value ->> 'id'
           where value ->> 'kind' = 'sent'
              or value ->> 'kind' = 'failed' and n.status = 'failed' and n.failed_at = value ->> 'at')",
    events_end_sql!("maintenance_event_consumers"),
    ";

    select ",
    early_columns!(),
    "
      from json_each($1)
      join maintenance_notifications n on n.id = value ->> 'id'
      join maintenance_early_deliveries e
        on e.provider_message_id = value ->> 'provider_message_id' and e.channel = n.channel"
);

/// Records the outcomes. Several outcomes of one notification are applied one after the other.
pub(super) async fn record(source: &Source<'_>, records: &[SendRecord]) -> Result<Recorded, RepositoryError> {
    let mut recorded = Recorded::default();
    for wave in waves(records) {
        let outcomes = encode::rows(wave.iter().map(row));
        let rows = source.write(&RECORD_OUTCOMES, |query: Query| query.bind(outcomes)).await?;
        for row in &rows {
            // A row of one column is the id of a message whose outcome counted.
            if row.len() == 1 {
                recorded.counted += 1;
            } else {
                recorded.early.extend(decode::early_or_none(row, 0)?);
            }
        }
    }
    Ok(recorded)
}

fn row(outcome: &Outcome) -> Value {
    json!({
        "id": id(outcome.id),
        "lease": id(outcome.lease),
        "attempts": outcome.attempts,
        "at": time(outcome.at),
        "kind": outcome.kind,
        "provider_message_id": outcome.provider_message_id,
        "due_at": outcome.due_at.map(time),
        "error_code": outcome.error_code,
        "error_text": outcome.error_text,
    })
}
