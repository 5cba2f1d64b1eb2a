//! Why the host can't run, in one sentence: what was wrong, and what would be right.

use std::{error::Error, fmt};

use maintenance_core::FieldError;
use maintenance_whatsapp::SetupError;

/// Why the host can't run: a sentence that says what was wrong and what would be right.
#[derive(Debug)]
pub struct StartError(String);

impl StartError {
    /// The server, the dispatcher or a task beside them ended though nobody stopped the host.
    pub fn ended() -> Self {
        Self::new("the server, the dispatcher or a task beside them ended by itself; the log says why")
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

    /// A number of WhatsApp that can't be used; each wrong setting goes by the name of its environment variable.
    pub(super) fn of_number(suffix: &str, error: SetupError) -> Self {
        let invalid = match error {
            SetupError::Invalid(invalid) => invalid,
            other => {
                let remedy = "check this machine's certificates";
                return Self::caused("the HTTP client can't be built", &other, remedy);
            }
        };
        let named = |FieldError { field, rule }: FieldError| match &*field {
            "token" => format!("WHATSAPP_TOKEN{suffix} {rule}"),
            "phone_number_id" => format!("WHATSAPP_PHONE_NUMBER_ID{suffix} {rule}"),
            "app_secret" => format!("WHATSAPP_APP_SECRET{suffix} {rule}"),
            "verify_token" => format!("WHATSAPP_VERIFY_TOKEN{suffix} {rule}"),
            "templates.assignment.name" => format!("WHATSAPP_TEMPLATE {rule}"),
            other => format!("{other} {rule}"),
        };
        let fields: Vec<String> = invalid.fields.into_iter().map(named).collect();
        Self(format!("the settings for WhatsApp are wrong: {}", fields.join("; ")))
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for StartError {}
