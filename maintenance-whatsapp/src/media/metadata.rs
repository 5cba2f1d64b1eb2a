//! What the API says of a file, and which ids it may be asked for. Pure.

use maintenance_core::MediaError;
use reqwest::Url;
use serde_json::Value;

use crate::error_code::code_of;

/// What the API says of a file. It holds an address that is secret, so it has no `Debug`.
pub(super) struct Metadata {
    /// Where its content is.
    pub(super) url: Url,
    pub(super) mime_type: Option<String>,
    /// In hex or base64.
    pub(super) sha256: Option<String>,
    /// In bytes.
    pub(super) file_size: Option<u64>,
}

/// Whether a text can be a file's id. No other text becomes part of a path: `..` or a slash would name another object of
/// the API.
pub(super) fn is_media_id(id: &str) -> bool {
    (1..=512).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        && id.bytes().any(|b| b != b'.')
}

/// Reads the response to the request for a file.
pub(super) fn read(status: u16, body: &[u8]) -> Result<Metadata, MediaError> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    match status {
        200 => {}
        404 => return Err(UNKNOWN),
        400 if is_unknown(&body) => return Err(UNKNOWN),
        401 | 403 => return Err(MediaError::Later("the API refuses the access token for the file")),
        _ => return Err(MediaError::Later("the API did not say where the file is")),
    }
    let url = text("url").and_then(|url| Url::parse(url).ok());
    Ok(Metadata {
        url: url.ok_or(MediaError::Later("the API's answer has no address for the file"))?,
        mime_type: text("mime_type").map(str::to_owned),
        sha256: text("sha256").map(str::to_owned),
        file_size: body.get("file_size").and_then(size),
    })
}

const UNKNOWN: MediaError = MediaError::Refused("the API has no file of that id, or no longer");

/// Whether the API says that the object doesn't exist, which it does with status 400.
fn is_unknown(body: &Value) -> bool {
    let code = |pointer| code_of(body.pointer(pointer));
    code("/error/code") == Some(100) && code("/error/error_subcode") == Some(33)
}

/// A size, which the API writes as a number or as a text.
fn size(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_can_not_change_the_path() {
        for id in ["1", "1013859600285441", "a-b_c.d", "..7", &"9".repeat(512)] {
            assert!(is_media_id(id), "{id}");
        }
        let long = "9".repeat(513);
        for id in ["", ".", "..", "...", "1/2", "1?x", "1#x", "1%2e", "1 2", "a:b", "a\\b", "é", "1\n", &long]
        {
            assert!(!is_media_id(id), "{id:?}");
        }
    }

    #[test]
    fn the_optional_parts_may_be_missing_or_odd() {
        let read = |body: &str| read(200, body.as_bytes()).unwrap();
        let full = read(
            r#"{"messaging_product":"whatsapp","url":"https://lookaside.fbsbx.com/x?mid=1","mime_type":"image/jpeg",
                "sha256":"abc","file_size":303833,"id":"1","new":{}}"#,
        );
        assert_eq!(full.url.as_str(), "https://lookaside.fbsbx.com/x?mid=1");
        assert_eq!(full.mime_type.as_deref(), Some("image/jpeg"));
        assert_eq!((full.sha256.as_deref(), full.file_size), (Some("abc"), Some(303_833)));
        for (size, bytes) in [
            (r#""7""#, Some(7)),
            (r#"" 7 ""#, Some(7)),
            ("7.5", None),
            ("-1", None),
            (r#""x""#, None),
            ("[]", None),
        ] {
            let body = format!(r#"{{"url":"https://a.example","mime_type":7,"file_size":{size}}}"#);
            let odd = read(&body);
            assert_eq!((odd.file_size, odd.mime_type, odd.sha256), (bytes, None, None), "{size}");
        }
    }

    #[test]
    fn a_file_that_does_not_exist_is_refused_and_all_else_may_come_later() {
        let read = |status, body: &str| read(status, body.as_bytes()).err().unwrap();
        let missing = r#"{"error":{"code":100,"error_subcode":33,"message":"Unsupported get request"}}"#;
        assert_eq!(read(404, ""), UNKNOWN);
        assert_eq!(read(400, missing), UNKNOWN);
        for (status, body) in [
            (200, ""),
            (200, "<html>"),
            (200, "{}"),
            (200, r#"{"url":"/relative"}"#),
            (200, r#"["https://a.example"]"#),
            (400, r#"{"error":{"code":100}}"#),
            (400, r#"{"error":{"code":130429}}"#),
            (401, r#"{"error":{"code":190}}"#),
            (302, ""),
            (403, ""),
            (429, ""),
            (500, missing),
            (503, "<html>"),
        ] {
            assert!(matches!(read(status, body), MediaError::Later(_)), "{status} {body}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_breaks_the_reading(status in any::<u16>(), body in any::<Vec<u8>>()) {
            let _ = read(status, &body);
        }

        #[test]
        fn an_id_that_is_accepted_is_one_segment_of_a_path(id in "[a-z0-9._/?#%-]{0,8}") {
            if is_media_id(&id) {
                let base = Url::parse("https://a.example/v26.0/1/messages").unwrap();
                let url = base.join(&format!("../{id}")).unwrap();
                prop_assert_eq!(url.as_str(), format!("https://a.example/v26.0/{id}"));
            }
        }
    }
}
