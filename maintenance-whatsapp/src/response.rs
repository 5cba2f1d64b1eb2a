//! Reads the API's response to a send: accepted, or what went wrong. Pure.

use std::time::Duration;

use maintenance_core::{DeliveryError, NextStep, NotifyError, Receipt, SendEffect};
use serde::Deserialize;
use serde_json::Value;

use crate::error_code::{ErrorClass, code_of};

/// The longest wait that is taken from a response.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// An HTTP response to a send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SendResponse<'a> {
    /// Whether a template was sent.
    pub(crate) to_template: bool,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The header `Retry-After`.
    pub(crate) retry_after: Option<&'a str>,
    /// The body, or as much of it as came.
    pub(crate) body: &'a [u8],
}

/// A message that the API accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) receipt: Receipt,
    /// The `message_status` of a message that was accepted but isn't sent yet.
    pub(crate) held_back: Option<&'static str>,
}

/// The parts of a response's body that are read.
#[derive(Deserialize, Default)]
struct Body {
    error: Option<Value>,
    messages: Option<Value>,
}

impl Body {
    /// Empty unless the body is a JSON object: serde would take a list for the fields in their order.
    fn read(body: &[u8]) -> Self {
        let object = body.trim_ascii_start().starts_with(b"{");
        object.then(|| serde_json::from_slice(body).ok()).flatten().unwrap_or_default()
    }

    /// A text of the accepted message.
    fn message(&self, pointer: &str) -> Option<&str> {
        self.messages.as_ref()?.pointer(pointer)?.as_str()
    }
}

impl SendResponse<'_> {
    /// The accepted message, or what went wrong at that attempt (counted from 1).
    ///
    /// The body's error code decides wherever there is one, whatever the HTTP status. The status decides
    /// alone when the code is unknown or the body can't be read, as with a proxy's HTML.
    pub(crate) fn read(self, attempt: u32) -> Result<Accepted, NotifyError> {
        let body = Body::read(self.body);
        if let Some(error) = body.error {
            return Err(self.api_error(&error, attempt));
        }
        if !(200..=299).contains(&self.status) {
            return Err(self.error(None, attempt));
        }
        let Some(id) = body.message("/0/id").filter(|id| is_message_id(id)) else {
            return Err(NotifyError {
                next: NextStep::Retry { after: None },
                effect: SendEffect::Unknown,
                error: DeliveryError::new("unreadable_answer", "accepted, but the answer names no message"),
            });
        };
        let held_back = match body.message("/0/message_status") {
            Some("paused") => Some("paused"),
            Some("held_for_quality_assessment") => Some("held_for_quality_assessment"),
            _ => None,
        };
        Ok(Accepted { receipt: Receipt { provider_message_id: id.to_owned() }, held_back })
    }

    fn api_error(self, error: &Value, attempt: u32) -> NotifyError {
        let code = code_of(error.get("code"));
        // "Unsupported post request": the number's id is wrong, or the token has no right to it.
        let missing = code_of(error.get("error_subcode")) == Some(33);
        // The app requires that every call carries a proof, which this crate doesn't make.
        let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
        let unproved = message.contains("appsecret_proof");
        self.error(if code == Some(100) && (missing || unproved) { Some(33) } else { code }, attempt)
    }

    fn error(self, code: Option<i64>, attempt: u32) -> NotifyError {
        let class = code.and_then(ErrorClass::of_code).unwrap_or(ErrorClass::of_status(self.status));
        let (next, effect) = match class {
            // It was a template already, so another attempt would end the same way.
            ErrorClass::OutsideWindow if self.to_template => (NextStep::Fix, SendEffect::NotSent),
            class => class.outcome(self.wait(), attempt),
        };
        let code = code.map_or_else(|| format!("http_{}", self.status), |code| code.to_string());
        NotifyError { next, effect, error: class.error(&code) }
    }

    /// The wait that the API asks for, in whole seconds. The API doesn't use the header's form with a date,
    /// so that one is ignored.
    fn wait(self) -> Option<Duration> {
        let seconds = self.retry_after?.trim().parse().ok().filter(|&seconds| seconds > 0)?;
        Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
    }
}

/// Whether a text can be a message's id: visible ASCII of bounded length.
pub(crate) fn is_message_id(id: &str) -> bool {
    (1..=512).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use maintenance_core::Scope;
    use proptest::prelude::*;

    use super::*;

    fn read(status: u16, body: &str) -> Result<Accepted, NotifyError> {
        SendResponse { to_template: true, status, retry_after: None, body: body.as_bytes() }.read(1)
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
            assert_eq!(read(200, body).unwrap().receipt.provider_message_id, "wamid.A=");
        }
    }

    #[test]
    fn an_accepted_message_that_is_held_back_says_why() {
        for (status, held_back) in [
            ("accepted", None),
            ("paused", Some("paused")),
            ("held_for_quality_assessment", Some("held_for_quality_assessment")),
            ("Renter One", None),
        ] {
            let body = format!(r#"{{"messages":[{{"id":"wamid.A=","message_status":"{status}"}}]}}"#);
            assert_eq!(read(200, &body).unwrap().held_back, held_back);
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
        for code in [format!("\"{secret}\""), "12025550123".to_owned(), "\"12025550123\"".to_owned()] {
            let strange = format!(r#"{{"error":{{"code":{code},"error_data":"{secret}"}}}}"#);
            assert_eq!(read(400, &strange).unwrap_err().error.code, "http_400");
        }
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
            let response = SendResponse {
                to_template: true,
                status: 429,
                retry_after: header,
                body: br#"{"error":{"code":80007}}"#,
            };
            let after = Duration::from_mins(minutes);
            assert_eq!(response.read(1).unwrap_err().next, NextStep::Pause { scope: Scope::Channel, after });
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
            let response =
                SendResponse { to_template: true, status: 429, retry_after: Some(header), body: b"" };
            let after = Duration::from_secs(seconds);
            assert_eq!(
                response.read(1).unwrap_err().next,
                NextStep::Pause { scope: Scope::Channel, after },
                "{header}"
            );
        }
    }

    #[test]
    fn the_wait_for_one_recipient_grows_fourfold_up_to_an_hour() {
        for (attempt, seconds) in [(1, 4), (2, 16), (3, 64), (5, 1024), (6, 3600), (u32::MAX, 3600)] {
            let response = SendResponse {
                to_template: true,
                status: 400,
                retry_after: None,
                body: br#"{"error":{"code":131056}}"#,
            };
            let after = Some(Duration::from_secs(seconds));
            assert_eq!(response.read(attempt).unwrap_err().next, NextStep::Retry { after });
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
            let _ = SendResponse { to_template: true, status, retry_after: header.as_deref(), body: &body }.read(attempt);
        }
    }
}
