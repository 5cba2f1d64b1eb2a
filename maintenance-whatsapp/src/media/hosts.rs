//! Which addresses a file may be fetched from, and so which hosts receive the token. Pure.

use reqwest::Url;
use url::{Host, Origin};

/// The hosts that files are fetched from.
#[derive(Clone)]
pub(super) struct MediaHosts {
    names: Vec<String>,
    /// The API itself, when it is a fake on this machine.
    fake: Option<Origin>,
}

impl MediaHosts {
    /// These hosts, and the API's own address if that is `http`, which the configuration allows on this machine alone.
    pub(super) fn new(names: &[String], api: &Url) -> Self {
        Self { names: names.to_vec(), fake: (api.scheme() == "http").then(|| api.origin()) }
    }

    /// Whether a file may be fetched from there: by https from the usual port of a host in the list, or from the fake.
    pub(super) fn allow(&self, url: &Url) -> bool {
        let is_user = !url.username().is_empty() || url.password().is_some();
        let is_listed = url.scheme() == "https"
            && url.port().is_none()
            && url.host_str().is_some_and(|host| self.contains(host));
        !is_user && (is_listed || self.fake.as_ref() == Some(&url.origin()))
    }

    /// Whether that host is in the list.
    pub(super) fn contains(&self, host: &str) -> bool {
        self.names.iter().any(|name| name == host)
    }

    /// Whether files come from a fake on this machine, by `http`.
    pub(super) fn has_fake(&self) -> bool {
        self.fake.is_some()
    }
}

/// Whether a text is a host's exact name: as it stands in a normalised URL, and not an IP address.
pub(crate) fn is_host_name(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    let is_name = matches!(Host::parse(text), Ok(Host::Domain(name)) if name == text);
    is_name && text.bytes().all(is_plain) && !text.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(api: &str, url: &str) -> bool {
        let hosts = MediaHosts::new(&["lookaside.fbsbx.com".to_owned()], &Url::parse(api).unwrap());
        hosts.allow(&Url::parse(url).unwrap())
    }

    const META: &str = "https://graph.facebook.com/v26.0/1065/messages";
    const FAKE: &str = "http://127.0.0.1:8080/v26.0/1065/messages";

    #[test]
    fn a_file_comes_from_a_listed_host_by_https() {
        for api in [META, FAKE] {
            for url in [
                "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&ext=2&hash=3",
                "https://LOOKASIDE.fbsbx.com/",
                "https://lookaside.fbsbx.com:443/",
            ] {
                assert!(allow(api, url), "{url}");
            }
        }
    }

    #[test]
    fn a_file_comes_from_nowhere_else() {
        for url in [
            "http://lookaside.fbsbx.com/",
            "ftp://lookaside.fbsbx.com/",
            "https://lookaside.fbsbx.com:8443/",
            "https://user@lookaside.fbsbx.com/",
            "https://:word@lookaside.fbsbx.com/",
            "https://lookaside.fbsbx.com./",
            "https://lookaside.fbsbx.com.example.com/",
            "https://lookaside.fbsbx.com@example.com/",
            "https://a.lookaside.fbsbx.com/",
            "https://fbsbx.com/",
            "https://graph.facebook.com/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://2130706433/",
            "https://169.254.169.254/latest/meta-data/",
            "https://localhost/",
            "http://127.0.0.1:8080/",
            "file:///etc/passwd",
            "data:image/png;base64,AAAA",
        ] {
            assert!(!allow(META, url), "{url}");
        }
    }

    #[test]
    fn a_fake_gives_files_itself_and_no_other_server_of_this_machine_does() {
        assert!(allow(FAKE, "http://127.0.0.1:8080/media/1"));
        for url in [
            "http://127.0.0.1:8081/media/1",
            "http://127.0.0.2:8080/media/1",
            "http://localhost:8080/media/1",
            "http://a@127.0.0.1:8080/media/1",
            "https://127.0.0.1:8080/media/1",
            "http://[::1]:8080/media/1",
        ] {
            assert!(!allow(FAKE, url), "{url}");
        }
    }

    #[test]
    fn a_host_of_the_list_is_an_exact_name() {
        for name in ["lookaside.fbsbx.com", "xn--bcher-kva.example", "localhost"] {
            assert!(is_host_name(name), "{name}");
        }
        for name in [
            "",
            "*",
            "*.fbsbx.com/",
            "Lookaside.fbsbx.com",
            "lookaside.fbsbx.com.",
            "lookaside.fbsbx.com:443",
            "https://lookaside.fbsbx.com",
            "lookaside.fbsbx.com/",
            "bücher.example",
            "127.0.0.1",
            "2130706433",
            "[::1]",
            "::1",
            "a b",
        ] {
            assert!(!is_host_name(name), "{name}");
        }
    }
}
