//! What Meta tells of messages: the handshake, the signature, and the updates in a post. No HTTP framework is
//! needed; with the feature `axum` there is a ready router.
//!
//! A host with another framework answers as the router does:
//! - a `GET` by [`handshake`]: 200 with the challenge alone, or 403;
//! - a `POST` of at most [`MAX_BODY`] bytes by [`Signature`] over the **raw** body, or 401;
//! - then by [`parse`], [`record_deliveries`](maintenance_core::Maintenance::record_deliveries), and 200 only
//!   once that has returned; after an error 503, and Meta delivers the same again.
//!
//! A signed body is always answered 200 once its good updates are stored, even when parts of it, or all of
//! it, can't be read: Meta would deliver the same bytes again for days, and no repetition makes them readable.

mod handshake;
mod parse;
#[cfg(feature = "axum")]
mod router;
mod signature;

pub use handshake::{HandshakeError, handshake};
pub use parse::{Ignored, ItemProblem, Webhook, parse};
#[cfg(feature = "axum")]
pub use router::{WebhookConfig, router};
#[cfg(feature = "fake")]
pub(crate) use signature::sign;
pub use signature::{Signature, SignatureError};

/// The most bytes that a post has.
pub const MAX_BODY: usize = 3 * 1024 * 1024;
