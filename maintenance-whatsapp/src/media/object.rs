//! Keeps files in any store of the crate `object_store`: a local folder, S3, Google Cloud Storage, Azure.

use std::{fmt, path::Path as FolderPath, sync::Arc};

use async_trait::async_trait;
use maintenance_core::{FileUrl, Invalid, MediaError, MediaFile, MediaStore};
use object_store::{
    Attribute, Attributes, Error, ObjectStore, ObjectStoreExt as _, PutOptions, PutPayload,
    local::LocalFileSystem, path::Path,
};
use reqwest::Url;

/// Keeps files in a store, each under its name, and people open them below one public address.
///
/// The host serves them there: it puts a web server or a content delivery network before the store. It should serve them
/// with `X-Content-Type-Options: nosniff`, because strangers' phones send them. A store of S3 or the like keeps each file
/// with its MIME type; a folder can't.
///
/// ```no_run
/// # fn example() -> Result<(), maintenance_core::Invalid> {
/// use maintenance_whatsapp::ObjectMedia;
///
/// let media = ObjectMedia::folder("/var/lib/maintenance/files", "https://files.example.com/maintenance")?;
/// # Ok(()) }
/// ```
pub struct ObjectMedia {
    store: Arc<dyn ObjectStore>,
    public_base_url: Url,
}

impl ObjectMedia {
    /// Keeps files in that store. People open the file `a/b.jpg` at `{public_base_url}/a/b.jpg`.
    ///
    /// # Errors
    ///
    /// When `public_base_url` isn't an absolute http or https address without user, query and fragment.
    pub fn new(store: Arc<dyn ObjectStore>, public_base_url: &str) -> Result<Self, Invalid> {
        let base = Url::parse(public_base_url).ok().filter(is_public_base);
        let rule = "must be an absolute http or https address without user, query and fragment";
        let public_base_url = base.ok_or_else(|| Invalid::field("public_base_url", rule))?;
        Ok(Self { store, public_base_url })
    }

    /// Keeps files in a folder of this machine, which must exist.
    ///
    /// # Errors
    ///
    /// When `path` is no folder, or `public_base_url` breaks the rule of [`new`](Self::new).
    pub fn folder(path: impl AsRef<FolderPath>, public_base_url: &str) -> Result<Self, Invalid> {
        let path = Some(path.as_ref()).filter(|path| path.is_dir());
        let store = path.and_then(|path| LocalFileSystem::new_with_prefix(path).ok());
        let store = store.ok_or_else(|| Invalid::field("path", "must be a folder that exists"))?;
        // A request names the file afterwards: it must not be lost when the machine stops.
        Self::new(Arc::new(store.with_fsync(true)), public_base_url)
    }
}

#[async_trait]
impl MediaStore for ObjectMedia {
    async fn keep(&self, name: &str, file: MediaFile) -> Result<FileUrl, MediaError> {
        let path = object_path(name).ok_or(BAD_NAME)?;
        let url = public_url(&self.public_base_url, &path).ok_or(BAD_NAME)?;
        let content = PutPayload::from(file.bytes);
        let content_type = (Attribute::ContentType, file.file_type.as_str().to_owned());
        let options =
            PutOptions { attributes: Attributes::from_iter([content_type]), ..PutOptions::default() };
        let put = match self.store.put_opts(&path, content.clone(), options).await {
            // A folder can't keep the type.
            Err(Error::NotImplemented { .. }) => self.store.put(&path, content).await,
            put => put,
        };
        put.map_err(|error| match error {
            Error::InvalidPath { .. } => BAD_NAME,
            // The error itself may name the bucket, its address or a path.
            _ => MediaError::Later("the file store did not take the file"),
        })?;
        Ok(url)
    }
}

impl fmt::Debug for ObjectMedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectMedia").finish_non_exhaustive()
    }
}

const BAD_NAME: MediaError = MediaError::Refused("the file's name isn't a path of plain names");

fn is_public_base(url: &Url) -> bool {
    let is_user = !url.username().is_empty() || url.password().is_some();
    matches!(url.scheme(), "http" | "https") && !is_user && url.query().is_none() && url.fragment().is_none()
}

