//! The handshake by which Meta checks a webhook's address.

use secrecy::SecretString;
use url::form_urlencoded;

use super::signature::is_secret;

/// Why a handshake must be answered with 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// It isn't a subscription: `hub.mode` isn't `subscribe`, or `hub.challenge` is missing.
    #[error("hub.mode must be subscribe, and hub.challenge must be given")]
    NotASubscription,
    /// The verify token isn't the one configured.
    #[error("hub.verify_token isn't the configured verify token")]
    WrongToken,
}

/// The challenge to answer a `GET` with, given its query string. The response is the challenge as plain text
/// and nothing else.
///
/// # Errors
///
/// Why the `GET` must be answered 403.
///
/// ```
/// use maintenance_whatsapp::{SecretString, webhook::handshake};
///
/// let query = "hub.mode=subscribe&hub.verify_token=a%20token&hub.challenge=1158201444";
/// assert_eq!(handshake(query, &SecretString::from("a token")).as_deref(), Ok("1158201444"));
/// ```
pub fn handshake(query: &str, verify_token: &SecretString) -> Result<String, HandshakeError> {
    answer(query, std::iter::once(verify_token))
}

/// The same with several verify tokens, any of which is right.
pub(crate) fn answer<'t>(
    query: &str,
    verify_tokens: impl Iterator<Item = &'t SecretString>,
) -> Result<String, HandshakeError> {
    let value = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let subscribes = value("hub.mode").as_deref() == Some("subscribe");
    let challenge = value("hub.challenge").filter(|_| subscribes).ok_or(HandshakeError::NotASubscription)?;
    let token = value("hub.verify_token").unwrap_or_default();
    // Each is compared, so that the time doesn't tell which one was right.
    let right = verify_tokens.fold(false, |right, verify_token| right | is_secret(verify_token, &token));
    if right { Ok(challenge) } else { Err(HandshakeError::WrongToken) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_subscription_with_the_right_token_is_answered() {
        let token = SecretString::from("t");
        let mode = Err(HandshakeError::NotASubscription);
        for (query, answer) in [
            ("hub.mode=subscribe&hub.verify_token=t&hub.challenge=1", Ok("1".to_owned())),
            ("hub.challenge=a%2Bb&hub.verify_token=t&hub.mode=subscribe", Ok("a+b".to_owned())),
            ("hub.mode=subscribe&hub.verify_token=u&hub.challenge=1", Err(HandshakeError::WrongToken)),
            ("hub.mode=subscribe&hub.challenge=1", Err(HandshakeError::WrongToken)),
            ("hub.mode=unsubscribe&hub.verify_token=t&hub.challenge=1", mode.clone()),
            ("hub.mode=subscribe&hub.verify_token=t", mode.clone()),
            ("", mode),
        ] {
            assert_eq!(handshake(query, &token), answer, "{query}");
        }
    }
}
