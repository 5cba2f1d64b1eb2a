//! The store in memory, filled by its own port. It searches its rows one by one: give it few.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use maintenance_core::{
    Claim, Clock as _, LeaseId, Maintenance, NewWorker, NotificationRepository as _, RandomIds, Repository,
    SendOutcome, SendRecord, Submission, SystemClock,
};
use maintenance_memory::MemoryRepository;

use super::{Database, Told, progress};
use crate::{
    Result,
    dataset::{Dataset, Kind, TRADES, numbered},
    engine::Store,
    work::Prepared,
};

#[derive(Clone)]
pub(crate) struct Memory {
    repository: MemoryRepository<'static>,
    dataset: Dataset,
}

impl Memory {
    pub(crate) async fn fill(dataset: Dataset) -> Result<Self> {
        let repository = MemoryRepository::new();
        let made = Self { repository, dataset };
        let maintenance = Maintenance::new(made.repository.clone(), dataset);
        for n in 0..dataset.workers() {
            let trade = usize::try_from(n)? % TRADES.len();
            let worker = maintenance
                .add_worker(NewWorker {
                    id: Some(dataset.worker(n)),
                    first_name: "Worker".to_owned(),
                    last_name: format!("No {n}"),
                    phone_number: format!("+120255501{:02}", n % 100),
                    email: format!("worker{n}@example.com"),
                    specialties: TRADES.get(trade).map(ToString::to_string).into_iter().collect(),
                    ..NewWorker::default()
                })
                .await?;
            let complex = numbered(Kind::Complex, n / dataset.workers_per_complex).into();
            maintenance.assign_complex(worker.id, complex, n % dataset.workers_per_complex == 0).await?;
        }
        let bar = progress("memory", dataset.rows);
        made.prepare(dataset.rows, Told::Sent).await?;
        bar.finish_and_clear();
        Ok(made)
    }
}

#[async_trait]
impl Database for Memory {
    fn store(&self) -> Store {
        Arc::new(self.repository.clone()) as Arc<dyn Repository>
    }

    async fn prepare(&self, n: u32, told: Told) -> Result<Vec<Prepared>> {
        let maintenance = Maintenance::new(self.repository.clone(), self.dataset);
        let mut prepared = vec![];
        for chunk in (0..n).collect::<Vec<_>>().chunks(500) {
            let new: Vec<_> = chunk.iter().map(|n| self.dataset.request(*n)).collect();
            for answer in maintenance.submit_many(&new).await {
                let submitted = answer?;
                if matches!(submitted.submission, Submission::Filed(_))
                    && let Some(worker) = submitted.request.assigned_worker_id
                {
                    prepared.push((submitted.request.id, worker));
                }
            }
        }
        let mut ready = vec![];
        if told == Told::NotYet {
            return Ok(ready);
        }
        let lease = LeaseId::mint(&RandomIds);
        let now = SystemClock.now();
        let claim = Claim::new(now, now + TimeDelta::minutes(5), lease, u32::MAX);
        let claimed = self.repository.claim(&claim).await?.items;
        let records: Vec<SendRecord> = claimed
            .iter()
            .map(|claimed| SendRecord {
                notification_id: claimed.notification.id,
                lease,
                attempts: 1,
                at: now,
                outcome: SendOutcome::Sent {
                    provider_message_id: format!("wamid.{}", claimed.notification.id.uuid().simple()),
                },
            })
            .collect();
        self.repository.record_outcomes(&records).await?;
        for claimed in claimed {
            let Some(worker) = claimed.notification.to.worker() else { continue };
            ready.push(Prepared {
                request: claimed.request.id,
                worker,
                notification: claimed.notification.id,
                provider: format!("wamid.{}", claimed.notification.id.uuid().simple()),
            });
        }
        Ok(ready)
    }

    async fn settle(&self) -> Result<()> {
        Ok(())
    }

    async fn describe(&self) -> Result<Vec<(String, String)>> {
        Ok(vec![("store".to_owned(), "memory, no durability".to_owned())])
    }

    async fn remove(&self) -> Result<()> {
        Ok(())
    }
}
