//! The settings of the notifier: which number sends, by which token and wordings, and how fast.

use std::time::Duration;

use maintenance_core::Invalid;
use reqwest::{Url, header::HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use url::Host;

use crate::{Wordings, invalid::Fields, media::is_host_name};

/// The configuration of a [`CloudApi`](crate::CloudApi). `Debug` doesn't show the token.
///
/// ```
/// use std::time::Duration;
///
/// use maintenance_whatsapp::{CloudApiConfig, Pacing, Wordings};
///
/// let config = CloudApiConfig {
///     request_timeout: Duration::from_secs(10),
///     pacing: Pacing { number_per_second: 1_000, ..Pacing::default() }, // as agreed with Meta
///     ..CloudApiConfig::new("106540352242922", "the-token", Wordings::default())
/// };
/// ```
#[derive(Debug, Clone)]
pub struct CloudApiConfig {
    /// The API's address; `https://graph.facebook.com` by default. `http` is accepted for this machine alone.
    pub base_url: String,
    /// The version of the Graph API; `v26.0` by default.
    pub version: String,
    /// The id of the business's phone number (not the number itself).
    pub phone_number_id: String,
    /// The access token, without white space or a line break around it.
    pub token: SecretString,
    /// What is said in which language, and by which templates.
    pub wordings: Wordings,
    /// How long connecting may take; 5 seconds by default.
    pub connect_timeout: Duration,
    /// How long one send may take from start to end; 20 seconds by default. Keep it below the dispatcher's
    /// limit per send (30 seconds by default): the dispatcher treats a response that comes later as lost.
    pub request_timeout: Duration,
    /// How fast to send.
    pub pacing: Pacing,
    /// The hosts that files from phones are fetched from, each by its exact name; `lookaside.fbsbx.com` by default, which
    /// Meta gives files from. They receive the token. An API on this machine that is reached by `http`, which is a fake,
    /// may also give files itself.
    pub media_hosts: Vec<String>,
    /// How long fetching one file may take from start to end; 60 seconds by default.
    pub media_timeout: Duration,
}

/// How fast to send, so that Meta's rate limits are never reached. Each notifier counts only what it sends
/// itself: where several processes send by one number, give each a share of `number_per_second`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// How many messages the number may send per second; 80 by default, Meta's limit unless it raised yours
    /// to 1,000.
    pub number_per_second: u32,
    /// The time between two messages to one recipient once the burst is used up; 6 seconds by default.
    pub recipient_interval: Duration,
    /// How many messages one recipient may receive at once; 45 by default.
    pub recipient_burst: u32,
}

impl Default for Pacing {
    fn default() -> Self {
        Self { number_per_second: 80, recipient_interval: Duration::from_secs(6), recipient_burst: 45 }
    }
}

impl CloudApiConfig {
    /// A configuration for that number, token and wordings, with the defaults for the rest.
    pub fn new(
        phone_number_id: impl Into<String>,
        token: impl Into<SecretString>,
        wordings: Wordings,
    ) -> Self {
        Self {
            base_url: "https://graph.facebook.com".to_owned(),
            version: "v26.0".to_owned(),
            phone_number_id: phone_number_id.into(),
            token: token.into(),
            wordings,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(20),
            pacing: Pacing::default(),
            media_hosts: vec!["lookaside.fbsbx.com".to_owned()],
            media_timeout: Duration::from_mins(1),
        }
    }

