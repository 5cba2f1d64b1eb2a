//! Files and images attached to a request.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::values::{AttachmentId, Invalid, RequestId, Rule, invalid::string_form, time};

/// Where an attached file is: an absolute `http` or `https` URL with a host and without credentials, of at
/// most 2,048 characters.
///
/// It may carry a signature or a key, so `Debug` shows the scheme and the host alone.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileUrl(Url);

impl FileUrl {
    /// The URL, normalised.
    pub fn new(text: &str) -> Result<Self, Rule> {
        let url = Url::parse(text)
            .map_err(|_| Rule::new("must be an absolute URL, as in https://files.example.com/sink.jpg"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Rule::new(format!("has the scheme `{}`; it must be http or https", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Rule::new("holds a user name or password; remove it"));
        }
        let length = url.as_str().len();
        if length > 2_048 {
            return Err(Rule::new(format!("has {length} characters; it may have 2,048")));
        }
        Ok(Self(url))
    }

    /// The URL as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

string_form!(FileUrl);

impl fmt::Debug for FileUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileUrl({}://{}/…)", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

/// A file's MIME type, such as `image/jpeg`, in lower case; parameters are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileType(String);

impl FileType {
    /// The type. Fails when it is not a MIME type or has more than 255 characters.
    pub fn new(text: &str) -> Result<Self, Rule> {
        let text = text.trim().to_ascii_lowercase();
        match mediatype::MediaType::parse(&text) {
            Ok(_) if text.len() <= 255 => Ok(Self(text)),
            _ => Err(Rule::new("must be a MIME type, as in image/jpeg")),
        }
    }

    /// The type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

string_form!(FileType);

/// A file or image of a request (table `maintenance_attachments`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// The request it belongs to.
    pub request_id: RequestId,
    /// Where the file is.
    pub file_url: FileUrl,
    /// Its MIME type.
    pub file_type: FileType,
    /// When it was added, UTC.
    #[serde(deserialize_with = "time::de")]
    pub created_at: DateTime<Utc>,
}

/// A file to attach. The file itself stays where it is; the engine keeps its address.
#[derive(Clone, Deserialize)]
pub struct NewAttachment {
    /// The caller's idempotency key: the same id twice attaches one file.
    #[serde(default)]
    pub id: Option<AttachmentId>,
    /// The file's `http` or `https` URL.
    pub file_url: String,
    /// Its MIME type, as in `image/jpeg`.
    pub file_type: String,
}

impl NewAttachment {
    /// The validated address and type.
    pub(crate) fn validate(&self) -> Result<(FileUrl, FileType), Invalid> {
        let mut invalid = Invalid::default();
        let url = invalid.keep("file_url", FileUrl::new(&self.file_url));
        let file_type = invalid.keep("file_type", FileType::new(&self.file_type));
        invalid.finish(url.zip(file_type))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_can_be_attached() {
        for bad in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "sink.jpg",
            "",
            "https://",
            "https://a:b@c.example/",
        ] {
            assert!(FileUrl::new(bad).is_err(), "{bad}");
        }
        assert_eq!(
            FileUrl::new("file:///x").unwrap_err().to_string(),
            "has the scheme `file`; it must be http or https"
        );
    }

    #[test]
    fn a_url_s_path_and_query_stay_out_of_debug() {
        let url = FileUrl::new("https://files.example.com/sink.jpg?signature=s3cret").unwrap();
        assert_eq!(format!("{url:?}"), "FileUrl(https://files.example.com/…)");
    }

    #[test]
    fn a_file_type_is_a_mime_type() {
        assert_eq!(FileType::new("Image/JPEG").unwrap().as_str(), "image/jpeg");
        assert!(FileType::new("jpeg").is_err());
    }
}
