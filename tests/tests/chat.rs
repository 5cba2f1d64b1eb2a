//! Workers answer on WhatsApp, end to end: the fake Cloud API plays their phones, its webhooks come to the host's server,
//! and the dispatcher's loop receives and sends. On every store.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "test code: a failed expectation is its result"
)]

use std::{pin::pin, sync::Arc, task::Poll, time::Duration};

use axum::Router;
use maintenance_core::{
    Action, Actor, Answer, Clock, DispatchPolicy, FileKind, InboundOutcome, Maintenance, Move, News,
    NotificationKind, Organizations, ReceiveReport, Receiver, Request, RequestRecord, RequestStatus,
    SharedRepository, SystemClock, WhatsAppStatus, Worker,
};
use maintenance_memory::conformance::World;
use maintenance_tests::databases;
use maintenance_whatsapp::{
    CloudApi, CloudApiConfig, ObjectMedia, Pacing, Wordings,
    fake::{Automatic, FakeCloudApi, FakeMedia, FakePhone},
    webhook::{WebhookConfig, router},
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

const SECRET: &str = "test_app_secret_0123456789abcdef";
const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00 and what follows";

type Store = Arc<dyn SharedRepository>;

/// A world whose workers have phones.
struct Scene {
    world: World,
    engine: Maintenance<Store>,
    fake: FakeCloudApi,
    api: Arc<CloudApi>,
    files: TempDir,
    server: JoinHandle<()>,
    _alive: Box<dyn Send>,
}

impl Scene {
    async fn set<R: Organizations + 'static>(stored: (R, impl Send + 'static)) -> Self {
        Self::by(None, &[], stored).await
    }

    /// The same where renters are told all news.
    async fn telling_renters<R: Organizations + 'static>(stored: (R, impl Send + 'static)) -> Self {
        Self::by(None, News::ALL, stored).await
    }

    /// The same by the machine's clock: the loop holds its clock against that of the database server.
    async fn by_the_machines_clock<R: Organizations + 'static>(stored: (R, impl Send + 'static)) -> Self {
        Self::by(Some(Arc::new(SystemClock)), &[], stored).await
    }

    async fn by<R: Organizations + 'static>(
        clock: Option<Arc<dyn Clock>>,
        news: &[News],
        (store, alive): (R, impl Send + 'static),
    ) -> Self {
        let world = World::new(store).telling(news);
        let clock = clock.unwrap_or_else(|| Arc::new(world.clock.clone()));
        let engine = world.shared_engine().with_clock(Arc::clone(&clock));
        // More messages than a phone gets in a day come within a second.
        let pacing = Pacing { recipient_burst: 10_000, number_per_second: 10_000, ..Pacing::default() };
        let config = CloudApiConfig::new("106540352242922", "test-token", Wordings::default());
        let config = CloudApiConfig { pacing, ..config };
        let fake = FakeCloudApi::start(config).await.unwrap();
        fake.clock(Arc::clone(&clock));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let config = WebhookConfig::new(SECRET.to_owned(), "a-verify-token").unwrap();
        let app: Router = router(engine.clone(), config);
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        fake.webhook(url, SECRET.to_owned(), Automatic::Off);
        let api = CloudApi::new(fake.config()).unwrap().with_clock(clock);
        let files = tempfile::tempdir().unwrap();
        Self { world, engine, fake, api: Arc::new(api), files, server, _alive: Box::new(alive) }
    }

    fn receiver(&self) -> Receiver<Store> {
        let files = ObjectMedia::folder(self.files.path(), "https://files.example.com/kept/").unwrap();
        self.engine.receiver().media(Arc::clone(&self.api), files)
    }

    async fn dispatch(&self) {
        let dispatcher = self.engine.dispatcher(Arc::clone(&self.api), DispatchPolicy::default());
        dispatcher.dispatch_due().await.unwrap();
    }

    /// Applies what was received, and sends the answers.
    async fn settle(&self) -> ReceiveReport {
        let report = self.receiver().receive_due().await.unwrap();
        self.dispatch().await;
        report
    }

    async fn worker(&self, number: &str) -> (Worker, FakePhone) {
        let mut new = self.world.new_worker(&["plumbing"]);
        new.phone_number = number.into();
        let worker = self.engine.add_worker(new).await.unwrap();
        self.engine.assign_complex(worker.id, self.world.complex, false).await.unwrap();
        (worker, self.fake.phone(number))
    }

    /// A request whose worker was told of it.
    async fn told(&self) -> Request {
        let request = self.world.filed().await;
        self.dispatch().await;
        request
    }

    async fn record(&self, request: &Request) -> RequestRecord {
        self.engine.record(request.id).await.unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Tests of each case on each store.
macro_rules! on_every_store {
    ($($set:ident: $case:ident,)*) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() { super::$case(super::Scene::$set(super::databases::memory().await).await).await; })*
        }
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() { super::$case(super::Scene::$set(super::databases::sqlite().await).await).await; })*
        }
        #[cfg(feature = "postgres")]
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() { super::$case(super::Scene::$set(super::databases::postgres().await).await).await; })*
        }
    };
}

