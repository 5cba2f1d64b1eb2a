//! The language that somebody reads.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::invalid::{Rule, string_form};

/// A language as messaging providers name it: two or three lower-case letters, and perhaps a region after an underscore,
/// as in `en`, `es`, `pt_BR`.
///
/// ```
/// use maintenance_core::Language;
///
/// assert_eq!(Language::new("pt_BR")?.base(), "pt");
/// assert!(Language::new("Portuguese").is_err());
/// # Ok::<(), maintenance_core::Rule>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

impl Language {
    /// The language of that code.
    pub fn new(code: &str) -> Result<Self, Rule> {
        let (base, region) = code.split_once('_').map_or((code, None), |(base, region)| (base, Some(region)));
        let is_base = (2..=3).contains(&base.len()) && base.bytes().all(|b| b.is_ascii_lowercase());
        let is_region = |region: &str| {
            (2..=3).contains(&region.len())
                && region.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        if is_base && region.is_none_or(is_region) {
            Ok(Self(code.to_owned()))
        } else {
            Err(Rule::new("must be a language code, as in en or pt_BR"))
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The code without its region.
    pub fn base(&self) -> &str {
        self.0.split('_').next().unwrap_or_default()
    }
}

string_form!(Language);

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
