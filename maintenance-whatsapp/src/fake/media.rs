//! The files that the fake has, as phones sent them, and what is wrong with them.

use std::{fmt, io, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, Response, header},
    routing::get,
};
use futures_util::stream::{self, StreamExt as _};
use maintenance_core::{FileKind, InboundFile};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{FakeCloudApi, Shared};

/// A file that somebody's phone sent, for the fake to give: a good one, unless the methods say otherwise. `Debug` shows its
/// MIME type alone.
///
/// ```
/// # async fn example(fake: maintenance_whatsapp::fake::FakeCloudApi) {
/// use maintenance_core::FileKind;
/// use maintenance_whatsapp::fake::FakeMedia;
///
/// let photo = FakeMedia::new("image/jpeg", b"\xff\xd8\xff\xe0 and so on");
/// let id = fake.add_media(photo.clone());
/// let hostile = fake.add_media(photo.redirects_to("http://127.0.0.1:1/"));
/// # }
/// ```
#[derive(Clone)]
pub struct FakeMedia {
    mime_type: String,
    bytes: Bytes,
    metadata: Map<String, Value>,
    url: Option<String>,
    content: Content,
    expired: u32,
}

#[derive(Clone)]
enum Content {
    Whole,
    WithoutLength,
    Endless,
    Stalled,
    Redirect(String),
    Status(u16),
}

/// How many requests for files came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MediaRequests {
    /// For what the API knows of a file, with a token of one of the fake's numbers.
    pub lookups: usize,
    /// For the content of a file, with such a token.
    pub downloads: usize,
    /// Either, without such a token.
    pub unauthorized: usize,
}

/// The fake's files and the requests for them.
#[derive(Default)]
pub(super) struct Shelf {
    /// Each with how often it was looked up.
    files: Vec<(FakeMedia, u32)>,
    requests: MediaRequests,
}

impl FakeMedia {
    /// A file of that MIME type and content.
    pub fn new(mime_type: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = Bytes::from(bytes.into());
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let mime_type = mime_type.into();
        let metadata = [
            ("messaging_product", "whatsapp".into()),
            ("mime_type", mime_type.clone().into()),
            ("sha256", sha256.into()),
            ("file_size", bytes.len().into()),
        ];
        let metadata = metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { mime_type, bytes, metadata, url: None, content: Content::Whole, expired: 0 }
    }

    /// With another value in the metadata: `mime_type`, `sha256`, `file_size`, `id` or any other field. With `null` the
    /// field is missing.
    #[must_use]
    pub fn says(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(field.into(), value.into());
        self
    }

    /// The metadata has the size as a text, as older versions of the API write it.
    #[must_use]
    pub fn size_as_text(self) -> Self {
        let size = self.bytes.len().to_string();
        self.says("file_size", size)
    }

    /// The metadata has the hash of other content.
    #[must_use]
    pub fn wrong_hash(self) -> Self {
        self.says("sha256", hex::encode(Sha256::digest(b"other content")))
    }

    /// The metadata names that address for the content, and the fake gives none.
    #[must_use]
    pub fn at(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// The address redirects to that one.
    #[must_use]
    pub fn redirects_to(mut self, url: impl Into<String>) -> Self {
        self.content = Content::Redirect(url.into());
        self
    }

    /// The response doesn't say how long the content is.
    #[must_use]
    pub fn without_length(mut self) -> Self {
        self.content = Content::WithoutLength;
        self
    }

    /// After the content comes more, without end and whatever size the metadata has.
    #[must_use]
    pub fn endless(mut self) -> Self {
        self.content = Content::Endless;
        self
    }

    /// After the content nothing comes, and the response doesn't end.
    #[must_use]
    pub fn stalled(mut self) -> Self {
        self.content = Content::Stalled;
        self
    }

    /// The address responds with that HTTP status and no content.
    #[must_use]
    pub fn responds(mut self, status: u16) -> Self {
        self.content = Content::Status(status);
        self
    }

    /// The first so many addresses that the metadata names have expired when they are used.
    #[must_use]
    pub fn expired(mut self, times: u32) -> Self {
        self.expired = times;
        self
    }
}

impl fmt::Debug for FakeMedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeMedia").field("mime_type", &self.mime_type).finish_non_exhaustive()
    }
}

impl FakeMedia {
    pub(super) fn mime_type(&self) -> &str {
        &self.mime_type
    }
}