    /// The address that messages are posted to and the header that authorises them, or every field that
    /// breaks a rule.
    pub(crate) fn check(&self) -> Result<(Url, HeaderValue), Invalid> {
        let mut fields = Fields::default();
        let base = Url::parse(&self.base_url).ok().filter(is_base);
        fields.rule(
            base.is_some(),
            "base_url",
            "must be an https address without user, query and fragment (http only for this machine: anywhere else the \
             token and private data would cross the network in plain text)",
        );
        fields.rule(
            is_version(&self.version),
            "version",
            "must be a version of the Graph API, for example v26.0",
        );
        let id = &self.phone_number_id;
        fields.rule(
            (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit()),
            "phone_number_id",
            "must have 1 to 32 digits: it is the number's id, not the number",
        );
        let authorization = authorization(&self.token).map_err(|rule| fields.rule(false, "token", rule));
        self.wordings.check(&mut fields);
        let zero = Duration::ZERO;
        fields.rule(self.connect_timeout > zero, "connect_timeout", "must be longer than zero");
        fields.rule(self.request_timeout > zero, "request_timeout", "must be longer than zero");
        let Pacing { number_per_second, recipient_interval, recipient_burst } = self.pacing;
        fields.rule(number_per_second > 0, "pacing.number_per_second", "must be 1 or more");
        fields.rule(recipient_interval > zero, "pacing.recipient_interval", "must be longer than zero");
        fields.rule(recipient_burst > 0, "pacing.recipient_burst", "must be 1 or more");
        fields.rule(
            self.media_hosts.iter().all(|host| is_host_name(host)),
            "media_hosts",
            "must be exact names of hosts in lower case, for example lookaside.fbsbx.com, without scheme, port and path, \
             and no IP addresses",
        );
        fields.rule(self.media_timeout > zero, "media_timeout", "must be longer than zero");
        fields.finish()?;

        // The rules above make both succeed; the last arm is there so that nothing can panic.
        let endpoint = base.and_then(|base| {
            let path = format!("{}/{}/{id}/messages", base.path().trim_end_matches('/'), self.version);
            base.join(&path).ok()
        });
        match (endpoint, authorization) {
            (Some(endpoint), Ok(authorization)) => Ok((endpoint, authorization)),
            _ => Err(Invalid::field(
                "base_url",
                "can't be joined with the path of the messages; give the API's address alone",
            )),
        }
    }
}

/// The header that authorises by that token, or the rule that the token breaks.
pub(crate) fn authorization(token: &SecretString) -> Result<HeaderValue, &'static str> {
    let token = token.expose_secret();
    let sound = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    let header = sound.then(|| HeaderValue::from_str(&format!("Bearer {token}")).ok()).flatten();
    let mut header = header.ok_or(
        "must be an access token: visible ASCII characters, with no space or line break among or after them",
    )?;
    header.set_sensitive(true);
    Ok(header)
}

fn is_base(url: &Url) -> bool {
    let user = !url.username().is_empty() || url.password().is_some();
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let protected = url.scheme() == "https" || (url.scheme() == "http" && here);
    protected && !user && url.query().is_none() && url.fragment().is_none()
}

