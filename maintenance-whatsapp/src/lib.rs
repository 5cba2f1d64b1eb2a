//! Maintenance requests over the WhatsApp Cloud API.
//!
//! | to | use |
//! |---|---|
//! | send the engine's messages | [`CloudApi`], with a [`CloudApiConfig`] and [`Templates`] |
//! | send from several numbers, and receive their webhooks at one address | [`Numbers`] |
//! | receive webhooks with axum | `webhook::router` (feature `axum`) |
//! | receive webhooks with another framework | [`webhook::handshake`], [`webhook::Signature`], [`webhook::parse`] |
//! | test a host without Meta | `fake::FakeCloudApi` (feature `fake`) |
//!
#![cfg_attr(feature = "axum", doc = "```no_run")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use maintenance_core::{Directory, DispatchPolicy, Maintenance, Repository};
//! use maintenance_whatsapp::{
//!     CloudApi, CloudApiConfig, Templates,
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
//!     // The number's id, its token, and the templates as they are registered with Meta.
//!     let templates = Templates::default();
//!     let notifier = CloudApi::new(CloudApiConfig::new("106540352242922", "the-token", templates))?;
//!     maintenance.dispatcher(notifier, DispatchPolicy::default()).dispatch_due().await?;
//!
//!     let config = WebhookConfig::new("the-app-secret", "the-verify-token")?;
//!     Ok(axum::Router::new().nest("/webhooks/whatsapp", router(maintenance, config)))
//! }
//! ```
//!
//! # Sending
//!
//! Outside an open conversation WhatsApp accepts only templates, so each message is one template message. Its
//! parameters are cleaned and cut to fit, so that no message fails over its formatting. For a message that isn't
//! accepted, the notifier answers two questions, by the API's error code wherever there is one:
//!
//! | what happened | what to do next | may it have gone out? |
//! |---|---|---|
//! | rate limit for the recipient | try again after 4ⁿ seconds | no |
//! | our own rate limit for the recipient or the number | wait; counts as no attempt | no |
//! | rate limit of the number or the account | the channel pauses | no |
//! | transient error, time-out, lost response | try again | unknown |
//! | no connection, or maintenance of the account | the channel pauses | no |
//! | invalid token, restricted account, redirect, no TLS | the channel stops until a person acts | no |
//! | template missing, paused, or edited | its messages stop until a person acts | no |
//! | the API refuses the message itself | failed, for a person to look at | no |
//! | recipient can't be reached, or not for a day at least | failed | no |
//! | unknown refusal (4xx) | try again | no |
//! | unknown error (5xx) | try again | unknown |
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `rustls` | TLS for the HTTP client that [`CloudApi::new`] builds |
//! | `axum` | `webhook::router` |
//! | `fake` | `fake::FakeCloudApi`, an in-process Cloud API for a host's own tests |
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
mod numbers;
mod pace;
mod payload;
mod response;
mod template;
pub mod webhook;

pub use body::render_body;
pub use cloud_api::{CloudApi, SetupError};
pub use config::{CloudApiConfig, Pacing};
pub use numbers::Numbers;
pub use reqwest;
pub use secrecy::SecretString;
pub use template::{Parameter, Parameters, Template, Templates};

/// Compiles the example of the README.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
