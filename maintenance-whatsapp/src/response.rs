//! Reads the API's answer to a send: accepted, or what went wrong. Pure.

use std::time::Duration;

use maintenance_core::{DeliveryError, NextStep, NotifyError, Receipt, SendEffect};
use serde::Deserialize;
use serde_json::Value;

use crate::error_code::Meaning;

/// The longest wait that is taken from an answer.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// An HTTP answer to a send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reply<'a> {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The header `Retry-After`.
    pub(crate) retry_after: Option<&'a str>,
    /// The body, or as much of it as came.
    pub(crate) body: &'a [u8],
}

/// What is read of an answer's body.
#[derive(Deserialize, Default)]
struct Body {
    error: Option<Value>,
    messages: Option<Value>,
}

impl Body {
    /// Nothing of what isn't a JSON object: a list would be taken for the fields in their order.
    fn read(body: &[u8]) -> Self {
        let object = body.trim_ascii_start().starts_with(b"{");
        object.then(|| serde_json::from_slice(body).ok()).flatten().unwrap_or_default()
    }
}

impl Reply<'_> {
    /// The receipt, or what went wrong at that attempt (counted from 1).
    ///
    /// Decided by the body's error code wherever there is one, whatever the HTTP status; by the status alone
    /// when the code is unknown or the body can't be read, as with a proxy's HTML.
    pub(crate) fn read(self, attempt: u32) -> Result<Receipt, NotifyError> {
        let body = Body::read(self.body);
        if let Some(error) = body.error {
            return Err(self.refusal(&error, attempt));
        }
        if !(200..=299).contains(&self.status) {
            let code = format!("http_{}", self.status);
            return Err(self.error(None, &code, attempt));
        }
        let id =
            body.messages.as_ref().and_then(|messages| messages.pointer("/0/id")).and_then(Value::as_str);
        match id.filter(|id| is_message_id(id)) {
            Some(id) => {
                let status =
                    body.messages.as_ref().and_then(|messages| messages.pointer("/0/message_status"));
                match status.and_then(Value::as_str) {
                    Some("paused") => tracing::warn!(
                        "accepted, but its template is paused; a webhook tells what becomes of it"
                    ),
                    Some("held_for_quality_assessment") => {
                        tracing::warn!("accepted, but held until the template's quality is known");
                    }
                    _ => {}
                }
                Ok(Receipt { provider_message_id: id.to_owned() })
            }
            None => Err(NotifyError {
                next: NextStep::Retry { after: None },
                effect: SendEffect::Unknown,
                error: DeliveryError::new("unreadable_answer", "accepted, but the answer names no message"),
            }),
        }
    }

    fn refusal(self, error: &Value, attempt: u32) -> NotifyError {
        let code = integer(error.get("code"));
        // "Unsupported post request": the number's id is wrong, or the token has no right to it.
        let missing = integer(error.get("error_subcode")) == Some(33);
        // Every call must carry a proof that this configuration doesn't make.
        let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
        let unproved = message.contains("appsecret_proof");
        let code = if code == Some(100) && (missing || unproved) { Some(33) } else { code };
        let named = code.map_or_else(|| format!("http_{}", self.status), |code| code.to_string());
        self.error(code, &named, attempt)
    }

    fn error(self, code: Option<i64>, named: &str, attempt: u32) -> NotifyError {
        let meaning = code.and_then(Meaning::of).unwrap_or(Meaning::of_status(self.status));
        let (next, effect) = meaning.answers(self.wait(), attempt);
        NotifyError { next, effect, error: meaning.error(named) }
    }

    /// The wait that the API asks for, in whole seconds. The form with a date is not used by the API and is
    /// left to the defaults.
    fn wait(self) -> Option<Duration> {
        let seconds = self.retry_after?.trim().parse().ok().filter(|&seconds| seconds > 0)?;
        Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
    }
}

