//! Examines a `WhatsApp` set-up, and says in plain words what to do.
//!
//! | to see | look in |
//! |---|---|
//! | what a line of the result is | `finding.rs` |
//! | the calls to the API, whose errors show no secret | `graph.rs` |
//! | the token and the app secret | `token.rs` |
//! | the number | `number.rs` |
//! | the templates, compared with ours and registered | `templates.rs` |
//! | the webhook | `webhook.rs` |

mod demo;
mod finding;
mod graph;
mod number;
mod settings;
mod templates;
mod token;
mod webhook;

use chrono::{DateTime, Utc};

pub use demo::Demo;
pub use finding::{Finding, Mark, exit_code};
pub use settings::{Flags, Settings, wordings};

use graph::{Graph, GraphError};

/// Examines one set-up.
pub struct Doctor<'a> {
    settings: &'a Settings,
    graph: Graph,
}

impl<'a> Doctor<'a> {
    /// A doctor for these settings.
    ///
    /// # Errors
    ///
    /// What is wrong with the address or the HTTP client.
    pub fn new(settings: &'a Settings) -> Result<Self, String> {
        Ok(Self { settings, graph: Graph::new(settings)? })
    }

    /// Makes every check in order and hands over each finding as it comes. It ends after the token if Meta can't be reached
    /// with it: all others would fail for the same reason.
    pub async fn examine(&self, now: DateTime<Utc>, mut found: impl FnMut(Finding)) {
        let Self { settings, graph } = self;
        let token = token::token(graph, settings, now).await;
        let usable = exit_code(token.iter().filter(|finding| finding.check == "token")) == 0;
        token.into_iter().for_each(&mut found);
        if !usable {
            return;
        }
        number::number(graph, settings).await.into_iter().for_each(&mut found);
        templates::templates(graph, settings).await.into_iter().for_each(&mut found);
        found(webhook::subscription(graph, settings).await);
        token::app_secret(graph, settings).await.into_iter().for_each(&mut found);
        webhook::signatures(graph, settings).await.into_iter().for_each(&mut found);
    }

    /// Registers the templates that are missing, and hands over what came back.
    pub async fn register(&self, found: impl FnMut(Finding)) {
        templates::register(&self.graph, self.settings).await.into_iter().for_each(found);
    }
}

/// A check that ended with an error of the API.
fn unchecked(check: &'static str, error: &GraphError) -> Finding {
    Finding::wrong(check, error.to_string(), error.to_do())
}
