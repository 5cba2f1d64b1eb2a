//! The signature of a post, and the comparison of secrets.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// What the header's value begins with.
const PREFIX: &str = "sha256=";

/// The signature of a post, as its header `X-Hub-Signature-256` carries it.
///
/// ```
/// use maintenance_whatsapp::{SecretString, webhook::Signature};
///
/// let secret = SecretString::from("test_app_secret_0123456789abcdef");
/// let header = b"sha256=f18075f0bbeb02ee5043593392c48c4a9eafb26469f108d9615c5a772d1df41e";
/// let body = br#"{"object":"whatsapp_business_account","entry":[]}"#;
/// Signature::from_header(Some(header))?.verify(&secret, body)?;
/// # Ok::<(), maintenance_whatsapp::webhook::SignatureError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature([u8; 32]);

/// Why a post can't be taken for Meta's. Answer it with 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The post has no such header.
    #[error("the post has no X-Hub-Signature-256 header")]
    Missing,
    /// The header isn't `sha256=` and 64 hexadecimal digits.
    #[error("the X-Hub-Signature-256 header must be sha256= and 64 hexadecimal digits")]
    Malformed,
    /// The signature isn't that of this body under the app secret.
    #[error("the signature doesn't match the body; check that the app secret is that of the app that posts")]
    Forged,
}

impl Signature {
    /// Reads the header's value; `None` stands for a post without the header.
    ///
    /// # Errors
    ///
    /// [`SignatureError::Missing`] or [`SignatureError::Malformed`].
    pub fn from_header(value: Option<&[u8]>) -> Result<Self, SignatureError> {
        let value = value.ok_or(SignatureError::Missing)?;
        let digits = value.strip_prefix(PREFIX.as_bytes()).ok_or(SignatureError::Malformed)?;
        let mut signature = [0; 32];
        hex::decode_to_slice(digits, &mut signature).map_err(|_| SignatureError::Malformed)?;
        Ok(Self(signature))
    }

    /// Checks in constant time that this is the signature of these bytes. They must be the body exactly as it
    /// arrived: JSON that was parsed and written again has other bytes.
    ///
    /// # Errors
    ///
    /// [`SignatureError::Forged`] when it isn't.
    pub fn verify(&self, app_secret: &SecretString, body: &[u8]) -> Result<(), SignatureError> {
        let mac = mac(app_secret, body).ok_or(SignatureError::Forged)?;
        mac.verify_slice(&self.0).map_err(|_| SignatureError::Forged)
    }
}

/// Compares a secret with the expected one in constant time.
pub(super) fn is_secret(expected: &SecretString, given: &str) -> bool {
    let signed = |text: &str| mac(expected, text.as_bytes());
    match (signed(given), signed(expected.expose_secret())) {
        (Some(given), Some(expected)) => given.verify(&expected.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}

/// The header's value for a body.
#[cfg(feature = "fake")]
pub(crate) fn sign(app_secret: &SecretString, body: &[u8]) -> String {
    let signature = mac(app_secret, body).map(|mac| mac.finalize().into_bytes()).unwrap_or_default();
    format!("{PREFIX}{}", hex::encode(signature))
}

/// The HMAC of these bytes under the secret. HMAC accepts a key of any length, so this is never `None`.
fn mac(secret: &SecretString, bytes: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    mac.update(bytes);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"object":"whatsapp_business_account","entry":[]}"#;
    const GOOD: &str = "sha256=f18075f0bbeb02ee5043593392c48c4a9eafb26469f108d9615c5a772d1df41e";

    fn check(header: Option<&str>, body: &[u8]) -> Result<(), SignatureError> {
        let secret = SecretString::from("test_app_secret_0123456789abcdef");
        Signature::from_header(header.map(str::as_bytes))?.verify(&secret, body)
    }

    #[test]
    fn the_check_vector_holds() {
        assert_eq!(check(Some(GOOD), BODY), Ok(()));
        assert_eq!(check(Some(&GOOD.to_uppercase().replace("SHA", "sha")), BODY), Ok(()));
    }

    #[test]
    fn a_missing_a_malformed_and_a_forged_signature_are_told_apart() {
        assert_eq!(check(None, BODY), Err(SignatureError::Missing));
        let hex = GOOD.strip_prefix(PREFIX).unwrap();
        for bad in [
            "",
            "sha256=",
            hex,
            "sha1=00",
            "sha256=zz",
            &format!("{GOOD}0"),
            &format!("{GOOD}00"),
            &GOOD[..69],
        ] {
            assert_eq!(check(Some(bad), BODY), Err(SignatureError::Malformed), "{bad}");
        }
        assert_eq!(check(Some(&GOOD.replace('f', "e")), BODY), Err(SignatureError::Forged));
        assert_eq!(check(Some(GOOD), b"{}"), Err(SignatureError::Forged));
        assert_eq!(check(Some(GOOD), b""), Err(SignatureError::Forged));
    }

    #[test]
    fn the_signature_is_of_the_bytes_and_not_of_what_they_mean() {
        let escaped = br#"{"object":"whatsapp_business_account","entry":[ ]}"#;
        assert_eq!(check(Some(GOOD), escaped), Err(SignatureError::Forged));
    }

    #[test]
    fn a_secret_is_only_itself() {
        let secret = SecretString::from("abc");
        assert!(is_secret(&secret, "abc"));
        for other in ["", "ab", "abcd", "ABC"] {
            assert!(!is_secret(&secret, other));
        }
    }
}
