//! Adding and changing workers.

use tracing::instrument;

use super::Maintenance;
use crate::{
    maintenance::{Error, reused::Differences, tries::Tries},
    model::{NewWorker, Worker, WorkerStatus, WorkerUpdate},
    ports::{Inserted, Repository},
    values::{WorkerId, time::next_timestamp},
};

impl<R: Repository> Maintenance<R> {
    /// Adds a worker. The same id twice with the same content adds one.
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn add_worker(&self, new: NewWorker) -> Result<Worker, Error> {
        let id = new.id.unwrap_or_else(|| WorkerId::mint(&self.shared.ids));
        let worker = new.validate(id, self.shared.now())?;
        match self.repository.add_worker(&worker).await? {
            Inserted::New => Ok(worker),
            Inserted::Existing(stored) => same_worker(&stored, &worker).map(|()| stored),
        }
    }

    /// Changes what `update` names of a worker.
    #[instrument(skip_all, fields(%id), err(level = "debug"))]
    pub async fn update_worker(&self, id: WorkerId, update: WorkerUpdate) -> Result<Worker, Error> {
        let mut tries = Tries::default();
        loop {
            let before = self.worker(id).await?;
            let seen = before.updated_at;
            let mut worker = update.apply(before.clone())?;
            if worker == before {
                return Ok(before);
            }
            worker.updated_at = next_timestamp(self.shared.now(), seen);
            match self.repository.save_worker(&worker, seen).await.map_err(Error::from) {
                Ok(()) => return Ok(worker),
                Err(error) if tries.again(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sets whether a worker can be given work. Requests that are theirs stay theirs.
    pub async fn set_worker_status(&self, id: WorkerId, status: WorkerStatus) -> Result<Worker, Error> {
        self.update_worker(id, WorkerUpdate { status: Some(status), ..WorkerUpdate::default() }).await
    }

    /// A worker.
    pub async fn worker(&self, id: WorkerId) -> Result<Worker, Error> {
        let worker = self.repository.worker(id).await?;
        worker.ok_or(Error::NotFound { what: "worker", id: id.uuid() })
    }
}

fn same_worker(stored: &Worker, given: &Worker) -> Result<(), Error> {
    let trades =
        |worker: &Worker| worker.specialties.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Differences::default()
        .private("first_name", &stored.first_name, &given.first_name)
        .private("last_name", &stored.last_name, &given.last_name)
        .private("phone_number", stored.phone_number.as_str(), given.phone_number.as_str())
        .private("email", stored.email.as_str(), given.email.as_str())
        .shown("specialties", &trades(stored), &trades(given))
        .none("worker", stored.id)
        .map_err(Error::from)
}
