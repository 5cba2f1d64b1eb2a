//! Webhooks, through which Meta reports what happened to messages and what people wrote: the handshake, the signature,
//! and the updates and messages in a post. None of it needs an HTTP framework; with the feature `axum` there is a ready `router`.
//!
//! With another framework, a host answers as the router does:
//! - a `GET` with [`handshake`]: 200 and the challenge alone, or 403;
//! - a `POST` of more than [`MAX_BODY`] bytes with 413, and one whose [`Signature`] doesn't match the **raw**
//!   body with 401;
//! - any other `POST` with [`parse`], [`record_deliveries`](maintenance_core::Maintenance::record_deliveries),
//!   [`record_reached`](maintenance_core::Maintenance::record_reached) and
//!   [`receive`](maintenance_core::Maintenance::receive): 200 once all have returned, or 503 after an error, so that Meta
//!   delivers the post again.
//!
//! ```
//! use maintenance_core::{Maintenance, Repository};
//! use maintenance_whatsapp::{SecretString, webhook::{Signature, parse}};
//!
//! /// Returns the HTTP status to answer a post with.
//! async fn receive<R: Repository>(
//!     maintenance: &Maintenance<R>,
//!     app_secret: &SecretString,
//!     signature: Option<&[u8]>, // the header X-Hub-Signature-256
//!     body: &[u8],
//! ) -> u16 {
//!     let signature = Signature::from_header(signature);
//!     if signature.and_then(|signature| signature.verify(app_secret, body)).is_err() {
//!         return 401;
//!     }
//!     let webhook = parse(body, maintenance.now());
//!     let stored = async {
//!         let effects = maintenance.record_deliveries(&webhook.updates).await?;
//!         maintenance.record_reached(&webhook.recipients(&effects)).await?;
//!         maintenance.receive(&webhook.inbound).await
//!     };
//!     if stored.await.is_ok() { 200 } else { 503 }
//! }
//! ```
//!
//! That is for one number. A host with several verifies and reads by [`Numbers::handshake`](crate::Numbers::handshake)
//! and [`Numbers::receive`](crate::Numbers::receive) instead.
//!
//! A signed post is answered 200 once its readable updates and messages are stored, even when other parts of it can't be
//! read: Meta would otherwise deliver the same bytes again for days.

mod handshake;
mod named;
mod parse;
#[cfg(feature = "axum")]
mod router;
mod secrets;
mod signature;

pub(crate) use handshake::answer;
pub use handshake::{HandshakeError, handshake};
pub(crate) use named::named_numbers;
pub(crate) use parse::read;
pub use parse::{Ignored, ItemProblem, Unused, Webhook, parse};
#[cfg(feature = "axum")]
pub use router::{WebhookConfig, router};
pub use secrets::WebhookSecrets;
#[cfg(feature = "fake")]
pub(crate) use signature::sign;
pub use signature::{Signature, SignatureError};

/// The most bytes that a post of Meta's has.
pub const MAX_BODY: usize = 3 * 1024 * 1024;