on_every_store! {
    set: a_worker_takes_begins_shows_and_finishes_the_job,
    set: ten_messages_with_the_fourth_broken_are_nine,
    set: a_webhook_that_comes_again_is_applied_once,
    set: an_answer_outside_the_conversation_goes_by_its_template,
    set: an_answer_that_meets_a_closed_conversation_goes_out_once_by_its_template,
    set: hostile_files_fetch_nothing_and_harm_nothing,
    set: a_worker_who_hides_their_number_is_known,
    set: receiving_that_is_dropped_anywhere_applies_once_and_answers_once,
    telling_renters: a_renter_hears_says_what_is_wrong_and_opts_out,
    by_the_machines_clock: the_loop_receives_and_answers,
}

async fn a_worker_takes_begins_shows_and_finishes_the_job(scene: Scene) {
    let (worker, phone) = scene.worker("+12025550123").await;
    let request = scene.told().await;
    let assignment = phone.messages().pop().unwrap();
    let titles: Vec<_> = assignment.buttons.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles, ["Accept", "I can't do it"]);
    for action in ["accept", "start"] {
        scene.world.wait(60);
        assert_eq!(phone.tap(action).await.unwrap(), 200);
        scene.settle().await;
        let answer = phone.messages().pop().unwrap();
        assert_eq!(answer.template, None, "the conversation is open");
        assert!(answer.text.starts_with(&format!("{} The sink leaks", request.number)), "{}", answer.text);
    }
    scene.world.wait(60);
    assert_eq!(phone.photo(JPEG.to_vec()).caption("The old seal").await.unwrap(), 200);
    scene.settle().await;
    assert_eq!(phone.tap("done").await.unwrap(), 200);
    scene.settle().await;
    let record = scene.record(&request).await;
    assert_eq!(
        (record.request.status, record.request.assigned_worker_id),
        (RequestStatus::Completed, Some(worker.id))
    );
    assert_eq!(record.comments[0].comment.as_str(), "The old seal");
    let file = &record.attachments[0];
    let kept = file.file_url.as_str().strip_prefix("https://files.example.com/kept/").unwrap();
    assert_eq!(std::fs::read(scene.files.path().join(kept)).unwrap(), JPEG);
    assert_eq!(file.file_type.as_str(), "image/jpeg");
    assert!(record.notifications[0].acknowledged_at.is_some());
    assert_eq!(phone.messages().len(), 5);
}

async fn ten_messages_with_the_fourth_broken_are_nine(scene: Scene) {
    let (_, phone) = scene.worker("+12025550123").await;
    let request = scene.told().await;
    let texts: Vec<_> = (0..10).map(|n| phone.say(format!("text {n}"))).collect();
    let post: Vec<_> =
        texts.into_iter().enumerate().map(|(n, text)| if n == 3 { text.broken() } else { text }).collect();
    assert_eq!(scene.fake.post_together(&post).await.unwrap(), 200);
    let report = scene.receiver().receive_due().await.unwrap();
    assert_eq!(report.outcomes[&InboundOutcome::Commented], 9);
    let mut said: Vec<_> =
        scene.record(&request).await.comments.iter().map(|said| said.comment.as_str().to_owned()).collect();
    said.sort();
    assert_eq!(said, [0, 1, 2, 4, 5, 6, 7, 8, 9].map(|n| format!("text {n}")));
}

async fn a_webhook_that_comes_again_is_applied_once(scene: Scene) {
    let (_, phone) = scene.worker("+12025550123").await;
    let request = scene.told().await;
    assert_eq!(phone.say("I come at noon.").await.unwrap(), 200);
    for _ in 0..3 {
        assert_eq!(phone.again().await.unwrap(), 200);
        scene.settle().await;
        scene.world.wait(3_600);
    }
    assert_eq!(scene.record(&request).await.comments.len(), 1);
    assert_eq!(phone.messages().len(), 2);
}

