//! Sending, over real HTTP against the fake.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::time::Duration;

use maintenance_core::{
    Description, Hold, HoldReason, Location, Name, NextStep, NotificationKind, Notifier as _, NotifyError,
    Outgoing, PhoneNumber, RenterContact, RequestNumber, Scope, SendEffect, Specialty, Title,
};
use maintenance_whatsapp::{
    CloudApi, CloudApiConfig, Pacing, Parameter, Parameters, SetupError, Template, Wording, Wordings,
    fake::{FakeCloudApi, Fault},
    render_body,
};
use proptest::prelude::*;
use support::{config, fake, message, number, worker};

const RETRY: NextStep = NextStep::Retry { after: None };
/// There is no connection, for anyone.
const UNCONNECTED: NextStep = NextStep::Pause { scope: Scope::Channel, after: Duration::from_secs(10) };

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What the notifier answers to one message under that fault.
async fn under(fault: Fault) -> NotifyError {
    let (fake, api) = fake().await;
    fake.fault(fault);
    api.notify(&message()).await.unwrap_err()
}

#[tokio::test]
async fn a_message_goes_out_exactly_as_the_api_wants_it() {
    let (fake, api) = fake().await;
    let receipt = api.notify(&message()).await.unwrap();
    let sent = &fake.messages()[0];
    assert_eq!(receipt.provider_message_id, sent.wamid);
    let body = concat!(
        r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"+16505551234","#,
        r#""type":"template","template":{"name":"maintenance_request","language":{"code":"en"},"#,
        r#""components":[{"type":"body","parameters":[{"type":"text","text":"#,
        r##""#1042"},{"type":"text","text":"Sink leaks"},"##,
        r#"{"type":"text","text":"high"},{"type":"text","text":"Riverside, 12 Quay Street, flat 4"},"#,
        r#"{"type":"text","text":"Kitchen, flat 4"},"#,
        r#"{"type":"text","text":"Water on the kitchen floor"},{"type":"text","text":"Zoë Example"},"#,
        r#"{"type":"text","text":"+12025550123"}]},"#,
        r#"{"type":"button","sub_type":"quick_reply","index":"0","parameters":[{"type":"payload","#,
        r#""payload":"accept:6f1b0f0e-5d0c-4a3e-9c39-0a4a6f6f2f10"}]},"#,
        r#"{"type":"button","sub_type":"quick_reply","index":"1","parameters":[{"type":"payload","#,
        r#""payload":"decline:6f1b0f0e-5d0c-4a3e-9c39-0a4a6f6f2f10"}]}]},"#,
        r#""biz_opaque_callback_data":"6f1b0f0e-5d0c-4a3e-9c39-0a4a6f6f2f10"}"#,
    );
    assert_eq!(String::from_utf8(sent.body.clone()).unwrap(), body);
    assert_eq!(sent.notification_id(), Some(message().notification_id));
    assert_eq!(
        sent.text,
        "New job #1042: Sink leaks\nPriority: high\nBuilding: Riverside, 12 Quay Street, flat 4\nWhere: Kitchen, flat 4\n\
         What is wrong: Water on the kitchen floor\nRenter: Zoë Example, phone +12025550123\n\
         This job is assigned to you. Please tell us below whether you can do it."
    );
}

#[tokio::test]
async fn a_request_that_is_no_longer_theirs_goes_by_a_template_of_its_own() {
    let (fake, api) = fake().await;
    let Outgoing { notification_id, to, mut content, .. } = message();
    content.renter = None;
    let message = Outgoing::new(notification_id, NotificationKind::Withdrawn, to, content);
    assert_eq!(api.template(&message).as_deref(), Some("maintenance_withdrawn/en"));
    api.notify(&message).await.unwrap();
    assert_eq!(
        fake.messages()[0].text,
        "Job #1042 is no longer yours: Sink leaks\nBuilding: Riverside, 12 Quay Street, flat 4\n\
         You don't need to go there. The job was cancelled or given to somebody else."
    );
}

