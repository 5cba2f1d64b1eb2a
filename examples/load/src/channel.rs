//! The notifier against the fake Cloud API, beside a bare HTTP client against the same fake.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use maintenance_core::{
    Content, Description, Location, NotificationId, NotificationKind, Notifier as _, Outgoing, PhoneNumber,
    Priority, RandomIds, Recipient, RequestId, Title, WorkerId,
};
use maintenance_whatsapp::{
    CloudApi, CloudApiConfig, Pacing, Wordings,
    fake::FakeCloudApi,
    reqwest::{
        Client, Url,
        header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
        redirect::Policy,
    },
};

use crate::{Result, dataset, work::Work};

/// A fake without limits of pace, and a notifier that sends to it.
pub(crate) async fn fake() -> Result<(FakeCloudApi, CloudApi)> {
    let mut config = CloudApiConfig::new("106540352242922", TOKEN, Wordings::default());
    config.pacing = Pacing {
        number_per_second: 1_000_000,
        recipient_interval: Duration::from_nanos(1),
        recipient_burst: 1_000_000_000,
    };
    let fake = FakeCloudApi::start(config).await?;
    let api = CloudApi::new(fake.config())?;
    Ok((fake, api))
}

const TOKEN: &str = "load-token";

/// A fresh fake for each slice, since it keeps every message.
struct Line {
    /// Answers as long as it is held.
    _fake: FakeCloudApi,
    api: CloudApi,
    message: Outgoing,
    client: Client,
    url: Url,
    authorization: HeaderValue,
    body: Vec<u8>,
}

type Slot = Mutex<Option<Arc<Line>>>;

async fn connect(slot: &Slot) -> Result<()> {
    let (fake, api) = fake().await?;
    let message = message()?;
    api.notify(&message).await?;
    let body = fake.messages().first().map(|message| message.body.clone()).unwrap_or_default();
    let config = fake.config();
    let url = format!("{}/{}/{}/messages", config.base_url, config.version, config.phone_number_id);
    let line = Line {
        _fake: fake,
        api,
        message,
        client: Client::builder().redirect(Policy::none()).build()?,
        url: Url::parse(&url)?,
        authorization: HeaderValue::try_from(format!("Bearer {TOKEN}"))?,
        body,
    };
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(line));
    Ok(())
}

fn line(slot: &Slot) -> Result<Arc<Line>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(|| "no fake runs".into())
}

fn hang_up(slot: &Slot) {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take();
}

fn message() -> Result<Outgoing> {
    let content = Content::new(
        RequestId::mint(&RandomIds),
        Title::new(dataset::TITLE)?,
        Description::new(dataset::DESCRIPTION)?,
        Priority::Medium,
        Location::new(dataset::LOCATION)?,
        None,
    );
    let phone_number = PhoneNumber::try_from("+12025550123".to_owned())?;
    let worker = Recipient::Worker { id: WorkerId::mint(&RandomIds), phone_number };
    Ok(Outgoing::new(NotificationId::mint(&RandomIds), NotificationKind::Assignment, worker, content))
}

/// The engine's notifier.
#[derive(Default)]
pub(crate) struct Notifying(Slot);

#[async_trait]
impl Work for Notifying {
    async fn prepare(&self) -> Result<()> {
        connect(&self.0).await
    }

    async fn once(&self) -> Result<u64> {
        let line = line(&self.0)?;
        line.api.notify(&line.message).await?;
        Ok(1)
    }

    async fn clear(&self) -> Result<()> {
        hang_up(&self.0);
        Ok(())
    }
}

/// The same bytes, made before, by reqwest alone; the answer is read and not understood.
#[derive(Default)]
pub(crate) struct Bare(Slot);

#[async_trait]
impl Work for Bare {
    async fn prepare(&self) -> Result<()> {
        connect(&self.0).await
    }

    async fn once(&self) -> Result<u64> {
        let line = line(&self.0)?;
        let request = line
            .client
            .post(line.url.clone())
            .header(AUTHORIZATION, line.authorization.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(line.body.clone());
        let answer = request.send().await?.error_for_status()?;
        if answer.bytes().await?.is_empty() { Err("the fake answered nothing".into()) } else { Ok(1) }
    }

    async fn clear(&self) -> Result<()> {
        hang_up(&self.0);
        Ok(())
    }
}
