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
    /// Adds a worker. The same id twice with the same content adds one. A call that the host trusts: it asks for no actor.
    ///
    /// # Errors
    ///
    /// - [`Error::Invalid`] with every wrong field: names, number, e-mail address, trades.
    /// - [`Error::Reused`] when the id was used for somebody else.
    /// - [`Error::Repository`] when the store fails.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, riverside: ComplexId) -> Result<(), Error> {
    /// let plumber = maintenance
    ///     .add_worker(NewWorker {
    ///         first_name: "Riverside".into(),
    ///         last_name: "Plumber".into(),
    ///         phone_number: "+1 202 555 0123".into(),
    ///         email: "plumber@example.com".into(),
    ///         specialties: vec!["plumbing".into()],
    ///         ..NewWorker::default()
    ///     })
    ///     .await?;
    /// maintenance.assign_complex(plumber.id, riverside, true).await?;
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn add_worker(&self, new: NewWorker) -> Result<Worker, Error> {
        let id = new.id.unwrap_or_else(|| WorkerId::mint(&self.shared.ids));
        let worker = new.validate(id, self.organization(), self.shared.now())?;
        match self.repository.add_worker(&worker).await? {
            Inserted::New => Ok(worker),
            Inserted::Existing(stored) => same_worker(&stored, &worker).map(|()| stored),
        }
    }

    /// Changes what `update` names of a worker, and leaves the rest. A call that the host trusts.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with every wrong field, [`Error::NotFound`], and [`Error::Repository`] when the store fails, or when
    /// others changed the worker at every one of eight tries (`Conflict`).
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, worker: WorkerId) -> Result<(), Error> {
    /// let number = WorkerUpdate { phone_number: Some("+1 202 555 0124".into()), ..WorkerUpdate::default() };
    /// maintenance.update_worker(worker, number).await?;
    /// # Ok(()) }
    /// ```
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

    /// Sets whether a worker can be given work. Requests that are theirs stay theirs: give them to others by
    /// [`reassign_all`](Self::reassign_all). A message that has not gone out yet is not sent to a worker who isn't active. A
    /// call that the host trusts.
    ///
    /// # Errors
    ///
    /// As [`update_worker`](Self::update_worker).
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, worker: WorkerId, landlord: Actor) -> Result<(), Error> {
    /// maintenance.set_worker_status(worker, WorkerStatus::OnLeave).await?;
    /// maintenance.reassign_all(worker, Assign::by(landlord).note("on leave")).await?;
    /// # Ok(()) }
    /// ```
    pub async fn set_worker_status(&self, id: WorkerId, status: WorkerStatus) -> Result<Worker, Error> {
        self.update_worker(id, WorkerUpdate { status: Some(status), ..WorkerUpdate::default() }).await
    }

    /// A worker. A call that the host trusts.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], and [`Error::Repository`] when the store fails.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, id: WorkerId) -> Result<(), Error> {
    /// let worker = maintenance.worker(id).await?;
    /// println!("{}", worker.status);
    /// # Ok(()) }
    /// ```
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
