//! Renters who want no messages.

use tracing::instrument;

use super::Maintenance;
use crate::{maintenance::Error, model::OptOut, ports::Repository, values::RenterId};

impl<R: Repository> Maintenance<R> {
    /// Tells a renter of this organisation no news any more, by whichever channel. News that waits fails with the code
    /// `opted_out` when its turn comes. A renter does the same by writing `STOP` to the number that the news came from.
    ///
    /// A call that the host trusts.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when the store fails.
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn opt_out(&self, renter: RenterId) -> Result<(), Error> {
        let (organization_id, at) = (self.organization(), self.now());
        let opt_out = OptOut { organization_id, renter_id: renter, channel: None, at };
        self.repository.opt_out(&opt_out).await?;
        Ok(())
    }

    /// Tells a renter of this organisation news again; whether they had opted out. What they missed meanwhile isn't told.
    ///
    /// A call that the host trusts.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when the store fails.
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn opt_in(&self, renter: RenterId) -> Result<bool, Error> {
        Ok(self.repository.opt_in(self.organization(), renter).await?)
    }
}