impl FakeCloudApi {
    /// Adds a file and returns its id.
    pub fn add_media(&self, media: FakeMedia) -> String {
        self.shared.add_media(media)
    }

    /// Adds a file and returns it as a message brings it.
    pub fn add_file(&self, kind: FileKind, media: FakeMedia) -> InboundFile {
        InboundFile {
            kind,
            mime_type: Some(media.mime_type.clone()),
            sha256: None,
            caption: None,
            file_name: None,
            media_id: self.add_media(media),
        }
    }

    /// How many requests for files came so far.
    pub fn media_requests(&self) -> MediaRequests {
        self.shared.state().media.requests
    }
}

impl Shared {
    /// Adds a file and returns its id.
    pub(super) fn add_media(&self, media: FakeMedia) -> String {
        let files = &mut self.state().media.files;
        files.push((media, 0));
        format!("{}", FIRST_ID + files.len() - 1)
    }
}

/// The id of the first file.
const FIRST_ID: usize = 1_013_859_600_285_441;

/// The address of a file's content.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/media/{media_id}/{lookup}", get(download))
}

/// What the API knows of a file.
pub(super) fn look_up(shared: &Shared, version: &str, media_id: &str, headers: &HeaderMap) -> Response<Body> {
    if !shared.is_authorized(headers) {
        return status(401);
    }
    let mut state = shared.state();
    state.media.requests.lookups += 1;
    let Some((media, lookups)) = state.media.file(media_id).filter(|_| version == shared.config.version)
    else {
        return status(404);
    };
    *lookups += 1;
    let url = format!("{}/media/{media_id}/{lookups}", shared.config.base_url);
    let mut metadata = media.metadata.clone();
    metadata.entry("id").or_insert(media_id.into());
    metadata.entry("url").or_insert(media.url.clone().unwrap_or(url).into());
    metadata.retain(|_, value| !value.is_null());
    let body = Value::from(metadata).to_string();
    build(Response::builder().header(header::CONTENT_TYPE, "application/json"), Body::from(body))
}

async fn download(
    State(shared): State<Arc<Shared>>,
    Path((media_id, lookup)): Path<(String, u32)>,
    headers: HeaderMap,
) -> Response<Body> {
    if !shared.is_authorized(&headers) {
        return status(401);
    }
    let mut state = shared.state();
    state.media.requests.downloads += 1;
    let Some((media, _)) = state.media.file(&media_id).filter(|(media, _)| lookup > media.expired) else {
        return status(404);
    };
    let first = stream::iter([Ok::<_, io::Error>(media.bytes.clone())]);
    let body = match &media.content {
        Content::Status(code) => return status(*code),
        Content::Redirect(url) => {
            return build(Response::builder().status(302).header(header::LOCATION, url), Body::empty());
        }
        Content::Whole => Body::from(media.bytes.clone()),
        Content::WithoutLength => Body::from_stream(first),
        Content::Endless => {
            Body::from_stream(first.chain(stream::repeat_with(|| Ok(Bytes::from_static(MORE)))))
        }
        Content::Stalled => {
            // It ends when the fake stops, or the fake would wait for it.
            let stopped = Arc::clone(&shared);
            Body::from_stream(first.chain(stream::once(async move {
                stopped.stopped().await;
                Err(io::ErrorKind::ConnectionReset.into())
            })))
        }
    };
    build(Response::builder().header(header::CONTENT_TYPE, &media.mime_type), body)
}

/// What an endless file goes on with.
static MORE: &[u8] = &[0; 64 * 1024];

impl Shelf {
    /// A file, and how often it was looked up.
    fn file(&mut self, media_id: &str) -> Option<&mut (FakeMedia, u32)> {
        let id: usize = media_id.parse().ok()?;
        self.files.get_mut(id.checked_sub(FIRST_ID)?)
    }
}

impl Shared {
    /// Whether the request has a token of one of the numbers.
    fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let mut state = self.state();
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer "));
        let is_known = state.numbers.values().any(|known| token == Some(known.expose_secret()));
        state.media.requests.unauthorized += usize::from(!is_known);
        is_known
    }
}

fn status(status: u16) -> Response<Body> {
    build(Response::builder().status(status), Body::empty())
}

/// The response; a status, an address or a type that a test made up can be invalid in HTTP.
fn build(response: axum::http::response::Builder, body: Body) -> Response<Body> {
    response.body(body).unwrap_or_else(|error| Response::new(Body::from(error.to_string())))
}
