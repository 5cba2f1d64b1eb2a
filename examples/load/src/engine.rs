//! The engine as a backend.

use std::sync::Arc;

use async_trait::async_trait;
use maintenance_core::{
    Actor, DeliveryUpdate, DispatchPolicy, Dispatcher, Maintenance, Move, NewRequest, Notifier, NotifyError,
    Outgoing, Receipt, Repository, RequestStatus,
};

use crate::{
    Result,
    dataset::Dataset,
    work::{Backend, Prepared},
};

pub(crate) type Store = Arc<dyn Repository>;

/// A channel that accepts at once.
pub(crate) struct Instant;

#[async_trait]
impl Notifier for Instant {
    async fn notify(&self, message: &Outgoing) -> Result<Receipt, NotifyError> {
        Ok(Receipt { provider_message_id: format!("instant.{}", message.notification_id) })
    }
}

/// The engine's use cases over a store.
pub(crate) struct Engine {
    maintenance: Maintenance<Store>,
    dispatcher: Dispatcher<Store, Arc<dyn Notifier>>,
}

impl Engine {
    /// Over that store and channel, sending in batches of that size, so many at a time.
    pub(crate) fn new(
        store: Store,
        dataset: Dataset,
        channel: Arc<dyn Notifier>,
        batch: u32,
        concurrency: usize,
    ) -> Self {
        let maintenance = Maintenance::new(store, dataset);
        let policy = DispatchPolicy { batch, concurrency, ..DispatchPolicy::default() };
        let dispatcher = maintenance.dispatcher(channel, policy);
        Self { maintenance, dispatcher }
    }
}

#[async_trait]
impl Backend for Engine {
    async fn submit(&self, new: NewRequest) -> Result<()> {
        self.maintenance.submit(new).await?;
        Ok(())
    }

    async fn submit_many(&self, new: Vec<NewRequest>) -> Result<()> {
        for answer in self.maintenance.submit_many(&new).await {
            answer?;
        }
        Ok(())
    }

    async fn import(&self, lines: Vec<String>) -> Result<()> {
        let lines = futures_util::stream::iter(lines);
        let mut refused = None;
        self.maintenance.import(lines, |line| refused = Some(line.to_string())).await?;
        refused.map_or(Ok(()), |line| Err(line.into()))
    }

    async fn dispatch(&self, _: u32) -> Result<u64> {
        let report = self.dispatcher.dispatch_due().await?;
        if report.sent != report.claimed || report.fenced > 0 {
            return Err(format!("{} claimed, but {} sent", report.claimed, report.sent).into());
        }
        Ok(u64::try_from(report.claimed)?)
    }

    async fn deliver(&self, updates: &[DeliveryUpdate]) -> Result<()> {
        self.maintenance.record_deliveries(updates).await?;
        Ok(())
    }

    async fn begin(&self, of: &Prepared) -> Result<()> {
        let to = Move::to(RequestStatus::InProgress, Actor::Worker(of.worker));
        self.maintenance.change_status(of.request, to).await?;
        Ok(())
    }
}