/// The name as a path within the store: names of ASCII letters, digits, `-`, `_` and `.`, none of them hidden, with one
/// slash between each two.
fn object_path(name: &str) -> Option<Path> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
    let is_hidden = name.split('/').any(|segment| segment.starts_with('.'));
    let path = Path::parse(name).ok()?;
    // `parse` drops a slash at the start and at the end.
    (!name.is_empty() && name.bytes().all(is_plain) && !is_hidden && path.as_ref() == name).then_some(path)
}

/// The address of a path below the base.
fn public_url(base: &Url, path: &Path) -> Option<FileUrl> {
    FileUrl::new(&format!("{}/{path}", base.as_str().trim_end_matches('/'))).ok()
}

#[cfg(test)]
mod tests {
    use maintenance_core::FileType;
    use object_store::memory::InMemory;

    use super::*;

    fn file(content: &[u8]) -> MediaFile {
        MediaFile { bytes: content.to_vec(), file_type: FileType::new("image/jpeg").unwrap() }
    }

    #[tokio::test]
    async fn a_file_is_kept_with_its_type_and_the_same_name_replaces_it() {
        let store = Arc::new(InMemory::new());
        let media = ObjectMedia::new(Arc::clone(&store) as _, "https://files.example.com/m/").unwrap();
        for content in [&b"one"[..], b"two"] {
            let url = media.keep("org/request/photo.jpg", file(content)).await.unwrap();
            assert_eq!(url.as_str(), "https://files.example.com/m/org/request/photo.jpg");
        }
        let kept = store.get(&Path::from("org/request/photo.jpg")).await.unwrap();
        assert_eq!(kept.attributes.get(&Attribute::ContentType).unwrap().as_ref(), "image/jpeg");
        assert_eq!(kept.bytes().await.unwrap(), "two");
    }

    #[tokio::test]
    async fn a_folder_keeps_files_and_nothing_outside_of_it() {
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("files");
        std::fs::create_dir(&folder).unwrap();
        let media = ObjectMedia::folder(&folder, "https://files.example.com").unwrap();
        for content in [&b"one"[..], b"two"] {
            let url = media.keep("a/b.jpg", file(content)).await.unwrap();
            assert_eq!(url.as_str(), "https://files.example.com/a/b.jpg");
            assert_eq!(std::fs::read(folder.join("a/b.jpg")).unwrap(), content);
        }
        let long = "a".repeat(3000);
        for name in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "../a",
            "a/../../b",
            "a/./b",
            ".hidden",
            "a/.b",
            "a\\..\\b",
            "a%2f..%2fb",
            "%2e%2e/a",
            "a?b",
            "a#b",
            "a b",
            "a\0b",
            "a\nb",
            "é",
            "C:a",
            &long,
        ] {
            assert_eq!(media.keep(name, file(b"x")).await, Err(BAD_NAME), "{name:?}");
        }
        let names = |path| {
            std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>()
        };
        assert_eq!(names(outside.path().to_owned()), ["files"]);
        assert_eq!(names(folder), ["a"]);
    }

    #[tokio::test]
    async fn a_store_that_fails_may_take_the_file_later_and_the_error_names_no_path() {
        let folder = tempfile::tempdir().unwrap();
        let media = ObjectMedia::folder(folder.path(), "https://files.example.com").unwrap();
        std::fs::write(folder.path().join("a"), "a file where a folder should be").unwrap();
        let error = media.keep("a/b.jpg", file(b"x")).await.unwrap_err();
        assert_eq!(error, MediaError::Later("the file store did not take the file"));
    }

    #[test]
    fn a_base_address_or_a_folder_that_can_not_be_is_refused() {
        let store = || Arc::new(InMemory::new());
        for base in [
            "",
            "files",
            "ftp://a.example",
            "https://u@a.example",
            "https://a.example/?b",
            "https://a.example/#b",
        ] {
            let error = ObjectMedia::new(store(), base).unwrap_err();
            assert!(error.to_string().contains("public_base_url"), "{error}");
        }
        let error = ObjectMedia::folder("/nowhere/at/all", "https://a.example").unwrap_err();
        assert!(error.to_string().contains("path"), "{error}");
        let media = ObjectMedia::new(store(), "https://files.example.com/key").unwrap();
        assert_eq!(format!("{media:?}"), "ObjectMedia { .. }");
    }
}
