//! Files that phones send: fetched from the API and checked, and kept.
//!
//! What the API says of a file comes from Meta, but the file comes from anybody's phone, and the address of a download is
//! text in a response. So the token goes to the hosts of [`CloudApiConfig::media_hosts`](crate::CloudApiConfig) alone, no
//! redirect is followed, no address inside a network is connected to, and a file counts only when its size, its type, its
//! first bytes and its hash are as they should be.

mod address;
mod download;
mod hash;
mod hosts;
mod kind;
mod metadata;
#[cfg(feature = "object_store")]
mod object;

use async_trait::async_trait;
use maintenance_core::{Channel, FileType, InboundFile, MediaError, MediaFile, MediaSource};
use reqwest::{Url, header::AUTHORIZATION};
use tracing::instrument;

pub(crate) use download::Downloads;
pub(crate) use hosts::is_host_name;
#[cfg(feature = "object_store")]
pub use object::ObjectMedia;

use crate::{
    CloudApi, Numbers,
    cloud_api::read_body,
    media::{
        download::Content,
        kind::FileRules,
        metadata::{Metadata, is_media_id},
    },
};

/// How often the API is asked for the address of one file: an address lives for 5 minutes.
const LOOKUPS: usize = 2;

/// Fetches a file by this number's token, whatever the channel.
///
/// A file may be an image of 5 MB, a sound or a video of 16 MB or a document of 100 MB (1 MB is 1,048,576 bytes), each of the
/// types that WhatsApp lists for it. All of it takes at most [`media_timeout`](crate::CloudApiConfig::media_timeout).
#[async_trait]
impl MediaSource for CloudApi {
    #[instrument(name = "whatsapp.fetch", skip_all, fields(%channel, kind = %file.kind))]
    async fn fetch(&self, channel: &Channel, file: &InboundFile) -> Result<MediaFile, MediaError> {
        let fetched = tokio::time::timeout(self.downloads.timeout(), fetch(self, file)).await;
        let outcome = fetched.unwrap_or(Err(MediaError::Later("the file did not come in time")));
        match &outcome {
            Ok(file) => tracing::debug!(bytes = file.bytes.len(), "fetched"),
            Err(error) => tracing::debug!(%error, "not fetched"),
        }
        outcome
    }
}

/// Fetches a file by the token of its channel's number.
#[async_trait]
impl MediaSource for Numbers {
    async fn fetch(&self, channel: &Channel, file: &InboundFile) -> Result<MediaFile, MediaError> {
        match self.get(channel) {
            Some(api) => api.fetch(channel, file).await,
            None => Err(MediaError::Later("no number is set for the channel; set it in the host's Numbers")),
        }
    }
}

async fn fetch(api: &CloudApi, file: &InboundFile) -> Result<MediaFile, MediaError> {
    let rules = FileRules::of(file.kind).ok_or(MediaError::Refused("files of this kind aren't kept"))?;
    for _ in 0..LOOKUPS {
        let metadata = look_up(api, &file.media_id).await?;
        if metadata.file_size.is_some_and(|size| size > rules.max_bytes) {
            return Err(download::TOO_LARGE);
        }
        let said = metadata.mime_type.as_deref().or(file.mime_type.as_deref());
        let said = said.ok_or(MediaError::Refused("the file has no type"))?;
        let (name, signature) = rules.type_of(said).ok_or(MediaError::Refused(
            "the file's type isn't one that WhatsApp lists for files of its kind",
        ))?;
        let authorization = api.authorization();
        let Some(Content { bytes, hash }) =
            api.downloads.get(&metadata.url, authorization, rules.max_bytes).await?
        else {
            continue;
        };
        if [&metadata.sha256, &file.sha256].into_iter().flatten().any(|text| !hash.is(text)) {
            return Err(MediaError::Refused("the file's content doesn't have the hash that it should have"));
        }
        if !signature.fits(&bytes) {
            return Err(MediaError::Refused("the file's first bytes aren't those of its type"));
        }
        let file_type =
            FileType::new(name).map_err(|_| MediaError::Refused("the file's type is unusable"))?;
        return Ok(MediaFile { bytes, file_type });
    }
    Err(MediaError::Later("the file's address had expired, and the new one too"))
}

/// What the API knows of a file.
async fn look_up(api: &CloudApi, media_id: &str) -> Result<Metadata, MediaError> {
    if !is_media_id(media_id) {
        return Err(MediaError::Refused("the file's id isn't one that the API gives"));
    }
    let request = api
        .client
        .get(media_endpoint(&api.endpoint, media_id)?)
        .timeout(api.request_timeout)
        .header(AUTHORIZATION, api.authorization());
    let mut response =
        request.send().await.map_err(|_| MediaError::Later("the API did not say where the file is"))?;
    let body = read_body(&mut response).await;
    metadata::read(response.status().as_u16(), &body)
}

/// `{base}/{version}/{media_id}`, from the address of the messages, `{base}/{version}/{phone_number_id}/messages`.
fn media_endpoint(messages: &Url, media_id: &str) -> Result<Url, MediaError> {
    messages
        .join(&format!("../{media_id}"))
        .map_err(|_| MediaError::Refused("the file's id can't be part of an address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_asked_for_beside_the_number() {
        for (messages, expected) in [
            (
                "https://graph.facebook.com/v26.0/106540352242922/messages",
                "https://graph.facebook.com/v26.0/7",
            ),
            ("http://127.0.0.1:8080/graph/v26.0/1065/messages", "http://127.0.0.1:8080/graph/v26.0/7"),
        ] {
            let messages = Url::parse(messages).unwrap();
            assert_eq!(media_endpoint(&messages, "7").unwrap().as_str(), expected);
        }
    }
}
