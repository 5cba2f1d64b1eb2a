//! The hash of a file's content, as the API writes it: the metadata in hex, the webhooks in base64. Pure.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a file's content.
pub(super) struct Hash([u8; 32]);

/// The hash of the content that has come so far. It takes the content in parts, because a whole document would keep the
/// runtime's thread busy for long.
#[derive(Default)]
pub(super) struct Hasher(Sha256);

impl Hasher {
    pub(super) fn add(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    pub(super) fn finish(self) -> Hash {
        Hash(self.0.finalize().into())
    }
}

impl Hash {
    /// Whether the text is this hash, in hex or base64. A text that is neither is another hash.
    pub(super) fn is(&self, text: &str) -> bool {
        let text = text.trim();
        let without_padding = text.trim_end_matches('=');
        hex::encode(self.0).eq_ignore_ascii_case(text)
            || STANDARD_NO_PAD.encode(self.0) == without_padding
            || URL_SAFE_NO_PAD.encode(self.0) == without_padding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_recognised_in_hex_and_in_base64() {
        // The SHA-256 of no bytes.
        let hash = Hasher::default().finish();
        for text in [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
        ] {
            assert!(hash.is(text), "{text}");
        }
        for text in ["", "=", "abc", "47deqpj8hbsa+/timw+5jceuqerkm5nmpjwzg3hsufu=", "e3b0c44298fc1c14"] {
            assert!(!hash.is(text), "{text}");
        }
        let mut hasher = Hasher::default();
        hasher.add(b"a");
        hasher.add(b"bc");
        assert!(hasher.finish().is("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="));
    }
}