async fn an_answer_outside_the_conversation_goes_by_its_template(scene: Scene) {
    let (_, phone) = scene.worker("+12025550123").await;
    scene.told().await;
    assert_eq!(phone.tap("accept").await.unwrap(), 200);
    scene.receiver().receive_due().await.unwrap();
    // Nothing could be sent for a day.
    scene.world.wait(24 * 3_600);
    scene.dispatch().await;
    let answer = phone.messages().pop().unwrap();
    assert_eq!(answer.template.as_deref(), Some("maintenance_answer"));
    assert!(answer.text.contains("the job is yours"), "{}", answer.text);
}

async fn an_answer_that_meets_a_closed_conversation_goes_out_once_by_its_template(scene: Scene) {
    let (_, phone) = scene.worker("+12025550123").await;
    let request = scene.told().await;
    assert_eq!(phone.tap("accept").await.unwrap(), 200);
    scene.settle().await;
    let answer = phone.messages().pop().unwrap();
    assert_eq!(answer.template, None);
    // The API accepted it, and tells afterwards that the conversation was closed; twice, as it does.
    let failed = answer.failed(131_047, "Re-engagement message");
    for _ in 0..2 {
        assert_eq!(scene.fake.post(std::slice::from_ref(&failed)).await.unwrap(), 200);
        scene.world.wait(60);
        scene.dispatch().await;
    }
    let sent: Vec<_> = phone.messages().iter().map(|sent| sent.template.clone()).collect();
    let by = |name: &str| Some(name.to_owned());
    assert_eq!(sent, [by("maintenance_request"), None, by("maintenance_answer")]);
    let messages = scene.record(&request).await.notifications;
    let answers: Vec<_> = messages
        .iter()
        .filter(|message| message.kind == NotificationKind::Answer)
        .map(|m| m.status)
        .collect();
    assert_eq!(answers, [WhatsAppStatus::Failed, WhatsAppStatus::Sent]);
}

async fn hostile_files_fetch_nothing_and_harm_nothing(scene: Scene) {
    let (_, phone) = scene.worker("+12025550123").await;
    let request = scene.told().await;
    let good = || FakeMedia::new("image/jpeg", JPEG);
    let zip = b"PK\x03\x04 a zip that says it is a photo".to_vec();
    for (n, media) in [
        good().redirects_to("http://127.0.0.1:1/"),
        good().at("http://169.254.169.254/latest/meta-data"),
        good().at("https://files.example.com/photo.jpg"),
        good().endless(),
        good().wrong_hash(),
        FakeMedia::new("image/jpeg", zip),
        FakeMedia::new("application/x-msdownload", JPEG),
    ]
    .into_iter()
    .enumerate()
    {
        scene.world.wait(1);
        assert_eq!(phone.send(FileKind::Image, media).await.unwrap(), 200);
        let report = scene.settle().await;
        let became: Vec<_> = report.outcomes.keys().collect();
        assert_eq!(became, [&InboundOutcome::FileRefused], "file {n}");
    }
    assert_eq!(phone.tap("accept").await.unwrap(), 200);
    assert_eq!(scene.settle().await.outcomes[&InboundOutcome::Accepted], 1);
    assert_eq!(scene.record(&request).await.attachments, []);
    assert_eq!(std::fs::read_dir(scene.files.path()).unwrap().count(), 0, "nothing is kept");
}

async fn a_worker_who_hides_their_number_is_known(scene: Scene) {
    let (_, phone) = scene.worker("+12025550123").await;
    phone.hide_number();
    let request = scene.told().await;
    let assignment = phone.messages().pop().unwrap();
    scene.fake.post(&[assignment.status("delivered")]).await.unwrap();
    assert_eq!(phone.tap("accept").await.unwrap(), 200);
    assert_eq!(scene.settle().await.outcomes[&InboundOutcome::Accepted], 1);
    let record = scene.record(&request).await;
    assert!(record.notifications[0].acknowledged_at.is_some());
    assert_eq!(phone.messages().len(), 2);
}

