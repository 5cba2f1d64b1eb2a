//! News for renters: a template for each.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use maintenance_core::{Language, News, NotificationKind, Notifier as _, Outgoing, Recipient};
use maintenance_whatsapp::{CloudApi, CloudApiConfig, Wordings, fake::FakeCloudApi};
use support::{config, fake, message, number};

const RENTER: &str = "+12025550123";

/// That news for the renter.
fn told(news: News) -> Outgoing {
    let Outgoing { notification_id, mut content, .. } = message();
    content.renter = None;
    let id = "0f000002-0000-4000-8000-000000000002".parse().unwrap();
    let to = Recipient::Renter { id, phone_number: number(RENTER) };
    Outgoing::new(notification_id, NotificationKind::News, to, content).news(Some(news))
}

#[tokio::test]
async fn each_news_goes_out_as_its_template_to_the_renters_number() {
    let (fake, api) = fake().await;
    for news in News::ALL {
        let message = told(*news);
        assert_eq!(api.template(&message), Some(format!("maintenance_news_{news}/en")));
        api.notify(&message).await.unwrap();
    }
    let sent = fake.messages();
    assert_eq!(sent.len(), News::ALL.len());
    assert!(sent.iter().all(|sent| sent.to == RENTER));
    assert_eq!(
        sent[0].text,
        "We have received your request #1042: Sink leaks\nBuilding: Riverside, 12 Quay Street, flat 4\n\
         Thank you for telling us. Reply STOP to get no more messages."
    );
    assert_eq!(
        sent[3].text,
        "Your request #1042 is done: Sink leaks\nBuilding: Riverside, 12 Quay Street, flat 4\n\
         Is something still wrong? Reply to this message and tell us what. Reply STOP to get no more messages."
    );
    let said = |private: &str| sent.iter().any(|sent| sent.text.contains(private));
    assert!(!said("Water on the kitchen floor") && !said(RENTER));
}

#[tokio::test]
async fn news_goes_out_in_the_renters_language_also_while_the_conversation_is_open() {
    let (fake, api) = fake().await;
    let message = told(News::Done)
        .language(Some(Language::new("es_MX").unwrap()))
        .open_until(Some("2999-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(api.template(&message).as_deref(), Some("maintenance_news_done/es"));
    api.notify(&message).await.unwrap();
    assert_eq!(
        fake.messages()[0].text,
        "Su solicitud #1042 está resuelta: Sink leaks\nEdificio: Riverside, 12 Quay Street, flat 4\n\
         ¿Sigue habiendo algún problema? Responda a este mensaje y díganos cuál. \
         Responda BAJA para no recibir más mensajes."
    );
}

#[tokio::test]
async fn a_host_names_the_templates_of_news() {
    let wordings = Wordings::default().news_named(News::Done, "acme_done");
    let fake = FakeCloudApi::start(CloudApiConfig { wordings, ..config() }).await.unwrap();
    let api = CloudApi::new(fake.config()).unwrap();
    let french = told(News::Done).language(Some(Language::new("fr").unwrap()));
    assert_eq!(api.template(&french).as_deref(), Some("acme_done/fr"));
    api.notify(&french).await.unwrap();
    assert_eq!(api.template(&told(News::Started)).as_deref(), Some("maintenance_news_started/en"));
}
