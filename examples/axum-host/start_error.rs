//! Why the host can't run, in one sentence: what was wrong, and what would be right.

use std::{error::Error, fmt};

use maintenance_core::{FieldError, Invalid};
use maintenance_whatsapp::SetupError;

/// Why the host can't run: a sentence that says what was wrong and what would be right.
#[derive(Debug)]
pub struct StartError(String);

impl StartError {
    /// The server or the dispatcher ended though nobody stopped the host.
    pub fn ended() -> Self {
        Self::new("the server or the dispatcher ended by itself; the log says why")
    }

    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// What failed, with the error and its causes, and what would help.
    pub(super) fn caused(what: &str, error: &dyn Error, remedy: &str) -> Self {
        let mut causes: Vec<String> = Vec::new();
        for error in std::iter::successors(Some(error), |&error| error.source()) {
            let text = error.to_string();
            // Many errors repeat their cause's text.
            if !causes.iter().any(|cause| cause.contains(&text)) {
                causes.push(text);
            }
        }
        Self(format!("{what} ({}); {remedy}", causes.join(": ")))
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for StartError {}

/// Wrong settings of WhatsApp, each under the name of its environment variable.
impl From<Invalid> for StartError {
    fn from(invalid: Invalid) -> Self {
        let named = |FieldError { field, rule }: FieldError| {
            let variable = match &*field {
                "token" => "WHATSAPP_TOKEN",
                "phone_number_id" => "WHATSAPP_PHONE_NUMBER_ID",
                "templates.assignment.name" => "WHATSAPP_TEMPLATE",
                "app_secret" => "WHATSAPP_APP_SECRET",
                "verify_token" => "WHATSAPP_VERIFY_TOKEN",
                other => other,
            };
            format!("{variable} {rule}")
        };
        let fields: Vec<String> = invalid.fields.into_iter().map(named).collect();
        Self(format!("the settings for WhatsApp are wrong: {}", fields.join("; ")))
    }
}

impl From<SetupError> for StartError {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Invalid(invalid) => invalid.into(),
            other => {
                Self::caused("the HTTP client can't be built", &other, "check this machine's certificates")
            }
        }
    }
}
