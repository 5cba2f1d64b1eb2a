//! What a file of each kind may be: its size, its types, and how content of a type begins. Pure.

use maintenance_core::FileKind;

/// A megabyte in Meta's limits.
const MB: u64 = 1024 * 1024;

/// How much of a text is looked at.
const START: usize = 1024;

/// What files of one kind may be.
pub(super) struct FileRules {
    /// How many bytes at most.
    pub(super) max_bytes: u64,
    types: Types,
}

/// MIME types, each with how its content begins.
type Types = &'static [(&'static str, Signature)];

const IMAGES: Types =
    &[("image/jpeg", Signature::Jpeg), ("image/png", Signature::Png), ("image/webp", Signature::Webp)];

const SOUNDS: Types = &[
    ("audio/aac", Signature::Aac),
    ("audio/amr", Signature::Amr),
    ("audio/mpeg", Signature::Mp3),
    ("audio/mp4", Signature::Mp4),
    ("audio/ogg", Signature::Ogg),
];

const VIDEOS: Types = &[
    ("video/mp4", Signature::Mp4),
    ("video/3gpp", Signature::Mp4),
    // How some of Meta's pages write the type before.
    ("video/3gp", Signature::Mp4),
];

const DOCUMENTS: Types = &[
    ("application/pdf", Signature::Pdf),
    // Phones send a photo in full size as a document.
    ("image/jpeg", Signature::Jpeg),
    ("image/png", Signature::Png),
    ("image/webp", Signature::Webp),
    ("text/plain", Signature::Text),
    ("text/csv", Signature::Text),
    ("application/msword", Signature::OldOffice),
    ("application/vnd.ms-excel", Signature::OldOffice),
    ("application/vnd.ms-powerpoint", Signature::OldOffice),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", Signature::Zip),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Signature::Zip),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", Signature::Zip),
    ("application/vnd.oasis.opendocument.text", Signature::Zip),
    ("application/vnd.oasis.opendocument.spreadsheet", Signature::Zip),
    ("application/vnd.oasis.opendocument.presentation", Signature::Zip),
];

impl FileRules {
    /// The rules for a kind; none for a kind that this crate doesn't know.
    pub(super) fn of(kind: FileKind) -> Option<Self> {
        let (megabytes, types) = match kind {
            FileKind::Image => (5, IMAGES),
            FileKind::Audio => (16, SOUNDS),
            FileKind::Video => (16, VIDEOS),
            FileKind::Document => (100, DOCUMENTS),
            _ => return None,
        };
        Some(Self { max_bytes: megabytes * MB, types })
    }

    /// The type that a MIME type names, without its parameters, and how its content begins; none if the kind doesn't have it.
    pub(super) fn type_of(&self, mime_type: &str) -> Option<(&'static str, Signature)> {
        let name = mime_type.split(';').next().unwrap_or_default().trim();
        self.types.iter().copied().find(|(listed, _)| listed.eq_ignore_ascii_case(name))
    }
}

/// How content begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signature {
    Jpeg,
    Png,
    Webp,
    Aac,
    Amr,
    Mp3,
    /// MPEG-4 and what is built like it: 3GPP, and sound alone.
    Mp4,
    Ogg,
    Pdf,
    /// Office documents of today are zip archives.
    Zip,
    /// Office documents of before 2007 are compound files.
    OldOffice,
    /// No format of its own: anything without control characters that isn't a PDF.
    Text,
}

impl Signature {
    /// Whether content begins like that.
    pub(super) fn fits(self, content: &[u8]) -> bool {
        match self {
            Self::Jpeg => content.starts_with(b"\xff\xd8\xff"),
            Self::Png => content.starts_with(b"\x89PNG\r\n\x1a\n"),
            Self::Webp => content.starts_with(b"RIFF") && content.get(8..12) == Some(b"WEBP"),
            // A frame of layer 0, which is AAC's.
            Self::Aac => content.starts_with(b"ADIF") || frame(content, 0xf6, 0xf0),
            Self::Amr => content.starts_with(b"#!AMR"),
            // A tag, or a frame of layer III.
            Self::Mp3 => content.starts_with(b"ID3") || frame(content, 0xe6, 0xe2),
            Self::Mp4 => content.get(4..8) == Some(b"ftyp"),
            Self::Ogg => content.starts_with(b"OggS"),
            Self::Pdf => content.starts_with(b"%PDF-"),
            Self::Zip => content.starts_with(b"PK\x03\x04"),
            Self::OldOffice => content.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
            Self::Text => {
                let is_binary = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
                !Self::Pdf.fits(content) && !content.iter().take(START).any(is_binary)
            }
        }
    }
}

