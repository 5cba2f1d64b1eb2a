//! What the tests share.

use std::time::Duration;

use maintenance_core::{
    Action, Content, Description, Location, Name, NotificationKind, Outgoing, PhoneNumber, Place, PlaceText,
    Priority, Recipient, RenterContact, RequestNumber, Title,
};
use maintenance_whatsapp::{CloudApi, CloudApiConfig, Pacing, Wordings, fake::FakeCloudApi};

pub(crate) const TO: &str = "+16505551234";

pub(crate) fn number(text: &str) -> PhoneNumber {
    PhoneNumber::try_from(text.to_owned()).unwrap()
}

pub(crate) fn worker(phone_number: &str) -> Recipient {
    let id = "0f000001-0000-4000-8000-000000000001".parse().unwrap();
    Recipient::Worker { id, phone_number: number(phone_number) }
}

pub(crate) fn message() -> Outgoing {
    let content = Content::new(
        "0b7c1d7e-9d43-4c5e-8f07-7b1f6f6a2c11".parse().unwrap(),
        Title::new("Sink leaks").unwrap(),
        Description::new("Water on the\nkitchen floor").unwrap(),
        Priority::High,
        Location::new("Kitchen, flat 4").unwrap(),
        None,
    );
    let text = |text| Some(PlaceText::new(text).unwrap());
    let place = Place { complex: text("Riverside"), address: text("12 Quay Street"), unit: text("flat 4") };
    let name = Name::new("Zoë Example").unwrap();
    let renter = RenterContact { name, phone_number: Some(number("+12025550123")), language: None };
    Outgoing::new(
        "6f1b0f0e-5d0c-4a3e-9c39-0a4a6f6f2f10".parse().unwrap(),
        NotificationKind::Assignment,
        worker(TO),
        content.number(RequestNumber::new(1042)).place(Some(place)).renter(Some(renter)),
    )
    .offers(&[Action::Accept, Action::Decline])
}

/// A configuration whose pace doesn't slow the tests.
pub(crate) fn config() -> CloudApiConfig {
    CloudApiConfig {
        pacing: Pacing { number_per_second: 100_000, recipient_burst: 100_000, ..Pacing::default() },
        request_timeout: Duration::from_secs(10),
        ..CloudApiConfig::new("106540352242922", "EAAtoken", Wordings::default())
    }
}

pub(crate) async fn fake() -> (FakeCloudApi, CloudApi) {
    let fake = FakeCloudApi::start(config()).await.unwrap();
    let api = CloudApi::new(fake.config()).unwrap();
    (fake, api)
}
