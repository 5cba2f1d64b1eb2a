//! Comments and attachments.

use tracing::instrument;

use super::Maintenance;
use crate::{
    maintenance::{Error, reused::Differences},
    model::{Actor, Attachment, Comment, NewAttachment, NewComment, UserType},
    ports::{Inserted, Repository, RepositoryError, RepositoryErrorKind},
    values::{AttachmentId, CommentId, CommentText, Invalid, RequestId},
};

impl<R: Repository> Maintenance<R> {
    /// Adds a comment. A renter comments on their own requests, landlords and workers on any; the engine itself on none. The
    /// same id twice with the same content adds one.
    ///
    /// # Errors
    ///
    /// - [`Error::Invalid`] for a text that is empty or has more than 5,000 characters.
    /// - [`Error::NotAllowed`] for another renter, or for [`Actor::System`].
    /// - [`Error::NotFound`] for an unknown request, [`Error::Reused`] for an id used for another comment.
    /// - [`Error::Repository`] when the store fails.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, request: RequestId, renter: RenterId) -> Result<(), Error> {
    /// let comment = NewComment { id: None, comment: "It drips faster now.".into() };
    /// maintenance.comment(request, Actor::Renter(renter), comment).await?;
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, fields(%request), err(level = "debug"))]
    pub async fn comment(&self, request: RequestId, by: Actor, new: NewComment) -> Result<Comment, Error> {
        const ACTION: &str = "comment on this request";
        let text = CommentText::new(&new.comment);
        let text = text.map_err(|rule| Invalid::field("comment", rule.to_string()))?;
        let user_type = match by {
            Actor::Renter(_) => UserType::Renter,
            Actor::Worker(_) => UserType::MaintenanceStaff,
            Actor::Landlord(_) => UserType::Landlord,
            Actor::System => return Err(Error::NotAllowed { allowed: "a person", action: ACTION }),
        };
        if let Actor::Renter(renter) = by
            && self.request(request).await?.renter_id != renter
        {
            return Err(Error::NotAllowed { allowed: "its renter, a landlord or a worker", action: ACTION });
        }
        let comment = Comment {
            id: new.id.unwrap_or_else(|| CommentId::mint(&self.shared.ids)),
            request_id: request,
            user_id: by.user_id(),
            user_type,
            comment: text,
            created_at: self.shared.now(),
        };
        let inserted = self.repository.add_comment(&comment).await;
        let Inserted::Existing(stored) = inserted.map_err(|error| no_request(error, request))? else {
            return Ok(comment);
        };
        Differences::default()
            .shown("request_id", &stored.request_id, &comment.request_id)
            .shown("user_id", &stored.user_id, &comment.user_id)
            .private("comment", &stored.comment, &comment.comment)
            .none("comment", stored.id)?;
        Ok(stored)
    }

    /// Attaches a file to a request by its address: the host keeps the file. The same id twice with the same content attaches
    /// one. A call that the host trusts: it asks for no actor, so check yourself who may.
    ///
    /// # Errors
    ///
    /// - [`Error::Invalid`] for an address that isn't `http` or `https`, or a type that isn't a MIME type.
    /// - [`Error::NotFound`] for an unknown request, [`Error::Reused`] for an id used for another file.
    /// - [`Error::Repository`] when the store fails.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, request: RequestId) -> Result<(), Error> {
    /// let photo = NewAttachment {
    ///     id: None,
    ///     file_url: "https://files.example.com/sink.jpg".into(),
    ///     file_type: "image/jpeg".into(),
    /// };
    /// maintenance.attach(request, photo).await?;
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, fields(%request), err(level = "debug"))]
    pub async fn attach(&self, request: RequestId, new: NewAttachment) -> Result<Attachment, Error> {
        let (file_url, file_type) = new.validate()?;
        let attachment = Attachment {
            id: new.id.unwrap_or_else(|| AttachmentId::mint(&self.shared.ids)),
            request_id: request,
            file_url,
            file_type,
            created_at: self.shared.now(),
        };
        let inserted = self.repository.add_attachment(&attachment).await;
        let Inserted::Existing(stored) = inserted.map_err(|error| no_request(error, request))? else {
            return Ok(attachment);
        };
        Differences::default()
            .shown("request_id", &stored.request_id, &attachment.request_id)
            .private("file_url", stored.file_url.as_str(), attachment.file_url.as_str())
            .private("file_type", stored.file_type.as_str(), attachment.file_type.as_str())
            .none("attachment", stored.id)?;
        Ok(stored)
    }
}

fn no_request(error: RepositoryError, request: RequestId) -> Error {
    match error.kind {
        RepositoryErrorKind::NotFound => Error::NotFound { what: "request", id: request.uuid() },
        _ => error.into(),
    }
}
