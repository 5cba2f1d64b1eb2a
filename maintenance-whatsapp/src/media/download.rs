//! Fetches a file's content, from the listed hosts alone and no more of it than its kind may have.

use std::{error::Error as _, iter::successors, time::Duration};

use maintenance_core::MediaError;
use reqwest::{
    Client, ClientBuilder, Response, Url,
    header::{AUTHORIZATION, HeaderValue},
    redirect::Policy,
};

use super::{
    address::{NoPublicAddress, PublicResolver},
    hash::{Hash, Hasher},
    hosts::MediaHosts,
};
use crate::CloudApiConfig;

pub(super) const TOO_LARGE: MediaError =
    MediaError::Refused("the file is larger than files of its kind may be");

/// The client for downloads, which is another than the API's: it connects to public addresses alone.
pub(crate) struct Downloads {
    /// None when no TLS is built in and the host gave no client.
    client: Option<Client>,
    hosts: MediaHosts,
    connect_timeout: Duration,
    timeout: Duration,
}

/// A file's whole content.
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    pub(super) hash: Hash,
}

impl Downloads {
    /// Downloads for a number whose messages go to that address.
    pub(crate) fn new(config: &CloudApiConfig, api: &Url) -> Result<Self, reqwest::Error> {
        let mut downloads = Self {
            client: None,
            hosts: MediaHosts::new(&config.media_hosts, api),
            connect_timeout: config.connect_timeout,
            timeout: config.media_timeout,
        };
        if cfg!(feature = "rustls") || downloads.hosts.has_fake() {
            downloads.set_client(Client::builder())?;
        }
        Ok(downloads)
    }

    /// Uses a client of the host's own settings, except for those that keep the token where it belongs.
    pub(crate) fn set_client(&mut self, client: ClientBuilder) -> Result<(), reqwest::Error> {
        let client = client
            .connect_timeout(self.connect_timeout)
            .redirect(Policy::none())
            .referer(false)
            .https_only(!self.hosts.has_fake())
            .dns_resolver(PublicResolver(self.hosts.clone()))
            // A file counts byte for byte, and a few bytes could unpack to very many.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate();
        self.client = Some(client.build()?);
        Ok(())
    }

    /// How long fetching one file may take from start to end.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The content at that address, or `None` when the address has expired.
    pub(super) async fn get(
        &self,
        url: &Url,
        authorization: HeaderValue,
        max_bytes: u64,
    ) -> Result<Option<Content>, MediaError> {
        if !self.hosts.allow(url) {
            return Err(MediaError::Refused(
                "the file's address isn't one of the hosts that files come from",
            ));
        }
        let Some(client) = &self.client else {
            return Err(MediaError::Later(
                "no TLS is built in; turn on the feature `rustls` of maintenance-whatsapp, or call \
                 `CloudApi::with_media_client`",
            ));
        };
        let request = client.get(url.clone()).header(AUTHORIZATION, authorization);
        let response = request.send().await.map_err(|error| unanswered(&error))?;
        match response.status().as_u16() {
            200 => read(response, max_bytes).await.map(Some),
            404 => Ok(None),
            300..=399 => Err(MediaError::Refused("the file's address leads to another")),
            401 | 403 => Err(MediaError::Later("the file's host refuses the access token")),
            _ => Err(MediaError::Later("the file's host did not give it")),
        }
    }
}

/// The whole content. It stops at the first byte too many, which drops the connection.
async fn read(mut response: Response, max_bytes: u64) -> Result<Content, MediaError> {
    if response.content_length().is_some_and(|length| length > max_bytes) {
        return Err(TOO_LARGE);
    }
    let (mut bytes, mut hasher) = (Vec::new(), Hasher::default());
    let broken_off = |_| MediaError::Later("the connection ended before the whole file had come");
    while let Some(chunk) = response.chunk().await.map_err(broken_off)? {
        if (bytes.len() + chunk.len()) as u64 > max_bytes {
            return Err(TOO_LARGE);
        }
        hasher.add(&chunk);
        bytes.extend_from_slice(&chunk);
    }
    Ok(Content { bytes, hash: hasher.finish() })
}

fn unanswered(error: &reqwest::Error) -> MediaError {
    let mut sources = successors(error.source(), |&error| error.source());
    MediaError::Later(if sources.any(<dyn std::error::Error>::is::<NoPublicAddress>) {
        "the file's host has no public address"
    } else {
        "no connection to the file's host could be made, or it gave no answer"
    })
}

#[cfg(all(test, not(feature = "rustls")))]
mod tests {
    use super::*;
    use crate::Wordings;

    #[tokio::test]
    async fn without_tls_a_file_waits_until_the_host_gives_a_client() {
        let config = CloudApiConfig::new("106540352242922", "EAAtoken", Wordings::default());
        let downloads = Downloads::new(&config, &Url::parse(&config.base_url).unwrap()).unwrap();
        let url = Url::parse("https://lookaside.fbsbx.com/").unwrap();
        let got = downloads.get(&url, HeaderValue::from_static("Bearer EAAtoken"), 1).await;
        let error = got.err().unwrap();
        assert!(error.to_string().contains("with_media_client"), "{error}");
    }
}