/// Whether a text can be a message's id: visible ASCII of bounded length.
pub(crate) fn is_message_id(id: &str) -> bool {
    (1..=512).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

/// An integer, also one written as text.
pub(crate) fn integer(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use maintenance_core::Scope;
    use proptest::prelude::*;

    use super::*;

    fn read(status: u16, body: &str) -> Result<Receipt, NotifyError> {
        Reply { status, retry_after: None, body: body.as_bytes() }.read(1)
    }

    const RETRY: NextStep = NextStep::Retry { after: None };

    #[test]
    fn an_acceptance_is_read_with_and_without_its_optional_parts() {
        for body in [
            r#"{"messaging_product":"whatsapp","contacts":[{"input":"+16505551234","wa_id":"16505551234"}],
                "messages":[{"id":"wamid.A=","message_status":"accepted"}]}"#,
            r#"{"messages":[{"id":"wamid.A=","message_status":"held_for_quality_assessment"}]}"#,
            r#"{"messages":[{"id":"wamid.A="}]}"#,
            r#"{"error":null,"messages":[{"id":"wamid.A="}]}"#,
        ] {
            assert_eq!(read(200, body).unwrap().provider_message_id, "wamid.A=");
        }
    }

    #[test]
    fn an_acceptance_that_names_no_message_leaves_the_outcome_unknown() {
        for body in [
            "",
            "null",
            "{}",
            "<html>",
            r#"{"messages":[]}"#,
            r#"{"messages":[{"id":7}]}"#,
            r#"{"messages":[{"id":""}]}"#,
            r#"{"messages":[{"id":"a\u0000b"}]}"#,
            r#"{"messages":[{"id":"wam"#,
            r#"[null,[{"id":"wamid.A="}]]"#,
            r#"[{"code":190}]"#,
        ] {
            let error = read(200, body).unwrap_err();
            assert_eq!((error.next, error.effect), (RETRY, SendEffect::Unknown), "{body}");
            assert_eq!(error.error.code, "unreadable_answer");
        }
    }

    #[test]
    fn an_error_with_status_200_is_an_error() {
        let error = read(200, r#"{"error":{"code":131026,"message":"Undeliverable"}}"#).unwrap_err();
        assert_eq!((error.next, error.effect), (NextStep::GiveUp, SendEffect::NotSent));
    }

    #[test]
    fn the_code_decides_and_not_the_http_status() {
        let error = read(500, r#"{"error":{"code":"190","message":"Expired"}}"#).unwrap_err();
        assert_eq!(
            (error.next, error.effect),
            (NextStep::Stop { scope: Scope::Channel }, SendEffect::NotSent)
        );
        assert_eq!(error.error.code, "190");
        assert!(error.error.text.starts_with("the access token isn't valid"));
    }

    #[test]
    fn nothing_that_the_api_says_is_kept() {
        let secret = "Malformed access token EAAGm0PX4ZCpsBA; Renter One renter@example.com +1 202 555 0123";
        for code in [190, 100, 131_026, 999_999] {
            let body = format!(
                r#"{{"error":{{"code":{code},"message":"{secret}","error_data":{{"details":"{secret}"}}}}}}"#
            );
            let error = read(400, &body).unwrap_err().error;
            assert!(error.text.chars().all(|c| !c.is_ascii_digit()), "{error}");
            for said in ["EAAG", "Renter", "example.com", "Malformed"] {
                assert!(!error.to_string().contains(said), "{error}");
            }
        }
        let strange = format!(r#"{{"error":{{"code":"{secret}","error_data":"{secret}"}}}}"#);
        assert_eq!(read(400, &strange).unwrap_err().error.code, "http_400");
    }

    #[test]
    fn a_missing_proof_stops_the_channel_although_its_code_says_wrong_request() {
        let message = "API calls from the server require an appsecret_proof argument";
        let error = read(400, &format!(r#"{{"error":{{"code":100,"message":"{message}"}}}}"#)).unwrap_err();
        assert_eq!(error.next, NextStep::Stop { scope: Scope::Channel });
    }

    #[test]
    fn a_template_that_was_edited_stops_its_own_messages() {
        for code in [132_000, 132_001, 132_008, 132_012, 132_015] {
            let error = read(400, &format!(r#"{{"error":{{"code":{code}}}}}"#)).unwrap_err();
            assert_eq!(error.next, NextStep::Stop { scope: Scope::Template }, "{code}");
        }
    }

    #[test]
    fn the_account_s_limit_rests_for_minutes_whatever_the_answer_asks() {
        for (header, minutes) in [(None, 5), (Some("1"), 5), (Some("600"), 10)] {
            let answer = Reply { status: 429, retry_after: header, body: br#"{"error":{"code":80007}}"# };
            let after = Duration::from_mins(minutes);
            assert_eq!(answer.read(1).unwrap_err().next, NextStep::Pause { scope: Scope::Channel, after });
        }
    }

    #[test]
    fn what_is_not_delivered_for_a_day_fails_at_once() {
        for code in [131_049, 130_472, 131_050] {
            let error = read(400, &format!(r#"{{"error":{{"code":{code}}}}}"#)).unwrap_err();
            assert_eq!((error.next, error.effect), (NextStep::GiveUp, SendEffect::NotSent), "{code}");
        }
    }

    #[test]
    fn a_missing_phone_number_id_stops_the_channel_although_its_code_says_wrong_request() {
        let error = read(400, r#"{"error":{"code":100,"error_subcode":33}}"#).unwrap_err();
        assert_eq!((error.next, error.error.code.as_str()), (NextStep::Stop { scope: Scope::Channel }, "33"));
    }

    #[test]
    fn without_a_known_code_the_http_status_decides() {
        let unknown = r#"{"error":{"code":999999,"message":"New"}}"#;
        let broken = ["", "<html>oops</html>", "{", "[]", r#"{"error":null}"#, r#"{"error":"no"}"#, unknown];
        for body in broken {
            for (status, next, effect) in [
                (302, NextStep::Stop { scope: Scope::Channel }, SendEffect::NotSent),
                (400, RETRY, SendEffect::NotSent),
                (401, NextStep::Stop { scope: Scope::Channel }, SendEffect::NotSent),
                (403, NextStep::Stop { scope: Scope::Channel }, SendEffect::NotSent),
                (404, NextStep::Stop { scope: Scope::Channel }, SendEffect::NotSent),
                (408, RETRY, SendEffect::Unknown),
                (413, NextStep::Fix, SendEffect::NotSent),
                (
                    429,
                    NextStep::Pause { scope: Scope::Channel, after: Duration::from_secs(10) },
                    SendEffect::NotSent,
                ),
                (500, RETRY, SendEffect::Unknown),
                (502, RETRY, SendEffect::Unknown),
                (599, RETRY, SendEffect::Unknown),
            ] {
                let error = read(status, body).unwrap_err();
                assert_eq!((error.next, error.effect), (next, effect), "{status} {body}");
                let code = if body == unknown { "999999".to_owned() } else { format!("http_{status}") };
                assert_eq!(error.error.code, code);
            }
        }
    }

    #[test]
    fn a_wait_that_the_api_asks_for_is_honoured_within_a_day() {
        for (header, seconds) in
            [("30", 30), (" 7 ", 7), ("999999999", 86_400), ("soon", 10), ("-1", 10), ("0", 10), ("1.5", 10)]
        {
            let answer = Reply { status: 429, retry_after: Some(header), body: b"" };
            let after = Duration::from_secs(seconds);
            assert_eq!(
                answer.read(1).unwrap_err().next,
                NextStep::Pause { scope: Scope::Channel, after },
                "{header}"
            );
        }
    }

    #[test]
    fn the_wait_for_one_recipient_grows_fourfold_up_to_an_hour() {
        for (attempt, seconds) in [(1, 4), (2, 16), (3, 64), (5, 1024), (6, 3600), (u32::MAX, 3600)] {
            let answer = Reply { status: 400, retry_after: None, body: br#"{"error":{"code":131056}}"# };
            let after = Some(Duration::from_secs(seconds));
            assert_eq!(answer.read(attempt).unwrap_err().next, NextStep::Retry { after });
        }
    }

    proptest! {
        #[test]
        fn no_answer_breaks_the_reading(
            status in any::<u16>(),
            header in any::<Option<String>>(),
            body in any::<Vec<u8>>(),
            attempt in any::<u32>(),
        ) {
            let _ = Reply { status, retry_after: header.as_deref(), body: &body }.read(attempt);
        }
    }
}
