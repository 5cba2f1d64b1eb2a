//! Maintenance requests over the WhatsApp Cloud API: a [`CloudApi`] that tells workers of their requests, and
//! the [`webhook`] by which Meta tells what became of the messages.
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
//! Outside an open conversation only templates may be sent, so each message is one template message. Its
//! parameters are cleaned and cut to fit: no message fails over its formatting. A message that isn't accepted
//! answers two questions, by the API's error code wherever there is one:
//!
//! | what happened | what to do next | may it have gone out? |
//! |---|---|---|
//! | too much for this recipient | try again after 4ⁿ seconds | no |
//! | our own pace has no place for this recipient yet | wait, counts as no attempt | no |
//! | too much for the number or the account | the channel pauses | no |
//! | a passing error, a time-out, a lost answer | try again | unknown |
//! | no connection | the channel pauses | no |
//! | maintenance on Meta's side | try again | no |
//! | bad token, blocked account, template unusable, redirect | the channel stops until a person acts | no |
//! | the request is wrong, or needs a template | failed, for a person to look at | no |
//! | the recipient can't be reached | failed | no |
//! | the recipient may not be written to now | try again in a day | no |
//! | an unknown refusal (4xx) | try again | no |
//! | an unknown error (5xx) | try again | unknown |
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `rustls` | TLS for the HTTP client that [`CloudApi::new`] builds |
//! | `axum` | `webhook::router` |
//! | `fake` | `fake`: an in-process fake of the Cloud API, for tests |
//!
//! None is on by default. TLS is the host's choice: without `rustls` it turns on a feature of its own
//! `reqwest` dependency, or brings its own client to [`CloudApi::with_client`].
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
mod pace;
mod payload;
mod response;
mod template;
pub mod webhook;

pub use body::render_body;
pub use cloud_api::{CloudApi, SetupError};
pub use config::{CloudApiConfig, Pacing};
pub use reqwest;
pub use secrecy::SecretString;
pub use template::{Parameter, Parameters, Template, Templates};
