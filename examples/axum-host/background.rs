//! What runs beside the dispatcher, for all organisations: the events are followed, and old messages deleted.

use std::{future::ready, time::Duration};

use maintenance_core::{ConsumerName, Error, Event, EventKind};
use tokio::time::interval;

use super::Engine;

/// How often the log looks for new events.
const POLL: Duration = Duration::from_secs(1);

/// How long messages are kept. WhatsApp may tell of one for 30 days.
const KEEP: Duration = Duration::from_hours(180 * 24);

/// How often old messages are looked for, and how many are deleted in one step.
const EVERY: Duration = Duration::from_hours(24);
const BATCH: u32 = 1_000;

/// Logs what happens. A search index, an invoice or a live screen would follow the events in the same way.
pub(super) async fn follow_events(engine: Engine, log: ConsumerName, until: impl Future<Output = ()>) {
    engine
        .events(log)
        .run(POLL, until, |event| {
            tell(&event);
            ready(Ok(()))
        })
        .await;
}

fn tell(event: &Event) {
    let Event { kind, organization_id, request_id, about, detail, .. } = event;
    let (request, detail) = (request_id.map(|id| id.to_string()), detail.as_deref());
    if matches!(kind, EventKind::Paused | EventKind::Corrupt) {
        tracing::warn!(%kind, detail, "somebody must act");
    } else {
        tracing::info!(%kind, organization = %organization_id, request, %about, detail, "event");
    }
}

/// Deletes old messages once per day until the host stops.
pub(super) async fn clean_up(engine: Engine, until: impl Future<Output = ()>) {
    let daily = async {
        let mut days = interval(EVERY);
        loop {
            days.tick().await;
            if let Err(error) = delete_old(&engine).await {
                tracing::error!(%error, "old messages were not deleted; tried again tomorrow");
            }
        }
    };
    tokio::select! {
        () = until => {}
        () = daily => {}
    }
}

async fn delete_old(engine: &Engine) -> Result<(), Error> {
    while !engine.clean_up(KEEP, BATCH).await?.is_empty() {}
    Ok(())
}