#[tokio::test]
async fn a_change_goes_out_with_everything_as_it_is_now() {
    let (fake, api) = fake().await;
    let Outgoing { notification_id, to, mut content, .. } = message();
    let until = "2026-03-01T12:00:00Z".parse().unwrap();
    content.hold = Some(Hold { reason: HoldReason::new("waiting\nfor parts").unwrap(), until: Some(until) });
    let change = |content| Outgoing::new(notification_id, NotificationKind::Changed, to.clone(), content);
    let message = change(content.clone());
    assert_eq!(api.template(&message).as_deref(), Some("maintenance_request_changed/en"));
    api.notify(&message).await.unwrap();
    content.hold = None;
    api.notify(&change(content)).await.unwrap();
    let body = concat!(
        r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"+16505551234","#,
        r#""type":"template","template":{"name":"maintenance_request_changed","language":{"code":"en"},"#,
        r##""components":[{"type":"body","parameters":[{"type":"text","text":"#1042"},"##,
        r#"{"type":"text","text":"Sink leaks"},"#,
        r#"{"type":"text","text":"high"},{"type":"text","text":"not stated"},"#,
        r#"{"type":"text","text":"Riverside, 12 Quay Street, flat 4"},"#,
        r#"{"type":"text","text":"Kitchen, flat 4"},"#,
        r#"{"type":"text","text":"Water on the kitchen floor"},"#,
        r#"{"type":"text","text":"until 2026-03-01 12:00 UTC, waiting for parts"}]}]},"#,
        r#""biz_opaque_callback_data":"6f1b0f0e-5d0c-4a3e-9c39-0a4a6f6f2f10"}"#,
    );
    let sent = fake.messages();
    assert_eq!(String::from_utf8(sent[0].body.clone()).unwrap(), body);
    assert_eq!(
        sent[1].text,
        "Job #1042 was changed: Sink leaks\nPriority: high\nTrade: not stated\n\
         Building: Riverside, 12 Quay Street, flat 4\nWhere: Kitchen, flat 4\n\
         What is wrong: Water on the kitchen floor\nOn hold: no\n\
         The job is still yours."
    );
}

#[tokio::test]
async fn named_parameters_carry_their_names() {
    let named = |name: &str, parameter| (name.to_owned(), parameter);
    let template = Template {
        name: "named".to_owned(),
        body: "Trade {{trade}}, room {{room}}.".to_owned(),
        parameters: Parameters::Named(vec![
            named("room", Parameter::Location),
            named("trade", Parameter::Specialty),
        ]),
        buttons: vec![],
    };
    let wordings = Wordings::new(Wording::english().template(NotificationKind::Assignment, template));
    let fake = FakeCloudApi::start(CloudApiConfig { wordings, ..config() }).await.unwrap();
    let api = CloudApi::new(fake.config()).unwrap();
    let mut message = message();
    api.notify(&message).await.unwrap();
    message.content.specialty = Some(Specialty::PEST_CONTROL);
    api.notify(&message).await.unwrap();
    let sent = fake.messages();
    assert_eq!(sent[0].text, "Trade not stated, room Kitchen, flat 4.");
    assert_eq!(sent[1].text, "Trade pest control, room Kitchen, flat 4.");
    let parameters = concat!(
        r#""parameters":[{"type":"text","parameter_name":"room","text":"Kitchen, flat 4"},"#,
        r#"{"type":"text","parameter_name":"trade","text":"not stated"}]"#,
    );
    assert!(String::from_utf8(sent[0].body.clone()).unwrap().contains(parameters));
}

