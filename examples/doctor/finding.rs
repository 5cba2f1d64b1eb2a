//! What a check found, and what to do about it.

use std::fmt;

use serde::Serialize;

/// How good or bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// As it should be.
    Good,
    /// Messages go out, but somebody should look at it; or it could not be checked.
    Warning,
    /// Messages don't go out, or what comes back is lost.
    Wrong,
}

/// One line of the result. It holds no token and no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked, as in `token` or `template`.
    pub check: &'static str,
    /// Which one, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// How good or bad it is.
    pub mark: Mark,
    /// What was found.
    pub found: String,
    /// What to do, unless all is well.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub to_do: Option<String>,
    /// The template as it should be registered, when it isn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ours: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn good(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, about: None, mark: Mark::Good, found: found.into(), to_do: None, ours: None }
    }

    /// Somebody should look at it.
    pub fn warning(check: &'static str, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { mark: Mark::Warning, to_do: Some(to_do.into()), ..Self::good(check, found) }
    }

    /// It must be put right.
    pub fn wrong(check: &'static str, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { mark: Mark::Wrong, ..Self::warning(check, found, to_do) }
    }

    /// The same about that one.
    #[must_use]
    pub fn about(self, about: impl Into<String>) -> Self {
        Self { about: Some(about.into()), ..self }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "✓",
            Self::Warning => "!",
            Self::Wrong => "✗",
        })
    }
}

/// The line, without what [`ours`](Finding::ours) has.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:<12} ", self.mark, self.check)?;
        if let Some(about) = &self.about {
            write!(f, "{about}: ")?;
        }
        write!(f, "{}", self.found)?;
        self.to_do.as_ref().map_or(Ok(()), |to_do| write!(f, " → {to_do}"))
    }
}

/// The program's exit code: 1 if something is wrong, otherwise 0.
pub fn exit_code<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> u8 {
    u8::from(findings.into_iter().any(|finding| finding.mark == Mark::Wrong))
}
