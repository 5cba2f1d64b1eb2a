//! What is measured: something that many clients do again and again.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use maintenance_core::{
    Channel, Clock as _, DeliveryEvent, DeliveryUpdate, NewRequest, NotificationId, RequestId, SystemClock,
    WorkerId,
};

use crate::{
    Result,
    dataset::Dataset,
    store::{Database, Told},
};

/// One thing to measure.
#[async_trait]
pub(crate) trait Work: Send + Sync {
    /// Makes ready what the next slice uses up; not timed.
    async fn prepare(&self) -> Result<()> {
        Ok(())
    }

    /// Does it once; returns how many operations that was, 0 when nothing is left to do.
    async fn once(&self) -> Result<u64>;

    /// Takes away what the slice left; not timed.
    async fn clear(&self) -> Result<()> {
        Ok(())
    }
}

/// The effects that are compared: by the engine, and by hand.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    async fn submit(&self, new: NewRequest) -> Result<()>;

    async fn submit_many(&self, _new: Vec<NewRequest>) -> Result<()> {
        Err("can't file in batches".into())
    }

    async fn import(&self, _lines: Vec<String>) -> Result<()> {
        Err("can't import".into())
    }

    /// Claims and records so many messages; returns how many there were.
    async fn dispatch(&self, batch: u32) -> Result<u64>;

    async fn deliver(&self, updates: &[DeliveryUpdate]) -> Result<()>;

    /// Moves a pending request to in progress, by its worker.
    async fn begin(&self, of: &Prepared) -> Result<()>;
}

/// A request made ready, with its message.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) request: RequestId,
    pub(crate) worker: WorkerId,
    pub(crate) notification: NotificationId,
    pub(crate) provider: String,
}

/// Who does it, and on which tables.
#[derive(Clone)]
pub(crate) struct Actor {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) database: Arc<dyn Database>,
    pub(crate) dataset: Dataset,
}

/// Filing requests, singly or in batches.
pub(crate) struct Submitting {
    pub(crate) by: Actor,
    pub(crate) batch: u32,
}

/// The requests of one run are numbered through, so that they spread over the complexes.
static NUMBER: AtomicU32 = AtomicU32::new(0);

#[async_trait]
impl Work for Submitting {
    async fn once(&self) -> Result<u64> {
        let from = NUMBER.fetch_add(self.batch, Ordering::Relaxed);
        if self.batch == 1 {
            self.by.backend.submit(self.by.dataset.request(from)).await?;
        } else {
            let new = (0..self.batch).map(|n| self.by.dataset.request(from.wrapping_add(n)));
            self.by.backend.submit_many(new.collect()).await?;
        }
        Ok(self.batch.into())
    }

    async fn clear(&self) -> Result<()> {
        self.by.database.settle().await
    }
}

/// Importing requests with two changes of status and a comment each.
pub(crate) struct Importing {
    pub(crate) by: Actor,
    pub(crate) batch: u32,
}

#[async_trait]
impl Work for Importing {
    async fn once(&self) -> Result<u64> {
        let from = NUMBER.fetch_add(self.batch, Ordering::Relaxed);
        let lines = (0..self.batch).map(|n| self.by.dataset.old_request(from.wrapping_add(n)));
        self.by.backend.import(lines.collect()).await?;
        Ok(self.batch.into())
    }

    async fn clear(&self) -> Result<()> {
        self.by.database.settle().await
    }
}

/// Claiming, sending and recording.
pub(crate) struct Dispatching {
    pub(crate) by: Actor,
    pub(crate) batch: u32,
    pub(crate) amount: u32,
}

#[async_trait]
impl Work for Dispatching {
    async fn prepare(&self) -> Result<()> {
        self.by.database.prepare(self.amount, Told::NotYet).await.map(drop)
    }

    async fn once(&self) -> Result<u64> {
        self.by.backend.dispatch(self.batch).await
    }

    async fn clear(&self) -> Result<()> {
        self.by.database.settle().await
    }
}

/// Prepared requests that clients take from.
pub(crate) type Pool = Mutex<VecDeque<Prepared>>;

fn take(pool: &Pool, n: u32) -> Vec<Prepared> {
    let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
    let n = usize::try_from(n).unwrap_or(usize::MAX).min(pool.len());
    pool.drain(..n).collect()
}

async fn fill(pool: &Pool, by: &Actor, n: u32) -> Result<()> {
    let prepared = by.database.prepare(n, Told::Sent).await?;
    *pool.lock().unwrap_or_else(PoisonError::into_inner) = prepared.into();
    Ok(())
}

/// Delivery updates, one by one or a webhook's.
pub(crate) struct Delivering {
    pub(crate) by: Actor,
    pub(crate) batch: u32,
    pub(crate) amount: u32,
    pub(crate) pool: Pool,
}

#[async_trait]
impl Work for Delivering {
    async fn prepare(&self) -> Result<()> {
        fill(&self.pool, &self.by, self.amount).await
    }

    async fn once(&self) -> Result<u64> {
        let at = SystemClock.now();
        let updates: Vec<DeliveryUpdate> = take(&self.pool, self.batch)
            .into_iter()
            .map(|of| DeliveryUpdate {
                channel: Channel::DEFAULT,
                notification_id: Some(of.notification),
                provider_message_id: of.provider,
                event: DeliveryEvent::Delivered,
                at,
                error: None,
                next: None,
            })
            .collect();
        if !updates.is_empty() {
            self.by.backend.deliver(&updates).await?;
        }
        Ok(u64::try_from(updates.len())?)
    }

    async fn clear(&self) -> Result<()> {
        self.by.database.settle().await
    }
}

/// Changes of status.
pub(crate) struct Moving {
    pub(crate) by: Actor,
    pub(crate) amount: u32,
    pub(crate) pool: Pool,
}

#[async_trait]
impl Work for Moving {
    async fn prepare(&self) -> Result<()> {
        fill(&self.pool, &self.by, self.amount).await
    }

    async fn once(&self) -> Result<u64> {
        let Some(of) = take(&self.pool, 1).pop() else { return Ok(0) };
        self.by.backend.begin(&of).await?;
        Ok(1)
    }

    async fn clear(&self) -> Result<()> {
        self.by.database.settle().await
    }
}