#[tokio::test]
async fn a_template_without_placeholders_has_no_components() {
    let template = Template {
        body: "There is work for you.".to_owned(),
        name: "plain".to_owned(),
        parameters: Parameters::Positional(vec![]),
        buttons: vec![],
    };
    let wordings = Wordings::new(Wording::english().template(NotificationKind::Assignment, template));
    let fake = FakeCloudApi::start(CloudApiConfig { wordings, ..config() }).await.unwrap();
    CloudApi::new(fake.config()).unwrap().notify(&message()).await.unwrap();
    let body = String::from_utf8(fake.messages()[0].body.clone()).unwrap();
    assert!(body.contains(r#""template":{"name":"plain","language":{"code":"en"}},"#), "{body}");
}

#[tokio::test]
async fn a_message_goes_out_without_the_renters_contact() {
    let (fake, api) = fake().await;
    let mut message = message();
    message.content.renter = None;
    api.notify(&message).await.unwrap();
    assert!(fake.messages()[0].text.contains("Renter: not on file, phone not on file\n"));
}

#[tokio::test]
async fn a_request_without_a_short_number_is_named_by_its_id() {
    let (fake, api) = fake().await;
    let mut message = message();
    message.content.number = RequestNumber::NONE;
    api.notify(&message).await.unwrap();
    assert!(
        fake.messages()[0].text.starts_with("New job 0b7c1d7e-9d43-4c5e-8f07-7b1f6f6a2c11: Sink leaks\n")
    );
}

#[tokio::test]
async fn the_longest_texts_are_cut_and_ids_and_numbers_stay_whole() {
    let (fake, api) = fake().await;
    let mut message = message();
    message.content.title = Title::new(&"t".repeat(200)).unwrap();
    message.content.location = Location::new(&"l".repeat(500)).unwrap();
    message.content.description = Description::new(&"😀 d\n".repeat(2_000)).unwrap();
    api.notify(&message).await.unwrap();
    let text = &fake.messages()[0].text;
    assert!(text.contains(&"t".repeat(200)) && text.contains(&"l".repeat(500)));
    assert!(text.contains("#1042") && text.contains("+12025550123"));
    assert!(text.contains("…") && text.chars().count() <= 1024);
}

#[tokio::test]
async fn every_error_code_is_answered_as_the_table_says() {
    use SendEffect::{NotSent, Unknown};
    let pause = |after| NextStep::Pause { scope: Scope::Channel, after: seconds(after) };
    let table: [(&[i64], NextStep, SendEffect); 10] = [
        (&[131_056], NextStep::Retry { after: Some(seconds(4)) }, NotSent),
        (&[130_429], pause(10), NotSent),
        (&[4, 80_007], pause(300), NotSent),
        (&[1, 2, 131_000, 131_016, 133_004], RETRY, Unknown),
        (&[131_057], pause(60), NotSent),
        (
            &[
                0, 3, 10, 190, 200, 250, 299, 368, 131_005, 131_031, 131_037, 131_042, 131_044, 131_045,
                131_048, 131_064, 133_000, 133_006, 133_010, 133_016, 33,
            ],
            NextStep::Stop { scope: Scope::Channel },
            NotSent,
        ),
        (&[131_047], NextStep::Fix, NotSent),
        (
            &[132_000, 132_001, 132_005, 132_007, 132_008, 132_012, 132_015, 132_016, 132_068, 132_069],
            NextStep::Stop { scope: Scope::Template },
            NotSent,
        ),
        (
            &[100, 131_008, 131_009, 131_051, 131_052, 131_053, 132_018, 135_000, 137_000],
            NextStep::Fix,
            NotSent,
        ),
        (
            &[131_026, 131_021, 130_403, 130_497, 131_030, 131_062, 131_063, 131_049, 130_472, 131_050],
            NextStep::GiveUp,
            NotSent,
        ),
    ];
    let (fake, api) = fake().await;
    for (codes, next, effect) in table {
        for &code in codes {
            fake.fault(Fault::error(code));
            let error = api.notify(&message()).await.unwrap_err();
            assert_eq!((error.next, error.effect), (next, effect), "{code}");
            assert_eq!(error.error.code, code.to_string());
            assert!(!error.error.text.is_empty());
        }
    }
    assert_eq!(fake.messages().len(), 0);
}

#[tokio::test]
async fn a_refused_attempt_waits_longer_each_time_for_the_recipient() {
    let (fake, api) = fake().await;
    fake.fault(Fault::error(131_056).always());
    let mut message = message();
    for (attempt, wait) in [(1, 4), (2, 16), (3, 64)] {
        message.attempt = attempt;
        let error = api.notify(&message).await.unwrap_err();
        assert_eq!(error.next, NextStep::Retry { after: Some(seconds(wait)) });
    }
}

#[tokio::test]
async fn a_wait_that_the_api_asks_for_is_honoured() {
    let error = under(Fault::error(130_429).retry_after(42)).await;
    assert_eq!(error.next, NextStep::Pause { scope: Scope::Channel, after: seconds(42) });
    let error = under(Fault::answer(429, "").retry_after(7)).await;
    assert_eq!(
        (error.next, error.effect),
        (NextStep::Pause { scope: Scope::Channel, after: seconds(7) }, SendEffect::NotSent)
    );
}

#[tokio::test]
async fn an_error_page_of_a_proxy_leaves_the_outcome_unknown() {
    let error = under(Fault::answer(502, "<html>Bad gateway</html>")).await;
    assert_eq!((error.next, error.effect), (RETRY, SendEffect::Unknown));
    assert_eq!(error.error.code, "http_502");
}

#[tokio::test]
async fn an_acceptance_that_cannot_be_read_leaves_the_outcome_unknown() {
    for body in ["", "<html>", "{\"messages\":["] {
        let error = under(Fault::answer(200, body).kept()).await;
        assert_eq!((error.next, error.effect), (RETRY, SendEffect::Unknown), "{body}");
    }
}

#[tokio::test]
async fn an_endless_answer_is_read_only_so_far() {
    let error = under(Fault::answer(500, format!("{{\"error\":\"{}\"}}", "x".repeat(10_000_000)))).await;
    assert_eq!((error.next, error.effect), (RETRY, SendEffect::Unknown));
    assert_eq!(error.error.code, "http_500");
}

#[tokio::test]
async fn a_late_answer_leaves_the_outcome_unknown() {
    let fake = FakeCloudApi::start(config()).await.unwrap();
    let config = CloudApiConfig { request_timeout: Duration::from_millis(300), ..fake.config() };
    let api = CloudApi::new(config).unwrap();
    fake.fault(Fault::delay(seconds(3_600)));
    let error = api.notify(&message()).await.unwrap_err();
    assert_eq!((error.next, error.effect), (RETRY, SendEffect::Unknown));
    assert_eq!(error.error.code, "timeout");
    fake.wait_for_messages(1).await;
    fake.shutdown().await;
}

#[tokio::test]
async fn a_lost_connection_leaves_the_outcome_unknown_whether_or_not_the_message_was_accepted() {
    for (fault, accepted) in [(Fault::hang_up(), 0), (Fault::hang_up().kept(), 1)] {
        let (fake, api) = fake().await;
        fake.fault(fault);
        let error = api.notify(&message()).await.unwrap_err();
        assert_eq!((error.next, error.effect), (RETRY, SendEffect::Unknown));
        assert_eq!(error.error.code, "no_answer");
        assert_eq!((fake.messages().len(), fake.refused()), (accepted, 1 - accepted));
        api.notify(&message()).await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_connection_has_sent_nothing() {
    let fake = FakeCloudApi::start(config()).await.unwrap();
    let api = CloudApi::new(fake.config()).unwrap();
    fake.shutdown().await;
    let error = api.notify(&message()).await.unwrap_err();
    assert_eq!((error.next, error.effect), (UNCONNECTED, SendEffect::NotSent));
    assert_eq!(error.error.code, "no_connection");
}

#[cfg(not(feature = "rustls"))]
#[tokio::test]
async fn without_tls_an_https_address_is_refused_at_the_start() {
    let Err(SetupError::Invalid(invalid)) = CloudApi::new(config()) else { panic!("was accepted") };
    let error = invalid.to_string();
    assert!(
        error.contains("base_url") && error.contains("`rustls`") && error.contains("with_client"),
        "{error}"
    );
}

#[cfg(not(feature = "rustls"))]
#[tokio::test]
async fn a_client_without_tls_stops_the_channel_at_its_first_send() {
    let api = CloudApi::with_client(config(), reqwest::Client::builder()).unwrap();
    let error = api.notify(&message()).await.unwrap_err();
    assert_eq!((error.next, error.effect), (NextStep::Stop { scope: Scope::Channel }, SendEffect::NotSent));
    assert!(error.error.text.contains("has TLS"), "{error}");
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn a_host_that_does_not_exist_has_been_sent_nothing() {
    let base_url = "https://does-not-exist.invalid".to_owned();
    let api = CloudApi::new(CloudApiConfig { base_url, ..config() }).unwrap();
    let error = api.notify(&message()).await.unwrap_err();
    assert_eq!((error.next, error.effect), (UNCONNECTED, SendEffect::NotSent));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_stops_the_channel() {
    let (elsewhere, _) = fake().await;
    let there = format!("{}/v26.0/106540352242922/messages", elsewhere.config().base_url);
    let error = under(Fault::answer(307, "").header("location", there)).await;
    assert_eq!((error.next, error.effect), (NextStep::Stop { scope: Scope::Channel }, SendEffect::NotSent));
    assert_eq!((elsewhere.messages().len(), elsewhere.refused()), (0, 0));
}

#[tokio::test]
async fn a_client_that_would_follow_redirects_does_not() {
    let (elsewhere, _) = fake().await;
    let (fake, _) = fake().await;
    let there = format!("{}/v26.0/106540352242922/messages", elsewhere.config().base_url);
    fake.fault(Fault::answer(307, "").header("location", there));
    let follows = reqwest::Client::builder().redirect(reqwest::redirect::Policy::limited(5));
    let api = CloudApi::with_client(fake.config(), follows).unwrap();
    api.notify(&message()).await.unwrap_err();
    assert_eq!((elsewhere.messages().len(), elsewhere.refused()), (0, 0));
}

#[tokio::test]
async fn a_recipient_beyond_their_pace_waits_without_a_request() {
    let fake = FakeCloudApi::start(CloudApiConfig { pacing: Pacing::default(), ..config() }).await.unwrap();
    let api = CloudApi::new(fake.config()).unwrap();
    for _ in 0..45 {
        api.notify(&message()).await.unwrap();
    }
    let error = api.notify(&message()).await.unwrap_err();
    assert!(
        matches!(error.next, NextStep::WaitForRecipient { after, .. } if after <= seconds(6)),
        "{error:?}"
    );
    assert_eq!(error.effect, SendEffect::NotSent);
    let mut other = message();
    other.to = worker("+61491570006");
    api.notify(&other).await.unwrap();
    assert_eq!((fake.messages().len(), fake.refused()), (46, 0));
}

#[tokio::test]
async fn a_wrong_token_and_number_stop_the_channel_and_an_unknown_template_itself() {
    let (fake, _) = fake().await;
    let wrong = [
        (CloudApiConfig { token: "another".into(), ..fake.config() }, "190", Scope::Channel),
        (CloudApiConfig { phone_number_id: "7".to_owned(), ..fake.config() }, "33", Scope::Channel),
        (CloudApiConfig { version: "v1.0".to_owned(), ..fake.config() }, "33", Scope::Channel),
        (
            CloudApiConfig {
                wordings: Wordings::default().named(NotificationKind::Assignment, "unknown"),
                ..fake.config()
            },
            "132001",
            Scope::Template,
        ),
    ];
    for (config, code, scope) in wrong {
        let error = CloudApi::new(config).unwrap().notify(&message()).await.unwrap_err();
        assert_eq!((error.next, error.error.code.as_str()), (NextStep::Stop { scope }, code));
    }
    assert_eq!(fake.refused(), 4);
}

#[tokio::test]
async fn a_wrong_configuration_names_all_its_wrong_fields() {
    let wrong = CloudApiConfig { version: "26".to_owned(), token: "".into(), ..config() };
    let Err(SetupError::Invalid(invalid)) = CloudApi::new(wrong) else { panic!("was accepted") };
    let fields: Vec<_> = invalid.fields.iter().map(|field| &*field.field).collect();
    assert_eq!(fields, ["version", "token"]);
}

#[tokio::test]
async fn debug_shows_neither_tokens_nor_private_data() {
    let (fake, api) = fake().await;
    api.notify(&message()).await.unwrap();
    let sent = &fake.messages()[0];
    let shown = format!("{fake:?} {api:?} {:?} {sent:?} {:?}", fake.config(), sent.status("sent"));
    for private in ["EAAtoken", "5551234", "5550123", "Zoë", "Sink"] {
        assert!(!shown.contains(private), "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_text_ever_fails_a_message(
        title in "\\PC{1,200}",
        description in "(\\PC|\n|\t| ){1,3000}",
        location in "(\\PC| ){1,500}",
        name in "\\PC{1,100}",
        padding in 0..700_usize,
    ) {
        let mut message = message();
        let text = (Title::new(&title), Description::new(&description), Location::new(&location));
        let (Ok(title), Ok(description), Ok(location)) = text else { return Ok(()) };
        let Ok(name) = Name::new(&name) else { return Ok(()) };
        (message.content.title, message.content.description, message.content.location) = (title, description, location);
        let phone_number: PhoneNumber = number("+12025550123");
        message.content.renter = Some(RenterContact { name, phone_number: Some(phone_number), language: None });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut english = Wording::english();
            let template = english.templates.get_mut(&NotificationKind::Assignment).unwrap();
            template.body.push_str(&"x".repeat(padding));
            let body = template.body.clone();
            let wordings = Wordings::new(english);
            let fake = FakeCloudApi::start(CloudApiConfig { wordings, ..config() }).await.unwrap();
            CloudApi::new(fake.config()).unwrap().notify(&message).await.unwrap();
            let sent = &fake.messages()[0];
            assert!(sent.text.chars().count() <= 1024);
            assert_eq!(sent.text, render_body(&body, &sent.parameters));
        });
    }
}
