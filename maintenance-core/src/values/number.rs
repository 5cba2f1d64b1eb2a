//! The short number by which people speak of a request.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::invalid::Rule;

/// The short number by which people speak of a request: `#1042`. It is unique within its organisation. A later request
/// has a greater number by and large; some numbers are left out.
///
/// ```
/// use maintenance_core::RequestNumber;
///
/// let number: RequestNumber = "#1042".parse()?;
/// assert_eq!(number, RequestNumber::new(1042));
/// assert_eq!(number.to_string(), "#1042");
/// # Ok::<(), maintenance_core::Rule>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestNumber(u32);

impl RequestNumber {
    /// The number of a request that has none yet, since the store gives it one when it is filed.
    pub const NONE: Self = Self(0);

    /// That number. Stores give numbers from 1.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number without its `#`.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for RequestNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("#{}", self.0))
    }
}

impl FromStr for RequestNumber {
    type Err = Rule;

    /// Reads what a person types: `#1042` or `1042`.
    fn from_str(text: &str) -> Result<Self, Rule> {
        let digits = text.trim();
        let digits = digits.strip_prefix('#').unwrap_or(digits);
        let number = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
        number.map(Self).ok_or_else(|| Rule::new("must be the number of a request, such as #1042"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_a_person_types_it() {
        for text in ["7", "#7", " #7 ", "#007"] {
            assert_eq!(text.parse(), Ok(RequestNumber::new(7)), "{text}");
        }
        for text in ["", "#", "+7", "-7", "7a", "##7", "4294967296", "٧"] {
            assert!(text.parse::<RequestNumber>().is_err(), "{text}");
        }
    }
}