fn is_version(version: &str) -> bool {
    let number = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let parts = version.strip_prefix('v').and_then(|version| version.split_once('.'));
    parts.is_some_and(|(major, minor)| number(major) && number(minor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use maintenance_core::{Action, Answer, NotificationKind, NotificationKind::Assignment, Priority};

    use crate::{Parameter, Parameters, Template, Wording};

    fn config() -> CloudApiConfig {
        CloudApiConfig::new("106540352242922", "EAAtoken", Wordings::default())
    }

    fn wrong_fields(config: &CloudApiConfig) -> Vec<String> {
        config.check().unwrap_err().fields.into_iter().map(|field| field.field.into_owned()).collect()
    }

    #[test]
    fn messages_go_to_the_numbers_own_address() {
        let mut config = config();
        let (endpoint, authorization) = config.check().unwrap();
        assert_eq!(endpoint.as_str(), "https://graph.facebook.com/v26.0/106540352242922/messages");
        assert_eq!(authorization, "Bearer EAAtoken");
        config.base_url = "http://127.0.0.1:8080/graph/".to_owned();
        assert_eq!(
            config.check().unwrap().0.as_str(),
            "http://127.0.0.1:8080/graph/v26.0/106540352242922/messages"
        );
    }

    #[test]
    fn all_wrong_fields_are_told_at_once() {
        let template = Template {
            name: "Has Capitals".to_owned(),
            body: "Hello {{1}}, {{2}}".to_owned(),
            parameters: Parameters::Positional(vec![Parameter::Title]),
            buttons: vec![Action::Accept, Action::Choose, Action::Accept],
        };
        let mut english = Wording::english().template(Assignment, template);
        english.language = "english".to_owned();
        english.templates.remove(&NotificationKind::Answer);
        english.priorities.insert(Priority::High, "x".repeat(21));
        english.answers.remove(&Answer::Old);
        english.buttons.insert(Action::Start, "\u{200B}".to_owned());
        english.not_stated = "two\nlines".to_owned();
        english.hold_until = "until {{time}}".to_owned();
        let config = CloudApiConfig {
            base_url: "ftp://example.com".to_owned(),
            version: "26".to_owned(),
            phone_number_id: "+12025550123".to_owned(),
            token: "two words".into(),
            wordings: Wordings::new(english),
            connect_timeout: Duration::ZERO,
            request_timeout: Duration::ZERO,
            pacing: Pacing { number_per_second: 0, recipient_interval: Duration::ZERO, recipient_burst: 0 },
            media_hosts: vec!["lookaside.fbsbx.com".to_owned(), "https://a.example".to_owned()],
            media_timeout: Duration::ZERO,
        };
        assert_eq!(
            wrong_fields(&config),
            [
                "base_url",
                "version",
                "phone_number_id",
                "token",
                "wordings.english.language",
                "wordings.english.templates.assignment.name",
                "wordings.english.templates.assignment.parameters",
                "wordings.english.templates.assignment.buttons[1]",
                "wordings.english.templates.assignment.buttons[2]",
                "wordings.english.templates.answer",
                "wordings.english.priorities.high",
                "wordings.english.answers.old",
                "wordings.english.buttons.start",
                "wordings.english.not_stated",
                "wordings.english.hold_until",
                "connect_timeout",
                "request_timeout",
                "pacing.number_per_second",
                "pacing.recipient_interval",
                "pacing.recipient_burst",
                "media_hosts",
                "media_timeout",
            ]
        );
        let told = config.check().unwrap_err().to_string();
        assert!(!told.contains("two words"), "{told}");
    }

    #[test]
    fn a_base_url_without_protection_or_with_a_user_a_query_or_a_fragment_is_refused() {
        for base in [
            "http://graph.facebook.com",
            "http://10.0.0.1:8080",
            "http://127.0.0.1.example.com",
            "https://a:b@example.com",
            "https://example.com/?a=b",
            "https://example.com/#a",
            "",
        ] {
            let config = CloudApiConfig { base_url: base.to_owned(), ..config() };
            assert_eq!(wrong_fields(&config), ["base_url"], "{base}");
        }
    }

    #[test]
    fn a_token_that_was_read_with_its_line_break_is_refused_and_says_what_is_wrong() {
        for token in ["EAAtoken\n", "EAAtoken\r\n", " EAAtoken", ""] {
            let config = CloudApiConfig { token: token.into(), ..config() };
            assert_eq!(wrong_fields(&config), ["token"], "{token:?}");
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains("no space or line break") && !error.contains("EAA"), "{error}");
        }
    }

    #[test]
    fn a_template_whose_parameters_and_placeholders_differ_is_refused() {
        let with = |body: &str, parameters| {
            let (name, body, buttons) = ("maintenance_request".to_owned(), body.to_owned(), vec![]);
            let template = Template { name, body, parameters, buttons };
            let wordings = Wordings::new(Wording::english().template(Assignment, template));
            CloudApiConfig { wordings, ..config() }
        };
        let named = |name: &str| (name.to_owned(), Parameter::Title);
        for (body, parameters, wrong) in [
            ("", Parameters::Positional(vec![]), vec!["wordings.en.templates.assignment.body"]),
            (
                "{{2}}",
                Parameters::Positional(vec![Parameter::Title]),
                vec![
                    "wordings.en.templates.assignment.parameters",
                    "wordings.en.templates.assignment.parameters[0]",
                ],
            ),
            (
                "a {{x}}",
                Parameters::Named(vec![named("x"), named("x")]),
                vec!["wordings.en.templates.assignment.parameters[1]"],
            ),
            (
                "a {{x}}",
                Parameters::Named(vec![named("y")]),
                vec![
                    "wordings.en.templates.assignment.parameters",
                    "wordings.en.templates.assignment.parameters[0]",
                ],
            ),
        ] {
            assert_eq!(wrong_fields(&with(body, parameters)), wrong, "{body}");
        }
        let long = "x".repeat(1005) + " {{1}}";
        assert_eq!(
            wrong_fields(&with(&long, Parameters::Positional(vec![Parameter::Title]))),
            ["wordings.en.templates.assignment.body"]
        );
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let shown = format!("{:?}", config());
        assert!(!shown.contains("EAAtoken"), "{shown}");
    }
}
