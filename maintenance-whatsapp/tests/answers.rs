//! The engine's answers to workers: inside an open conversation and outside it.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;
#[path = "support/tape.rs"]
mod tape;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use maintenance_core::{
    Action, Answer, Clock, DeliveryError, Language, NextStep, NotificationKind, Notifier as _, Outgoing,
    Recipient, RequestChoice, RequestId, RequestNumber, Scope, SendEffect, Title,
};
use maintenance_whatsapp::CloudApi;
use support::{config, fake, message};
use tape::Tape;

const START: &str = concat!(
    r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"+16505551234","#,
    r#""type":"#,
);
const END: &str = r#","biz_opaque_callback_data":"6f1b0f0e-5d0c-4a3e-9c39-0a4a6f6f2f10"}"#;

fn now() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> DateTime<Utc> {
        now()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// That answer about a job, in a conversation that is open for another hour.
fn answer(answer: Answer) -> Outgoing {
    let Outgoing { notification_id, to, content, .. } = message();
    Outgoing::new(notification_id, NotificationKind::Answer, to, content)
        .answer(Some(answer), vec![])
        .open_until(Some(now() + TimeDelta::hours(1)))
}

fn choice(n: u8, title: &str) -> RequestChoice {
    let id = RequestId::from_uuid(format!("0b7c1d7e-9d43-4c5e-8f07-7b1f6f6a2c{n:02x}").parse().unwrap());
    RequestChoice { id, number: RequestNumber::new(1000 + u32::from(n)), title: Title::new(title).unwrap() }
}

async fn tape() -> (Tape, CloudApi) {
    let (tape, api) = Tape::start(config()).await;
    (tape, api.with_clock(Noon))
}

#[tokio::test]
async fn an_answer_with_nothing_to_tap_is_a_plain_text() {
    let (tape, api) = tape().await;
    let message = answer(Answer::Declined);
    assert_eq!(api.template(&message), None);
    api.notify(&message).await.unwrap();
    let text = concat!(
        r##""text","text":{"preview_url":false,"body":"#1042 Sink leaks\n"##,
        r#"Thanks for telling us. Somebody else will do this job."}"#,
    );
    assert_eq!(tape.last(), format!("{START}{text}{END}"));
}

#[tokio::test]
async fn a_renter_is_answered_in_the_conversation_too() {
    let (tape, api) = tape().await;
    for (said, text) in [
        (Answer::OptedOut, "You won't get any more messages about your requests."),
        (Answer::Reopened, r"#1042 Sink leaks\nThanks for telling us. Your request is open again."),
    ] {
        let mut message = answer(said);
        let id = "0f000002-0000-4000-8000-000000000002".parse().unwrap();
        message.to = Recipient::Renter { id, phone_number: message.to.phone_number().clone() };
        assert_eq!(api.template(&message), None);
        api.notify(&message).await.unwrap();
        let text = format!(r#""text","text":{{"preview_url":false,"body":"{text}"}}"#);
        assert_eq!(tape.last(), format!("{START}{text}{END}"));
    }
}

#[tokio::test]
async fn an_answer_with_offers_has_a_button_for_each() {
    let (tape, api) = tape().await;
    api.notify(&answer(Answer::Started).offers(&[Action::Done, Action::Decline])).await.unwrap();
    let buttons = concat!(
        r##""interactive","interactive":{"type":"button","body":{"text":"#1042 Sink leaks\n"##,
        r#"Thanks, we have noted that you started."},"action":{"buttons":["#,
        r#"{"type":"reply","reply":{"id":"done:6f1b0f0e-5d0c-4a3e-9c39-0a4a6f6f2f10","title":"Done"}},"#,
        r#"{"type":"reply","reply":{"id":"decline:6f1b0f0e-5d0c-4a3e-9c39-0a4a6f6f2f10","#,
        r#""title":"I can't do it"}}]}}"#,
    );
    assert_eq!(tape.last(), format!("{START}{buttons}{END}"));
}

#[tokio::test]
async fn the_question_which_job_comes_with_a_list_of_them_and_names_none() {
    let (tape, api) = tape().await;
    let choices = vec![choice(1, "Sink leaks"), choice(2, "Door\nsticks")];
    api.notify(&answer(Answer::WhichOne).answer(Some(Answer::WhichOne), choices)).await.unwrap();
    let list = concat!(
        r#""interactive","interactive":{"type":"list","#,
        r#""body":{"text":"Which of your jobs is this about? Please choose it from the list."},"#,
        r#""action":{"button":"Choose a job","sections":[{"title":"Your open jobs","rows":["#,
        r#"{"id":"choose:6f1b0f0e-5d0c-4a3e-9c39-0a4a6f6f2f10:0b7c1d7e-9d43-4c5e-8f07-7b1f6f6a2c01","#,
        r##""title":"#1001","description":"Sink leaks"},"##,
        r#"{"id":"choose:6f1b0f0e-5d0c-4a3e-9c39-0a4a6f6f2f10:0b7c1d7e-9d43-4c5e-8f07-7b1f6f6a2c02","#,
        r##""title":"#1002","description":"Door sticks"}]}]}}"##,
    );
    assert_eq!(tape.last(), format!("{START}{list}{END}"));
}

#[tokio::test]
async fn the_question_which_job_without_any_asks_to_write_again() {
    let (tape, api) = tape().await;
    api.notify(&answer(Answer::WhichOne)).await.unwrap();
    let text = concat!(
        r#""text","text":{"preview_url":false,"body":"We couldn't tell which of your jobs your message is about. "#,
        r#"Please write to us again."}"#,
    );
    assert_eq!(tape.last(), format!("{START}{text}{END}"));
}

#[tokio::test]
async fn an_answer_outside_a_conversation_goes_by_its_template() {
    let template = |text: &str| {
        let template = concat!(
            r#""template","template":{"name":"maintenance_answer","language":{"code":"en"},"components":["#,
            r##"{"type":"body","parameters":[{"type":"text","text":"#1042"},{"type":"text","text":"Sink leaks"},"##,
            r#"{"type":"text","text":""#,
        );
        format!("{START}{template}{text}\"}}]}}]}}{END}")
    };
    let (tape, api) = tape().await;
    let offers = [Action::Done, Action::Decline];
    for until in [None, Some(now()), Some(now() - TimeDelta::seconds(1))] {
        let message = answer(Answer::Started).offers(&offers).open_until(until);
        assert_eq!(api.template(&message).as_deref(), Some("maintenance_answer/en"));
        api.notify(&message).await.unwrap();
        assert_eq!(tape.last(), template("Thanks, we have noted that you started."));
    }
    let choices = vec![choice(1, "Sink leaks"), choice(2, "Door sticks")];
    let which = answer(Answer::WhichOne).answer(Some(Answer::WhichOne), choices).open_until(None);
    api.notify(&which).await.unwrap();
    let asked = "We couldn't tell which of your jobs your message is about. Please write to us again.";
    assert_eq!(tape.last(), template(asked));
}

#[tokio::test]
async fn the_template_of_every_answer_is_as_strict_as_the_api_asks() {
    let (fake, api) = fake().await;
    for &said in Answer::ALL {
        api.notify(&answer(said).open_until(None)).await.unwrap();
    }
    assert_eq!((fake.messages().len(), fake.refused()), (Answer::ALL.len(), 0));
    assert_eq!(
        fake.messages()[0].text,
        "Job #1042, Sink leaks: Thanks, the job is yours.\nThis is an automatic reply to your message."
    );
}

#[tokio::test]
async fn an_answer_that_found_its_conversation_closed_goes_by_its_template_at_once() {
    let (tape, api) = tape().await;
    tape.refuse(131_047);
    let message = answer(Answer::Accepted);
    let error = api.notify(&message).await.unwrap_err();
    let at_once = NextStep::Retry { after: Some(Duration::ZERO) };
    assert_eq!((error.next, error.effect), (at_once, SendEffect::NotSent));
    assert_eq!(error.error.code, "131047");

    let again = message.attempt(2).after(Some(error.error));
    assert_eq!(api.template(&again).as_deref(), Some("maintenance_answer/en"));
    api.notify(&again).await.unwrap();
    assert!(tape.last().contains(r#""type":"template""#), "{}", tape.last());

    // A template that is refused so would be refused again.
    tape.refuse(131_047);
    let error = api.notify(&again).await.unwrap_err();
    assert_eq!((error.next, error.effect), (NextStep::Fix, SendEffect::NotSent));
}

#[tokio::test]
async fn another_error_before_does_not_end_the_conversation() {
    let (tape, api) = tape().await;
    let again = answer(Answer::Accepted).after(Some(DeliveryError::new("131000", "transient")));
    api.notify(&again).await.unwrap();
    assert!(tape.last().contains(r#""type":"text""#), "{}", tape.last());
}

#[tokio::test]
async fn every_other_kind_of_message_goes_by_its_template_in_an_open_conversation_too() {
    let (tape, api) = tape().await;
    for kind in [NotificationKind::Assignment, NotificationKind::Withdrawn, NotificationKind::Changed] {
        let Outgoing { notification_id, to, content, .. } = message();
        let message = Outgoing::new(notification_id, kind, to, content);
        api.notify(&message.open_until(Some(now() + TimeDelta::hours(1)))).await.unwrap();
        assert!(tape.last().contains(r#""type":"template""#), "{kind}");
    }
}

#[tokio::test]
async fn an_answer_speaks_the_language_of_its_worker() {
    let (tape, api) = tape().await;
    let message = answer(Answer::Started).offers(&[Action::Done, Action::Decline]);
    api.notify(&message.language(Some(Language::new("pt").unwrap()))).await.unwrap();
    let body = tape.last();
    for said in ["#1042 Sink leaks\\nObrigado, registramos que você começou.", "Concluído", "Não posso fazer"]
    {
        assert!(body.contains(said), "{said} isn't in {body}");
    }
}

#[tokio::test]
async fn an_answer_that_is_refused_for_any_other_reason_is_judged_as_any_message() {
    let (tape, api) = tape().await;
    for (code, next) in [
        (131_026, NextStep::GiveUp),
        (190, NextStep::Stop { scope: Scope::Channel }),
        (131_009, NextStep::Fix),
    ] {
        tape.refuse(code);
        assert_eq!(api.notify(&answer(Answer::Accepted)).await.unwrap_err().next, next, "{code}");
    }
    assert_eq!(tape.bodies().len(), 3);
}
