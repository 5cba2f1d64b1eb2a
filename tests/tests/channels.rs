//! Two organisations, each with a number of its own, in one process: a SQLite file, the fake Cloud API over HTTP, and one
//! webhook for both numbers.

#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

use std::sync::Arc;

use maintenance_core::{
    Channel, ChannelTable, DispatchPolicy, DispatchReport, Dispatcher, OrganizationId, Repository, RequestId,
    WhatsAppStatus,
};
use maintenance_memory::conformance::World;
use maintenance_tests::databases;
use maintenance_whatsapp::{
    CloudApi, CloudApiConfig, Numbers, Wordings,
    fake::{Automatic, FakeCloudApi},
    webhook::{WebhookConfig, WebhookSecrets, router},
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use uuid::Uuid;

const SOUTH_ID: &str = "207650463353033";

fn channel(name: &str) -> Channel {
    Channel::new(name).unwrap()
}

struct Scene {
    north: World,
    south: World,
    numbers: Numbers,
    fake: FakeCloudApi,
    url: String,
    dispatcher: Dispatcher<Arc<dyn Repository>, Numbers>,
    _folder: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let (store, folder) = databases::sqlite().await;
        let (mut north, other) = (World::new(store), OrganizationId::from_uuid(Uuid::from_u128(7)));
        let mut south = north.of(other);
        let channels = ChannelTable::default()
            .organization(OrganizationId::NONE, channel("north"))
            .organization(other, channel("south"));
        for world in [&mut north, &mut south] {
            world.maintenance = world.maintenance.clone().with_channels(channels.clone());
            world.worker(&["plumbing"]).await;
        }
        let config = CloudApiConfig::new("106540352242922", "north-token", Wordings::default());
        let fake = FakeCloudApi::start(config).await.unwrap();
        let numbers = Numbers::new();
        let south_config = fake.add_number(SOUTH_ID, "south-token");
        for (name, config) in [("north", fake.config()), ("south", south_config)] {
            let secrets = WebhookSecrets::new(format!("secret of {name}"), "verify").unwrap();
            numbers.set(channel(name), CloudApi::new(config).unwrap(), secrets).unwrap();
        }
        let app = router::<_, ()>(north.maintenance.clone(), WebhookConfig::of(numbers.clone()));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let dispatcher = north.maintenance.dispatcher(numbers.clone(), DispatchPolicy::default());
        Self { north, south, numbers, fake, url, dispatcher, _folder: folder }
    }

    async fn dispatch(&self) -> DispatchReport {
        self.dispatcher.dispatch_due().await.unwrap()
    }

    /// Posts that a message was read, signed with that number's secret; returns the answer and what became of it.
    async fn told(&self, signed_by: &str, request: RequestId, of: &World) -> (u16, WhatsAppStatus) {
        let messages = self.fake.messages();
        let id = of.newest_message(request).await.id;
        let message = messages.iter().find(|message| message.notification_id() == Some(id)).unwrap();
        self.fake.webhook(&self.url, format!("secret of {signed_by}"), Automatic::Off);
        let answer = self.fake.post(&[message.status("read")]).await.unwrap();
        (answer, of.newest_message(request).await.status)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_with_a_bad_token_stops_alone_until_it_has_a_good_one() {
    let scene = Scene::new().await;
    scene.fake.add_number(SOUTH_ID, "replaced-token");
    for _ in 0..2 {
        scene.north.filed().await;
        scene.south.filed().await;
    }
    let report = scene.dispatch().await;
    assert_eq!((report.sent, report.put_back), (2, 2));
    let pauses: Vec<_> =
        report.pauses.iter().map(|pause| (pause.channel.as_str(), pause.needs_person)).collect();
    assert_eq!(pauses, [("south", true)]);
    scene.north.filed().await;
    assert_eq!(scene.dispatch().await.sent, 1, "the other goes on");
    scene.numbers.get(&channel("south")).unwrap().set_token("replaced-token").unwrap();
    scene.north.wait(60);
    assert_eq!(scene.dispatch().await.sent, 1, "one message tries");
    assert_eq!(scene.dispatch().await.sent, 1, "and the other follows");
    let by_south = scene.fake.messages().iter().filter(|message| message.phone_number_id == SOUTH_ID).count();
    assert_eq!((scene.fake.messages().len(), by_south), (5, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_missing_stops_its_channel_until_it_is_set() {
    let scene = Scene::new().await;
    scene.numbers.remove(&channel("south"));
    scene.north.filed().await;
    scene.south.filed().await;
    let report = scene.dispatch().await;
    assert_eq!(report.sent, 1);
    assert!(report.pauses[0].error.text.contains("the channel south"), "{report:?}");
    let api = CloudApi::new(scene.fake.add_number(SOUTH_ID, "south-token")).unwrap();
    scene
        .numbers
        .set(channel("south"), api, WebhookSecrets::new("secret of south", "verify").unwrap())
        .unwrap();
    scene.north.wait(60);
    assert_eq!(scene.dispatch().await.sent, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_signed_with_the_others_secret_changes_nothing() {
    let scene = Scene::new().await;
    let (north, south) = (scene.north.filed().await.id, scene.south.filed().await.id);
    assert_eq!(scene.dispatch().await.sent, 2);
    assert_eq!(scene.told("south", north, &scene.north).await, (401, WhatsAppStatus::Sent));
    assert_eq!(scene.told("south", south, &scene.south).await, (200, WhatsAppStatus::Read));
    // The post names the number of the one who signs it, and a message of the other.
    let messages = scene.fake.messages();
    let sent = messages.iter().find(|message| message.phone_number_id != SOUTH_ID).unwrap();
    let mut of_north = sent.status("read");
    of_north.phone_number_id = SOUTH_ID.to_owned();
    scene.fake.webhook(&scene.url, "secret of south", Automatic::Off);
    assert_eq!(scene.fake.post(&[of_north]).await.unwrap(), 200);
    assert_eq!(scene.north.newest_message(north).await.status, WhatsAppStatus::Sent);
    assert_eq!(scene.told("north", north, &scene.north).await, (200, WhatsAppStatus::Read));
}
