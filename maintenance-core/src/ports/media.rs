//! The ports to the files that phones send: where they come from, and where they are kept.

use std::fmt;

use async_trait::async_trait;

use crate::{
    model::{FileType, FileUrl, InboundFile},
    values::Channel,
};

/// Fetches files from the channel that received them.
#[async_trait]
#[auto_impl::auto_impl(&, Box, Arc)]
pub trait MediaSource: Send + Sync {
    /// The whole file, checked: its size, its type and its hash are as they should be. Tries once, within its own
    /// time-outs; the engine tries again.
    async fn fetch(&self, channel: &Channel, file: &InboundFile) -> Result<MediaFile, MediaError>;
}

/// Keeps files where people can open them.
#[async_trait]
#[auto_impl::auto_impl(&, Box, Arc)]
pub trait MediaStore: Send + Sync {
    /// Keeps a file under that name, which is a path of ids and an extension, and returns the address under which people
    /// open it. Idempotent: the same name again has the same content, and replaces it.
    async fn keep(&self, name: &str, file: MediaFile) -> Result<FileUrl, MediaError>;
}

/// A file. `Debug` shows its size and type alone.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaFile {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its MIME type.
    pub file_type: FileType,
}

impl fmt::Debug for MediaFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaFile")
            .field("bytes", &self.bytes.len())
            .field("file_type", &self.file_type.as_str())
            .finish()
    }
}

/// Why a file could not be fetched or kept. It quotes nothing of the file and no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// It may succeed later: no connection, an error of the server, a file that isn't there yet.
    #[error("try again: {0}")]
    Later(&'static str),
    /// It never will: too large, of another type, a wrong hash, an address that isn't allowed.
    #[error("refused: {0}")]
    Refused(&'static str),
}
