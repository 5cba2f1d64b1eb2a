//! The example `doctor` against the fake Cloud API and a host's real webhook: each thing that is broken has its line.

#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

use std::cell::RefCell;

use axum::{Router, http::StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use maintenance_core::NotificationKind;
use maintenance_examples::doctor::{Demo, Doctor, Finding, Flags, Mark, Settings, exit_code, wordings};
use maintenance_tests::{APP_SECRET, Phone};
use maintenance_whatsapp::{
    CloudApiConfig, Template, Wording, Wordings,
    fake::{Automatic, FakeCloudApi},
};
use tokio::net::TcpListener;

const ASSIGNMENT: &str = "new_request in en (assignment)";

fn now() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// A set-up in which all is well.
async fn sound() -> (Phone, Settings) {
    let phone = Phone::new(Automatic::Off).await;
    phone.fake.set_app_secret(APP_SECRET);
    let settings = Settings {
        config: phone.fake.config(),
        business_account_id: FakeCloudApi::BUSINESS_ACCOUNT_ID.to_owned(),
        app_id: Some(FakeCloudApi::APP_ID.to_owned()),
        app_secret: Some(APP_SECRET.into()),
        webhook_url: Some(phone.url.parse().unwrap()),
    };
    (phone, settings)
}

/// What is found. No line may hold a secret, or have an advice missing.
async fn examine(settings: &Settings) -> Vec<Finding> {
    let mut all = vec![];
    Doctor::new(settings).unwrap().examine(now(), |finding| all.push(finding)).await;
    checked(all)
}

async fn register(settings: &Settings) -> Vec<Finding> {
    let mut all = vec![];
    Doctor::new(settings).unwrap().register(|finding| all.push(finding)).await;
    checked(all)
}

fn checked(all: Vec<Finding>) -> Vec<Finding> {
    for finding in &all {
        let text = format!("{finding} {}", serde_json::to_string(finding).unwrap());
        for secret in ["test-token", "bad-token", APP_SECRET, "another-secret", "http:", "127.0.0.1"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert_eq!(finding.to_do.is_none(), finding.mark == Mark::Good, "{text}");
    }
    all
}

/// The lines that aren't good.
fn bad(all: &[Finding]) -> Vec<String> {
    all.iter().filter(|finding| finding.mark != Mark::Good).map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_set_up_has_a_good_line_for_every_check() {
    let (_phone, settings) = sound().await;
    let all = examine(&settings).await;
    assert_eq!(bad(&all), Vec::<String>::new());
    assert_eq!(exit_code(&all), 0);
    let mut checks: Vec<&str> = all.iter().map(|finding| finding.check).collect();
    checks.dedup();
    assert_eq!(
        checks,
        [
            "token",
            "permissions",
            "number",
            "quality",
            "display name",
            "template",
            "subscription",
            "app secret",
            "webhook"
        ]
    );
    let templates = all.iter().filter(|finding| finding.check == "template").count();
    assert_eq!(templates, Wordings::default().iter().map(|it| it.registrations().len()).sum::<usize>());
    let display_number = all.iter().any(|finding| finding.found.contains("+1 555-078-3881"));
    assert!(display_number, "the number of the business is shown");
}

/// Breaks one thing.
type Break = fn(&FakeCloudApi, &mut Settings);

/// What is broken, how the lines begin that tell so, and the exit code.
type Case = (Break, &'static [&'static str], u8);

/// Breaks one thing at a time.
async fn all_told(broken: &[Case]) {
    for (n, (breaks, lines, code)) in broken.iter().enumerate() {
        let (phone, mut settings) = sound().await;
        breaks(&phone.fake, &mut settings);
        let all = examine(&settings).await;
        let bad = bad(&all);
        assert_eq!(bad.len(), lines.len(), "{n}: {bad:?}");
        for (is, begins) in bad.iter().zip(*lines) {
            assert!(is.starts_with(begins), "{n}: {is}");
        }
        assert_eq!(exit_code(&all), *code, "{n}: {bad:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_token_or_the_number_has_its_line_and_its_exit_code() {
    let broken: &[Case] = &[
        (
            |_, it| it.config.token = "bad-token".into(),
            &["✗ token        Meta says that it is no longer valid"],
            1,
        ),
        (
            |fake, _| fake.set_token_field("expires_at", now().timestamp() - 60),
            &["✗ token        it expired at 2026-03-01 11:59 UTC"],
            1,
        ),
        (
            |fake, _| fake.set_token_field("expires_at", (now() + TimeDelta::days(6)).timestamp()),
            &["! token        valid, but it expires at 2026-03-07 12:00 UTC"],
            0,
        ),
        (
            |fake, _| fake.set_token_field("scopes", vec!["whatsapp_business_messaging"]),
            &["✗ permissions  the token lacks whatsapp_business_management"],
            1,
        ),
        (
            |_, it| it.app_id = Some("7".to_owned()),
            &[
                "✗ app          Meta doesn't accept the app's id together with the app secret",
                "✗ subscription the app isn't subscribed, only others: Maintenance",
            ],
            1,
        ),
        (
            |_, it| it.config.phone_number_id = "7".to_owned(),
            &[
                "✗ number       there is no number with this id",
                "! app secret   not checked, because the number isn't there",
            ],
            1,
        ),
        (
            |fake, _| fake.set_number_field("platform_type", "NOT_APPLICABLE"),
            &[
                "✗ number       +1 555-078-3881 (Test Number) isn't connected to the Cloud API (platform NOT_APPLICABLE) →",
            ],
            1,
        ),
        (
            |fake, _| {
                fake.set_number_field("platform_type", "NOT_APPLICABLE");
                fake.set_number_field("code_verification_status", "NOT_VERIFIED");
            },
            &[
                "✗ number       +1 555-078-3881 (Test Number) isn't connected to the Cloud API (platform NOT_APPLICABLE) and isn't verified → verify it",
            ],
            1,
        ),
        (|fake, _| fake.set_number_field("quality_rating", "YELLOW"), &["! quality      YELLOW"], 0),
        (|fake, _| fake.set_number_field("quality_rating", "RED"), &["✗ quality      RED"], 1),
        (|fake, _| fake.set_number_field("quality_rating", "UNKNOWN"), &[], 0),
        (
            |fake, _| fake.set_number_field("name_status", "PENDING_REVIEW"),
            &["! display name Meta reviews it"],
            0,
        ),
        (
            |fake, _| fake.set_number_field("name_status", "DECLINED"),
            &["! display name it isn't approved (DECLINED)"],
            0,
        ),
    ];
    all_told(broken).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_account_or_the_webhook_has_its_line_and_its_exit_code() {
    let broken: &[Case] = &[
        (|fake, _| fake.set_subscribed_apps(&[]), &["✗ subscription no app is subscribed to the account"], 1),
        (
            |fake, _| fake.set_subscribed_apps(&[("7", "Another")]),
            &["✗ subscription the app isn't subscribed, only others: Another"],
            1,
        ),
        (
            |_, it| it.business_account_id = "7".to_owned(),
            &[
                "✗ template     there is no WhatsApp business account with this id",
                "! subscription not checked, because the account isn't there",
            ],
            1,
        ),
        (
            |_, it| it.app_secret = Some("another-secret".into()),
            &[
                "✗ app          Meta doesn't accept the app's id together with the app secret",
                "✗ app secret   Meta refuses the proof made with it",
                "✗ webhook      it refuses a signed post (HTTP 401)",
            ],
            1,
        ),
        (
            |_, it| it.webhook_url.as_mut().unwrap().set_path("/elsewhere"),
            &[
                "✗ webhook      it answers a signed post with HTTP 404 instead of 200",
                "✗ webhook      it answers a post with a wrong signature with HTTP 404 instead of 401",
            ],
            1,
        ),
        (
            |_, it| it.webhook_url.as_mut().unwrap().set_port(Some(9)).unwrap(),
            &["✗ webhook      it can't be reached: "],
            1,
        ),
    ];
    all_told(broken).await;
}

fn assignment(wording: &mut Wording) -> &mut Template {
    wording.templates.get_mut(&NotificationKind::Assignment).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_template_that_is_wrong_says_what_to_do_and_shows_ours() {
    let (phone, settings) = sound().await;
    let line = async || {
        let all = examine(&settings).await;
        assert_eq!((bad(&all).len(), exit_code(&all)), (1, 1), "{:?}", bad(&all));
        let finding = all.into_iter().find(|finding| finding.mark == Mark::Wrong).unwrap();
        assert_eq!((finding.check, finding.about.as_deref()), ("template", Some(ASSIGNMENT)));
        (format!("{} → {}", finding.found, finding.to_do.unwrap()), finding.ours)
    };
    for (status, says) in [
        ("PENDING", "its status is PENDING, so no message goes out by it → wait for Meta's review"),
        ("REJECTED", "its status is REJECTED, so no message goes out by it → read the reason"),
        ("PAUSED", "its status is PAUSED, so no message goes out by it → recipients reported it"),
        ("DISABLED", "its status is DISABLED, so no message goes out by it → Meta won't take it again"),
    ] {
        phone.fake.set_template_status("new_request", "en", status);
        let (line, ours) = line().await;
        assert!(line.starts_with(says) && ours.is_none(), "{line}");
    }

    let english = settings.config.wordings.of(None);
    let ours =
        format!("{}\nbuttons: Accept | I can't do it", english.templates[&NotificationKind::Assignment].body);
    let edited = |edit: fn(&mut Wording)| {
        let mut wording = english.clone();
        edit(&mut wording);
        phone.fake.register(&wording);
    };
    for (edit, says) in [
        (
            (|wording| assignment(wording).body.push('!')) as fn(&mut Wording),
            "it differs from ours in the body text → edit it",
        ),
        (|wording| assignment(wording).buttons.reverse(), "it differs from ours in the buttons → edit it"),
        (
            |wording| {
                let template = assignment(wording);
                template.buttons.pop();
                template.body.push('!');
            },
            "it differs from ours in the body text and the buttons → edit it",
        ),
    ] {
        edited(edit);
        let (line, shown) = line().await;
        assert!(line.starts_with(says), "{line}");
        assert_eq!(shown.as_ref(), Some(&ours));
    }
    phone.fake.set_template_status("new_request", "en", "PAUSED");
    let (both, shown) = line().await;
    assert!(
        both.starts_with("its status is PAUSED, so no message goes out by it; it differs from ours"),
        "{both}"
    );
    assert_eq!(shown.as_ref(), Some(&ours));

    edited(|_| {});
    phone.fake.remove_template("new_request", "en");
    let (missing, shown) = line().await;
    assert!(missing.starts_with(
        "it isn't registered in en, only in es, ar, fr, pt_BR, hi → run this program with --register"
    ));
    assert_eq!(shown, Some(ours));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_registered_and_told_with_its_status() {
    let (phone, settings) = sound().await;
    let texts = |all: &[Finding]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(texts(&register(&settings).await), ["✓ register     every template is registered already"]);
    phone.fake.remove_template("new_request", "en");
    assert_eq!(
        texts(&register(&settings).await),
        ["✓ register     new_request in en (assignment): registered and approved"]
    );
    assert_eq!(exit_code(&examine(&settings).await), 0);

    phone.fake.remove_template("new_request", "es");
    phone.fake.set_new_template_status("PENDING");
    let pending = register(&settings).await;
    assert!(
        texts(&pending)[0]
            .starts_with("! register     new_request in es (assignment): registered: PENDING → wait")
    );
    assert_eq!(exit_code(&pending), 0);
    assert_eq!(exit_code(&examine(&settings).await), 1, "no message goes out yet");

    // Meta takes no body that begins with a placeholder.
    let mut english = Wording::english();
    let template = english.templates.get_mut(&NotificationKind::Withdrawn).unwrap();
    template.name = "refused".to_owned();
    template.body.insert_str(0, "{{1}} ");
    let wordings = Wordings::new(english).named(NotificationKind::Assignment, "new_request");
    let config = CloudApiConfig { wordings, ..settings.config.clone() };
    let refused = register(&Settings { config, ..settings }).await;
    assert!(
        texts(&refused)[0].starts_with(
            "✗ register     refused in en (withdrawn): Meta answered error 100: Variables can't be at the start or end"
        ),
        "{refused:?}"
    );
    assert_eq!(exit_code(&refused), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_on_a_later_page_is_found() {
    let (phone, settings) = sound().await;
    for n in 0..30 {
        let mut other = Wording::english();
        other.language =
            format!("e{}_{}", ['a', 'b'][n / 26], char::from(b'A' + u8::try_from(n % 26).unwrap()));
        phone.fake.register(&other);
    }
    phone.fake.remove_template("new_request", "en");
    assert_eq!(register(&settings).await.len(), 1, "it is the last of 144");
    assert_eq!(exit_code(&examine(&settings).await), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_app_the_token_is_tried_and_the_rest_is_checked() {
    let (_phone, mut settings) = sound().await;
    (settings.app_id, settings.app_secret) = (None, None);
    let all = examine(&settings).await;
    assert!(
        all[0].to_string().starts_with("✓ token        Meta accepts it (the right WHATSAPP_APP_ID"),
        "{}",
        all[0]
    );
    assert_eq!(exit_code(&all), 0);
    assert!(all.iter().all(|finding| !["permissions", "app secret", "webhook"].contains(&finding.check)));

    settings.config.token = "bad-token".into();
    let all = examine(&settings).await;
    assert_eq!(bad(&all).len(), 1, "what needs the token isn't tried with a bad one");
    assert!(
        bad(&all)[0]
            .starts_with("✗ token        Meta doesn't accept the token (error 190) → make a new token")
    );
    assert_eq!(exit_code(&all), 1);
}

/// An address that answers everything with that.
async fn answering(status: StatusCode, body: &'static str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(async move || (status, body));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_not_there_or_not_metas_ends_the_check_with_one_line() {
    let (_phone, mut settings) = sound().await;
    settings.config.base_url = answering(StatusCode::BAD_GATEWAY, "<html>").await;
    let all = examine(&settings).await;
    assert_eq!((all.len(), exit_code(&all)), (1, 1), "{all:?}");
    assert!(all[0].found.starts_with("the response (HTTP 502) isn't one of Meta's"), "{}", all[0]);
    settings.config.base_url = "http://127.0.0.1:9".to_owned();
    let all = examine(&settings).await;
    assert_eq!((all.len(), exit_code(&all)), (1, 1), "{all:?}");
    assert!(all[0].found.starts_with("the API can't be reached: "), "{}", all[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_meta_says_is_shown_without_the_token_and_the_secret() {
    let (_phone, mut settings) = sound().await;
    let body = r#"{"error":{"code":200,"message":"No permission for test-token of test_app_secret_0123456789abcdef"}}"#;
    settings.config.base_url = answering(StatusCode::FORBIDDEN, body).await;
    let all = examine(&settings).await;
    let number = all.iter().find(|finding| finding.check == "number").unwrap();
    assert_eq!(number.found, "Meta answered error 200: No permission for … of …");
    assert!(number.to_do.as_ref().unwrap().contains("full control"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_takes_everything_is_wrong() {
    let (_phone, mut settings) = sound().await;
    settings.webhook_url = Some(answering(StatusCode::OK, "").await.parse().unwrap());
    let all = examine(&settings).await;
    assert!(bad(&all)[0].starts_with(
        "✗ webhook      it answers a post with a wrong signature with HTTP 200 instead of 401 → check signatures"
    ));
    assert_eq!((bad(&all).len(), exit_code(&all)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shows_two_wrong_templates_and_their_repair() {
    let demo = Demo::start(wordings(Some("en,es")).unwrap()).await.unwrap();
    let all = examine(demo.settings()).await;
    assert_eq!((bad(&all).len(), exit_code(&all)), (2, 1), "{:?}", bad(&all));
    assert_eq!(register(demo.settings()).await.len(), 1);
    demo.edit();
    let all = examine(demo.settings()).await;
    assert_eq!((bad(&all), exit_code(&all)), (vec![], 0));
}

#[test]
fn settings_that_are_wrong_or_missing_are_named_and_the_help_lists_them_all() {
    let all = [
        ("WHATSAPP_TOKEN", "test-token"),
        ("WHATSAPP_PHONE_NUMBER_ID", "1065"),
        ("WHATSAPP_BUSINESS_ACCOUNT_ID", "1022"),
        ("WHATSAPP_APP_ID", "6708"),
        ("WHATSAPP_APP_SECRET", "the-secret"),
    ];
    let read = |flags: &Flags, changed: &[(&str, &str)]| {
        let value = |name: &str| {
            let found = changed.iter().chain(&all).find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::read(flags, value).map(|settings| settings.is_some())
    };
    let flags = |languages: Option<&str>, base_url: Option<&str>, webhook_url: Option<&str>| Flags {
        languages: languages.map(str::to_owned),
        base_url: base_url.map(str::to_owned),
        webhook_url: webhook_url.map(str::to_owned),
    };
    let none = flags(None, None, None);
    assert_eq!(read(&none, &[]), Ok(true));
    assert_eq!(
        read(&flags(Some("en, es"), Some("http://127.0.0.1:1"), Some("https://example.com/x")), &[]),
        Ok(true)
    );
    assert_eq!(read(&none, &[("WHATSAPP_TOKEN", "")]), Ok(false), "the fake is examined");
    let webhook = flags(None, None, Some("https://example.com/x"));
    for (flags, changed, says) in [
        (&none, ("WHATSAPP_TOKEN", "to ken"), "WHATSAPP_TOKEN must be an access token"),
        (
            &none,
            ("WHATSAPP_PHONE_NUMBER_ID", ""),
            "with WHATSAPP_TOKEN set, WHATSAPP_PHONE_NUMBER_ID must be set too",
        ),
        (&none, ("WHATSAPP_PHONE_NUMBER_ID", "+1202"), "WHATSAPP_PHONE_NUMBER_ID must have 1 to 32 digits"),
        (
            &none,
            ("WHATSAPP_BUSINESS_ACCOUNT_ID", ""),
            "with WHATSAPP_TOKEN set, WHATSAPP_BUSINESS_ACCOUNT_ID",
        ),
        (
            &none,
            ("WHATSAPP_BUSINESS_ACCOUNT_ID", "x"),
            "WHATSAPP_BUSINESS_ACCOUNT_ID must be an id of 1 to 32 digits",
        ),
        (&none, ("WHATSAPP_APP_ID", "x"), "WHATSAPP_APP_ID must be an id of 1 to 32 digits"),
        (&none, ("WHATSAPP_APP_SECRET", "to ken\n"), "WHATSAPP_APP_SECRET has a space"),
        (&none, ("WHATSAPP_TEMPLATE", "New Job"), "WHATSAPP_TEMPLATE must have 1 to 512 characters"),
        (&webhook, ("WHATSAPP_APP_SECRET", ""), "--webhook-url needs WHATSAPP_APP_SECRET"),
        (
            &flags(Some("en,de"), None, None),
            ("X", ""),
            "--languages has \"de\"; the languages are en,es,ar,fr,pt_BR,hi",
        ),
        (&flags(Some(""), None, None), ("X", ""), "--languages has \"\""),
        (&flags(None, Some("http://example.com"), None), ("X", ""), "--base-url must be an https address"),
        (&flags(None, None, Some("example")), ("X", ""), "--webhook-url must be an http or https address"),
    ] {
        let error = read(flags, &[changed]).expect_err(says);
        assert!(error.starts_with(says), "{error}");
        assert!(!error.contains("to ken") && !error.contains("test-token"), "{error}");
    }
    let asked = RefCell::new(vec![]);
    let value = |name: &str| {
        asked.borrow_mut().push(name.to_owned());
        Some("1".to_owned())
    };
    assert_eq!(Settings::read(&none, value).map(|settings| settings.is_some()), Ok(true));
    for name in asked.into_inner() {
        assert!(Settings::HELP.contains(&name), "{name} isn't in the help");
    }
}
