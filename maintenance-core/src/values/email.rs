//! E-mail addresses.

use std::fmt;

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};

use super::invalid::{Rule, string_form};

/// An e-mail address as people use them: `local@host.tld`, at most 254 characters.
///
/// Private: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// The address. Fails when it is not one, or is a form such as `"quoted name" <a@b>` or `a@[127.0.0.1]`.
    pub fn new(text: &str) -> Result<Self, Rule> {
        let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
        let text = text.trim();
        if text.len() <= 254 && EmailAddress::parse_with_options(text, options).is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err(Rule::new("must be an e-mail address of at most 254 characters, as in name@example.com"))
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

string_form!(Email);

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}