async fn a_renter_hears_says_what_is_wrong_and_opts_out(scene: Scene) {
    let (worker, phone) = scene.worker("+12025550123").await;
    let renter = scene.fake.phone("+12025550100");
    let request = scene.told().await;
    for action in ["start", "done"] {
        scene.world.wait(60);
        if action == "start" {
            assert_eq!(phone.tap("accept").await.unwrap(), 200);
            scene.settle().await;
        }
        assert_eq!(phone.tap(action).await.unwrap(), 200);
        scene.settle().await;
        scene.dispatch().await;
    }
    let names = |phone: &FakePhone| -> Vec<_> {
        phone.messages().iter().map(|sent| sent.template.clone().unwrap_or_default()).collect()
    };
    let told = ["maintenance_news_assigned", "maintenance_news_started", "maintenance_news_done"];
    assert_eq!(names(&renter), told);
    let done = renter.messages().pop().unwrap();
    scene.world.wait(60);
    assert_eq!(renter.reply(&done, "It drips again.").await.unwrap(), 200);
    assert_eq!(scene.settle().await.outcomes[&InboundOutcome::Reopened], 1);
    let record = scene.record(&request).await;
    assert_eq!(record.request.status, RequestStatus::InProgress);
    assert_eq!(record.request.assigned_worker_id, Some(worker.id));
    assert_eq!(
        renter.messages().pop().unwrap().text,
        format!("{} The sink leaks\nThanks for telling us. Your request is open again.", request.number)
    );
    assert_eq!(names(&phone).last().unwrap(), "maintenance_request");
    scene.world.wait(60);
    assert_eq!(renter.say("Stop!").await.unwrap(), 200);
    assert_eq!(scene.settle().await.outcomes[&InboundOutcome::OptedOut], 1);
    let heard = renter.messages().len();
    let by = Actor::Worker(worker.id);
    scene.engine.change_status(request.id, Move::to(RequestStatus::Completed, by)).await.unwrap();
    scene.dispatch().await;
    assert_eq!(renter.messages().len(), heard);
    let last = scene.record(&request).await.notifications.pop().unwrap();
    assert_eq!((last.news, last.error.map(|error| error.code)), (Some(News::Done), Some("opted_out".into())));
}

async fn the_loop_receives_and_answers(scene: Scene) {
    let (_, phone) = scene.worker("+12025550123").await;
    let (stop, mut stopped) = watch::channel(false);
    let dispatcher = scene
        .engine
        .dispatcher(Arc::clone(&scene.api), DispatchPolicy::default())
        .receiving(scene.receiver());
    let running = tokio::spawn(async move {
        dispatcher.run(async move { drop(stopped.wait_for(|&stop| stop).await) }).await;
    });
    let request = scene.engine.submit(scene.world.new_request()).await.unwrap().request;
    for (n, action) in [Action::Accept, Action::Start, Action::Done].into_iter().enumerate() {
        let sent = tokio::time::timeout(Duration::from_mins(1), scene.fake.wait_for_messages(n + 1)).await;
        assert_eq!(sent.unwrap().len(), n + 1);
        assert_eq!(phone.tap(action.as_str()).await.unwrap(), 200);
    }
    tokio::time::timeout(Duration::from_mins(1), scene.fake.wait_for_messages(4)).await.unwrap();
    stop.send_replace(true);
    running.await.unwrap();
    assert_eq!(scene.record(&request).await.request.status, RequestStatus::Completed);
}

/// Polls the future so often at most; whether it ended.
async fn polled(times: usize, future: impl Future) -> bool {
    let (mut future, mut left) = (pin!(future), times);
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        future.as_mut().poll(context).map(|_| true)
    })
    .await
}

/// Between any two lines: whatever a receiver that died had done, the next one does the rest.
async fn receiving_that_is_dropped_anywhere_applies_once_and_answers_once(scene: Scene) {
    let (worker, phone) = scene.worker("+12025550123").await;
    let (mut times, mut dropped) = (1, 0);
    loop {
        let request = scene.told().await;
        assert_eq!(phone.tap("accept").await.unwrap(), 200);
        scene.settle().await;
        assert_eq!(phone.tap("start").await.unwrap(), 200);
        scene.world.wait(1);
        assert_eq!(phone.say("I come at noon.").await.unwrap(), 200);
        scene.world.wait(1);
        assert_eq!(phone.photo(JPEG.to_vec()).await.unwrap(), 200);
        let ended = polled(times, scene.receiver().receive_due()).await;
        // Its leases end.
        for _ in 0..3 {
            scene.world.wait(301);
            scene.settle().await;
        }
        let record = scene.record(&request).await;
        assert_eq!(
            (record.request.status, record.history.len()),
            (RequestStatus::InProgress, 1),
            "{times} polls"
        );
        assert_eq!((record.comments.len(), record.attachments.len()), (1, 1), "{times} polls");
        let mut answers: Vec<_> = record.notifications.iter().filter_map(|message| message.answer).collect();
        answers.sort();
        let each = [Answer::Accepted, Answer::Started, Answer::Commented, Answer::Attached];
        assert_eq!(answers, each, "{times} polls");
        let done = Move::to(RequestStatus::Completed, Actor::Worker(worker.id));
        scene.engine.change_status(request.id, done).await.unwrap();
        if ended {
            break;
        }
        dropped += 1;
        times += 1 + times / 8;
        assert!(times < 10_000, "it never ends");
    }
    // In memory only the file is waited for.
    assert!(dropped > 0, "it was never dropped");
}