/// Whether content begins with the first byte of an MPEG frame, and those bits of the second are these.
fn frame(content: &[u8], mask: u8, bits: u8) -> bool {
    matches!(content, [0xff, second, ..] if second & mask == bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How content of each type begins.
    const EXAMPLES: &[(&str, &[u8])] = &[
        ("image/jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF"),
        ("image/jpeg", b"\xff\xd8\xff\xe1\0\x10Exif"),
        ("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("image/webp", b"RIFF\x24\0\0\0WEBPVP8 "),
        ("audio/aac", b"\xff\xf1\x50\x80\0"),
        ("audio/aac", b"\xff\xf9\x50\x80\0"),
        ("audio/amr", b"#!AMR\n\x3c\0"),
        ("audio/amr", b"#!AMR-WB\n\x3c\0"),
        ("audio/mpeg", b"ID3\x03\0"),
        ("audio/mpeg", b"\xff\xfb\x90\x64\0"),
        ("audio/mpeg", b"\xff\xf3\x90\x64\0"),
        ("audio/mp4", b"\0\0\0\x20ftypM4A "),
        ("audio/ogg", b"OggS\0\x02"),
        ("video/mp4", b"\0\0\0\x20ftypisom"),
        ("video/3gpp", b"\0\0\0\x18ftyp3gp5"),
        ("application/pdf", b"%PDF-1.7\n%\xe2\xe3"),
        ("text/plain", "Sink leaks\r\n\tsince Monday, über Nacht".as_bytes()),
        ("text/csv", b"unit,issue\n4,sink\n"),
        ("application/msword", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04\x14\0"),
    ];

    fn any_type(name: &str) -> Signature {
        let kinds = FileKind::ALL.iter().filter_map(|&kind| FileRules::of(kind));
        kinds.filter_map(|rules| rules.type_of(name)).map(|(_, signature)| signature).next().unwrap()
    }

    #[test]
    fn content_fits_its_own_type_and_no_other() {
        let all = FileKind::ALL.iter().filter_map(|&kind| FileRules::of(kind)).flat_map(|rules| rules.types);
        for (name, content) in EXAMPLES {
            let own = any_type(name);
            assert!(own.fits(content), "{name}");
            for (other, signature) in all.clone() {
                assert_eq!(signature.fits(content), *signature == own, "{content:?} as {other}");
            }
        }
    }

    #[test]
    fn content_that_breaks_off_or_is_something_else_fits_nothing() {
        let all = FileKind::ALL.iter().filter_map(|&kind| FileRules::of(kind)).flat_map(|rules| rules.types);
        for (name, signature) in all {
            for content in
                [&b"\0"[..], b"MZ\x90\0", b"\x7fELF\x02", b"\xff", b"GIF89a\x01\0", b"RIFF\x24\0\0\0WAVE"]
            {
                assert!(
                    !signature.fits(content) || (*signature == Signature::Text && content == b"\xff"),
                    "{name}"
                );
            }
            assert!(!signature.fits(b"") || *signature == Signature::Text, "{name}");
        }
    }

    #[test]
    fn each_kind_has_its_types_and_its_limit() {
        for (kind, max_bytes, yes, no) in [
            (FileKind::Image, 5 * MB, "image/JPEG", "image/svg+xml"),
            (FileKind::Audio, 16 * MB, "audio/ogg; codecs=opus", "audio/wav"),
            (FileKind::Video, 16 * MB, " video/mp4 ", "video/quicktime"),
            (FileKind::Document, 100 * MB, "text/plain;charset=utf-8", "text/html"),
        ] {
            let rules = FileRules::of(kind).unwrap();
            assert_eq!(rules.max_bytes, max_bytes);
            assert!(rules.type_of(yes).is_some(), "{yes}");
            for no in [no, "", ";", "application/zip", "application/octet-stream", "image", "*/*"] {
                assert!(rules.type_of(no).is_none(), "{no}");
            }
        }
        let rules = FileRules::of(FileKind::Audio).unwrap();
        assert_eq!(rules.type_of("Audio/OGG; codecs=opus").unwrap().0, "audio/ogg");
        assert!(rules.type_of("image/jpeg").is_none());
    }
}
