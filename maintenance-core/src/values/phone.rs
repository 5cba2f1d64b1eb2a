//! Phone numbers in E.164, the only form that WhatsApp takes.

use std::fmt;

pub use phonenumber::country::Id as Region;
use serde::{Deserialize, Serialize};

use super::invalid::Rule;

/// A phone number, kept as E.164: `+`, country code, number, digits only.
///
/// Private: `Debug` shows the first three and the last two characters alone.
///
/// ```
/// use maintenance_core::{PhoneNumber, Region};
///
/// let number = PhoneNumber::parse("(202) 555-0123", Some(Region::US))?;
/// assert_eq!(number.as_str(), "+12025550123");
/// assert_eq!(format!("{number:?}"), "PhoneNumber(+12*******23)");
/// # Ok::<(), maintenance_core::Rule>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Reads a number as people write it. Without a country code it is read as one of `region`.
    ///
    /// Fails when it has no country code and no region was given, or when no such number can exist in
    /// its country's numbering plan.
    pub fn parse(text: &str, region: Option<Region>) -> Result<Self, Rule> {
        const RULE: &str = "must be a phone number with its country code, as in +12025550123";
        let text = text.trim();
        // A country code in the number decides: given both, the library would strip the region's own trunk
        // prefix from another country's number.
        let region = region.filter(|_| !text.starts_with('+'));
        if region.is_none() && !text.starts_with('+') {
            return Err(Rule::new("has no country code; write it as in +12025550123"));
        }
        // The longest that E.164 allows is 15 digits; 64 leaves room for separators and keeps the
        // library's patterns off endless input.
        let number = (text.len() <= 64).then(|| phonenumber::parse(region, text).ok()).flatten();
        match number {
            Some(number) if number.is_valid() => {
                let text = number.format().mode(phonenumber::Mode::E164).to_string();
                Self::try_from(text)
            }
            Some(_) => Err(Rule::new("does not exist in its country's numbering plan")),
            None => Err(Rule::new(RULE)),
        }
    }

    /// The numbers that a sender's digits may stand for, as they may be stored: WhatsApp writes some countries' mobile
    /// numbers in another way than people do. Mexico's may have a 1 and Argentina's a 9 after the country code; Brazil's may
    /// lack the ninth digit, which its landlines never have. Empty for what can't be a number.
    ///
    /// ```
    /// use maintenance_core::PhoneNumber;
    ///
    /// let stored: Vec<String> = PhoneNumber::variants("5215512345678").into_iter().map(String::from).collect();
    /// assert_eq!(stored, ["+5215512345678", "+525512345678"]);
    /// ```
    pub fn variants(digits: &str) -> Vec<Self> {
        let other = match (digits.get(..2), digits.get(2..)) {
            (Some("52"), Some(rest)) => with_or_without("52", rest, "1"),
            (Some("54"), Some(rest)) => with_or_without("54", rest, "9"),
            (Some("55"), Some(rest)) => ninth_digit(rest),
            _ => None,
        };
        let texts = std::iter::once(digits.to_owned()).chain(other);
        texts.filter_map(|digits| Self::try_from(format!("+{digits}")).ok()).collect()
    }

    /// The number in E.164, with its `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its digits without the `+`, as providers write a sender's number.
    pub fn digits(&self) -> &str {
        self.0.trim_start_matches('+')
    }
}

/// Takes a number already in E.164. Only its form is checked: a stored number stays readable when a
/// country changes its numbering plan.
impl TryFrom<String> for PhoneNumber {
    type Error = Rule;

    fn try_from(text: String) -> Result<Self, Rule> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let e164 = (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if e164 { Ok(Self(text)) } else { Err(Rule::new("must be in E.164 form, as in +12025550123")) }
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |n: usize| n < 3 || n + 2 >= self.0.len();
        let masked: String =
            self.0.chars().enumerate().map(|(n, c)| if shown(n) { c } else { '*' }).collect();
        write!(f, "PhoneNumber({masked})")
    }
}

/// The number of ten digits with the mark after the country code, or without it.
fn with_or_without(country: &str, rest: &str, mark: &str) -> Option<String> {
    match (rest.len(), rest.strip_prefix(mark)) {
        (10, _) => Some(format!("{country}{mark}{rest}")),
        (11, Some(plain)) => Some(format!("{country}{plain}")),
        _ => None,
    }
}

/// The Brazilian mobile number with the ninth digit, or without it. A landline begins with 2 to 5.
fn ninth_digit(rest: &str) -> Option<String> {
    let (area, local) = rest.split_at_checked(2)?;
    let plain = if local.len() == 9 { local.strip_prefix('9')? } else { local };
    let mobile = plain.len() == 8 && plain.starts_with(['6', '7', '8', '9']);
    let ninth = if local.len() == 9 { "" } else { "9" };
    mobile.then(|| format!("55{area}{ninth}{plain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_several_countries_are_kept_as_e164() {
        for (written, region, kept) in [
            ("+1 650 555 1234", None, "+16505551234"),
            ("0491 570 006", Some(Region::AU), "+61491570006"),
            ("030 23125 000", Some(Region::DE), "+493023125000"),
            ("+33 1 99 00 12 34", Some(Region::US), "+33199001234"),
        ] {
            assert_eq!(PhoneNumber::parse(written, region).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn a_number_without_a_country_code_says_so_and_does_not_quote_the_number() {
        let rule = PhoneNumber::parse("650 555 1234", None).unwrap_err().to_string();
        assert_eq!(rule, "has no country code; write it as in +12025550123");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for bad in ["+", "+1", "+1 23", "+999 12345678", "hello", "+1650555123x4567", &"+1".repeat(5_000)] {
            assert!(PhoneNumber::parse(bad, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_senders_digits_stand_for_the_ways_of_writing_their_number() {
        for (digits, stored) in [
            ("12025550123", vec!["+12025550123"]),
            ("5215512345678", vec!["+5215512345678", "+525512345678"]),
            ("525512345678", vec!["+525512345678", "+5215512345678"]),
            ("5491123456789", vec!["+5491123456789", "+541123456789"]),
            ("541123456789", vec!["+541123456789", "+5491123456789"]),
            ("551187654321", vec!["+551187654321", "+5511987654321"]),
            ("5511987654321", vec!["+5511987654321", "+551187654321"]),
            // A landline, and a number with a digit too many.
            ("551131234567", vec!["+551131234567"]),
            ("5511931234567", vec!["+5511931234567"]),
            ("55119876543210", vec!["+55119876543210"]),
            ("", vec![]),
            ("52", vec![]),
            ("52é", vec![]),
            ("hello", vec![]),
        ] {
            let found: Vec<String> = PhoneNumber::variants(digits).into_iter().map(String::from).collect();
            assert_eq!(found, stored, "{digits}");
        }
    }

    #[test]
    fn only_e164_can_be_read_back() {
        for bad in ["\"16505551234\"", "\"+06505551234\"", "\"+1650\"", "\"+1650555123456789\"", "7"] {
            assert!(serde_json::from_str::<PhoneNumber>(bad).is_err(), "{bad}");
        }
    }
}
