//! Maintenance requests over the WhatsApp Cloud API.
//!
//! | to | use |
//! |---|---|
//! | send the engine's messages | [`CloudApi`], with a [`CloudApiConfig`] and [`Wordings`] |
//! | send from several numbers, and receive their webhooks at one address | [`Numbers`] |
//! | receive webhooks with axum | `webhook::router` (feature `axum`) |
//! | receive webhooks with another framework | [`webhook::handshake`], [`webhook::Signature`], [`webhook::parse`] |
//! | register the templates with Meta | [`Wording::registrations`] |
//! | fetch the files that phones send | [`CloudApi`] or [`Numbers`], each a [`MediaSource`](maintenance_core::MediaSource) |
//! | keep those files | `ObjectMedia` (feature `object_store`) |
//! | test a host without Meta | `fake::FakeCloudApi` (feature `fake`) |
//!
#![cfg_attr(feature = "axum", doc = "```no_run")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use maintenance_core::{Directory, DispatchPolicy, Maintenance, Repository};
//! use maintenance_whatsapp::{
//!     CloudApi, CloudApiConfig, Wording, Wordings,
//!     webhook::{WebhookConfig, router},
//! };
//!
//! /// Sends what is due, and returns the host's routes with the webhook among them.
//! async fn messaging(
//!     repository: impl Repository + Clone + 'static,
//!     directory: impl Directory + 'static,
//! ) -> Result<axum::Router, Box<dyn std::error::Error>> {
//!     let maintenance = Maintenance::new(repository, directory);
//!
//!     // The number's id, its token, and the languages whose templates are registered with Meta.
//!     let wordings = Wordings::new(Wording::english()).with(Wording::spanish());
//!     let notifier = CloudApi::new(CloudApiConfig::new("106540352242922", "the-token", wordings))?;
//!     maintenance.dispatcher(notifier, DispatchPolicy::default()).dispatch_due().await?;
//!
//!     let config = WebhookConfig::new("the-app-secret", "the-verify-token")?;
//!     Ok(axum::Router::new().nest("/webhooks/whatsapp", router(maintenance, config)))
//! }
//! ```
//!
//! # Sending
//!
//! An answer to a worker's message goes out as a message of the conversation while that is open: a text, with buttons for
//! what the worker can do next, or with a list of jobs to choose from. Outside an open conversation WhatsApp accepts only
//! templates, so every other message is one template message, whose buttons carry what they ask for.
//!
//! A message goes out in its recipient's language as far as [`Wordings`] has it. All texts are cleaned and cut to fit, so
//! that no message fails over its formatting. For a message that isn't accepted, the notifier answers two questions, by the
//! API's error code wherever there is one:
//!
//! | what happened | what to do next | may it have gone out? |
//! |---|---|---|
//! | rate limit for the recipient | try again after 4ⁿ seconds | no |
//! | our own rate limit for the recipient or the number | wait; counts as no attempt | no |
//! | rate limit of the number or the account | the channel pauses | no |
//! | transient error, time-out, lost response | try again | unknown |
//! | no connection, or maintenance of the account | the channel pauses | no |
//! | invalid token, restricted account, redirect, no TLS | the channel stops until a person acts | no |
//! | the conversation is closed | the answer goes out by its template at once | no |
//! | template missing, paused, or edited | its messages stop until a person acts | no |
//! | the API refuses the message itself | failed, for a person to look at | no |
//! | recipient can't be reached, or not for a day at least | failed | no |
//! | unknown refusal (4xx) | try again | no |
//! | unknown error (5xx) | try again | unknown |
//!
//! # Files
//!
//! A file counts only when it is one that a phone may send: a listed type that fits its kind and its first bytes, no larger
//! than WhatsApp allows, with the right hash. The token goes to the API and to
//! [`media_hosts`](CloudApiConfig::media_hosts), and a redirect, another host or an address inside a network is refused.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `rustls` | TLS for the HTTP client that [`CloudApi::new`] builds |
//! | `axum` | `webhook::router` |
//! | `fake` | `fake::FakeCloudApi`, an in-process Cloud API for a host's own tests |
//! | `object_store` | `ObjectMedia`, which keeps files in a folder or in any store of the crate `object_store` |
//! | `s3`, `gcs`, `azure` | that crate's stores for Amazon S3, Google Cloud Storage and Azure, with TLS by rustls |
//!
//! None is on by default. TLS is the host's choice: without `rustls` it passes a client builder of its own to
//! [`CloudApi::with_client`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod cloud_api;
mod compiled_template;
mod config;
mod error_code;
#[cfg(feature = "fake")]
pub mod fake;
mod fit;
mod invalid;
mod media;
mod numbers;
mod pace;
mod parameter;
mod payload;
mod registration;
mod response;
mod session;
mod template;
pub mod webhook;
mod wording;

pub use body::render_body;
pub use cloud_api::{CloudApi, SetupError};
pub use config::{CloudApiConfig, Pacing};
#[cfg(feature = "object_store")]
pub use media::ObjectMedia;
pub use numbers::Numbers;
#[cfg(feature = "object_store")]
pub use object_store;
pub use parameter::Parameter;
pub use registration::Registration;
pub use reqwest;
pub use secrecy::SecretString;
pub use template::{Parameters, Template};
pub use wording::{Wording, Wordings};

/// Compiles the examples of the README.
#[cfg(all(doctest, feature = "axum", feature = "object_store"))]
#[doc = include_str!("../README.md")]
struct Readme;
