//! What the tests share.

use std::time::Duration;

use maintenance_core::{
    Description, Location, Message, Name, NotificationKind, PhoneNumber, Priority, RenterContact, Title,
};
use maintenance_whatsapp::{CloudApi, CloudApiConfig, Pacing, Template, fake::FakeCloudApi};

pub(crate) const TO: &str = "+16505551234";

pub(crate) fn number(text: &str) -> PhoneNumber {
    PhoneNumber::try_from(text.to_owned()).unwrap()
}

pub(crate) fn message() -> Message {
    Message {
        notification_id: "6f1b0f0e-5d0c-4a3e-9c39-0a4a6f6f2f10".parse().unwrap(),
        kind: NotificationKind::Assignment,
        attempt: 1,
        to: number(TO),
        request_id: "0b7c1d7e-9d43-4c5e-8f07-7b1f6f6a2c11".parse().unwrap(),
        title: Title::new("Sink leaks").unwrap(),
        description: Description::new("Water on the\nkitchen floor").unwrap(),
        priority: Priority::High,
        location: Location::new("Kitchen, flat 4").unwrap(),
        specialty: None,
        renter: Some(RenterContact {
            name: Name::new("Zoë Example").unwrap(),
            phone_number: number("+12025550123"),
        }),
    }
}

/// A configuration whose pace doesn't slow the tests.
pub(crate) fn config() -> CloudApiConfig {
    CloudApiConfig {
        pacing: Pacing { number_per_second: 100_000, recipient_burst: 100_000, ..Pacing::default() },
        request_timeout: Duration::from_secs(10),
        ..CloudApiConfig::new("106540352242922", "EAAtoken", Template::assignment("maintenance_request"))
    }
}

pub(crate) async fn fake() -> (FakeCloudApi, CloudApi) {
    let fake = FakeCloudApi::start(config()).await.unwrap();
    let api = CloudApi::new(fake.config()).unwrap();
    (fake, api)
}
