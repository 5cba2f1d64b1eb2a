//! Filing a request.

use std::collections::BTreeMap;

use tracing::instrument;

use super::Maintenance;
use crate::{
    ComplexId, Error, Inserted, Invalid, Need, NewRequest, Notification, NotificationId, Opening, Repository,
    Request, RequestId, RequestStatus, Selection, WhatsAppStatus,
    error::{Differences, Tries},
    request::RequestTexts,
    select,
};

/// A request that was filed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The request as it stands.
    pub request: Request,
    /// Whether this call filed it, and how its worker was selected.
    pub submission: Submission,
}

/// Whether a submit filed the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// It did. Without a chosen worker the request is filed unassigned; the ranking says why.
    Filed(Selection),
    /// It was filed before, by a submit with the same id and content.
    AlreadyFiled,
}

impl<R: Repository> Maintenance<R> {
    /// Files a request, selects its worker and leaves the message to them in the outbox, in one atomic step.
    ///
    /// Two calls with one id file one request; with other content the second is [`Error::Reused`].
    #[instrument(skip_all, fields(request), err)]
    pub async fn submit(&self, new: NewRequest) -> Result<Submitted, Error> {
        let (texts, complex_id) = self.validate(&new).await?;
        let id = new.id.unwrap_or_else(|| RequestId::mint(&self.shared.ids));
        tracing::Span::current().record("request", tracing::field::display(id));
        let now = self.shared.now();
        let mut request = Request {
            id,
            renter_id: new.renter_id,
            title: texts.title,
            description: texts.description,
            status: RequestStatus::Pending,
            priority: new.priority,
            created_at: now,
            updated_at: now,
            completed_at: None,
            property_id: new.property_id,
            location: texts.location,
            assigned_worker_id: None,
            whatsapp_message_id: None,
            whatsapp_status: WhatsAppStatus::Pending,
            complex_id,
            specialty: texts.specialty,
            version: 1,
        };
        let mut tries = Tries::default();
        loop {
            let selection = self.select_for(&request, BTreeMap::new()).await?;
            request.assigned_worker_id = selection.chosen;
            let notification = selection.chosen.map(|worker| {
                Notification::assignment(NotificationId::mint(&self.shared.ids), id, worker, now, now)
            });
            let opening = Opening { request: request.clone(), notification };
            match self.repository.open(&opening).await.map_err(Error::from) {
                Ok(Inserted::New) => {
                    self.wake();
                    return Ok(Submitted { request, submission: Submission::Filed(selection) });
                }
                Ok(Inserted::Existing(stored)) => {
                    same_content(&stored, &request)?;
                    return Ok(Submitted { request: stored, submission: Submission::AlreadyFiled });
                }
                Err(error) if tries.again(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn validate(&self, new: &NewRequest) -> Result<(RequestTexts, ComplexId), Error> {
        let mut invalid = Invalid::default();
        let texts = new.validate(&mut invalid);
        let complex = match new.complex_id {
            Some(complex) => Some(complex),
            None => self.shared.directory.complex_of(new.property_id).await?,
        };
        if complex.is_none() {
            invalid
                .push("property_id", format!("{} is no property that the directory knows", new.property_id));
        }
        Ok(invalid.finish(texts.zip(complex))?)
    }

    /// Ranks the complex's workers for a request. A worker whose row can't be read is left out, with a
    /// warning: the renter's request goes on without them.
    pub(super) async fn select_for(
        &self,
        request: &Request,
        excluded: BTreeMap<crate::WorkerId, crate::Exclusion>,
    ) -> Result<Selection, Error> {
        let candidates = self.repository.candidates(request.complex_id).await?;
        for error in &candidates.corrupt {
            tracing::warn!(%error, "a candidate was left out");
        }
        let need = Need { specialty: request.specialty.clone(), priority: request.priority, excluded };
        Ok(select(&need, &candidates.items, self.shared.policy))
    }
}

fn same_content(stored: &Request, given: &Request) -> Result<(), Error> {
    let trade =
        |request: &Request| request.specialty.as_ref().map_or("none", |trade| trade.as_str()).to_owned();
    Differences::default()
        .shown("renter_id", &stored.renter_id, &given.renter_id)
        .shown("property_id", &stored.property_id, &given.property_id)
        .private("title", &stored.title, &given.title)
        .private("description", &stored.description, &given.description)
        .shown("priority", &stored.priority, &given.priority)
        .private("location", &stored.location, &given.location)
        .shown("specialty", &trade(stored), &trade(given))
        .none("request", stored.id)
        .map_err(Error::from)
}
