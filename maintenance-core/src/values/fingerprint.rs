//! Content as one short value.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The content of a submit as one value, by which a repeat of the submit is recognised whatever was edited since: a
/// name-based UUID (version 5) of its fields. It gives no text away, except to whoever guesses all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(Uuid);

impl Fingerprint {
    /// The fingerprint of these fields, in their order.
    pub(crate) fn of(fields: &[&[u8]]) -> Self {
        let mut content = Vec::new();
        for field in fields {
            // With its length before it, no end of one field passes for the beginning of the next.
            content.extend_from_slice(&(field.len() as u64).to_be_bytes());
            content.extend_from_slice(field);
        }
        Self(Uuid::new_v5(&Uuid::nil(), &content))
    }

    /// The UUID that it is stored as.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for Fingerprint {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl From<Fingerprint> for Uuid {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_that_differ_have_fingerprints_that_differ() {
        let fingerprint = Fingerprint::of(&[b"The sink", b" leaks"]);
        assert_eq!(fingerprint, Fingerprint::of(&[b"The sink", b" leaks"]));
        for other in
            [&[b"The sin".as_slice(), b"k leaks"], &[b"", b"The sink leaks"], &[b" leaks", b"The sink"]]
        {
            assert_ne!(fingerprint, Fingerprint::of(other));
        }
    }
}
