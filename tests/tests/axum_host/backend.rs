//! A running host, and how tests call it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use maintenance_examples::axum_host::{
    Host, Messages, Settings,
    demo::{HOUSEHOLDS, LANDLORD, LANDLORD2, PLUMBER},
};
#[cfg(feature = "postgres")]
pub(crate) use maintenance_tests::databases::Schema;
use maintenance_whatsapp::fake::{Automatic, FakeMessage};
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// A running host, with the database that must outlive it.
pub(crate) struct Backend<D> {
    pub(crate) host: Host,
    client: Client,
    pub(crate) url: String,
    pub(crate) database: D,
}

const KEY: &str = "idempotency-key";

pub(crate) fn renter(n: usize) -> String {
    HOUSEHOLDS[n].renter.to_string()
}

pub(crate) fn plumber() -> String {
    PLUMBER.to_string()
}

pub(crate) fn landlord() -> String {
    LANDLORD.to_string()
}

/// The landlord of the other organisation.
pub(crate) fn landlord2() -> String {
    LANDLORD2.to_string()
}

/// The type of a problem of the engine's.
pub(crate) fn engine(word: &str) -> Value {
    format!("urn:maintenance:{word}").into()
}

pub(crate) fn sink() -> Value {
    json!({
        "title": "The sink leaks", "description": "Water under the kitchen sink.", "location": "Kitchen",
        "priority": "high", "specialty": "plumbing",
    })
}

impl<D> Backend<D> {
    pub(crate) async fn start(url: String, database: D) -> Self {
        let listen = ([127, 0, 0, 1], 0).into();
        let settings =
            Settings { database_url: url.clone().into(), listen, messages: Messages::Fake(Automatic::Off) };
        Self { host: Host::start(settings).await.unwrap(), client: Client::new(), url, database }
    }

    /// Calls as that user; returns status and JSON.
    pub(crate) async fn send(
        &self,
        method: Method,
        user: &str,
        path: &str,
        body: &Value,
        key: &str,
    ) -> (u16, Value) {
        let url = format!("http://{}{path}", self.host.address());
        let mut request = self.client.request(method, url).header("x-user", user);
        if !key.is_empty() {
            request = request.header(KEY, key);
        }
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        if status >= 400 {
            assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        }
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    pub(crate) async fn get(&self, user: &str, path: &str) -> (u16, Value) {
        self.send(Method::GET, user, path, &Value::Null, "").await
    }

    pub(crate) async fn post(&self, user: &str, path: &str, body: Value) -> (u16, Value) {
        self.send(Method::POST, user, path, &body, "").await
    }

    pub(crate) async fn put(&self, user: &str, path: &str, body: Value) -> (u16, Value) {
        self.send(Method::PUT, user, path, &body, "").await
    }

    /// Waits until a list has so many requests: a search finds a new one from the dispatcher's next poll on.
    pub(crate) async fn until_found(&self, user: &str, path: &str, count: usize) {
        let limit = Instant::now() + Duration::from_mins(1);
        while self.get(user, path).await.1["items"].as_array().unwrap().len() != count {
            assert!(Instant::now() < limit, "{path} has not {count} requests within a minute");
        }
    }

    pub(crate) async fn file(&self, n: usize, body: Value) -> String {
        let (status, filed) = self.post(&renter(n), "/renter/requests", body).await;
        assert_eq!(status, 201, "{filed}");
        filed["id"].as_str().unwrap().to_owned()
    }

    /// The messages about a request that its fake API accepted.
    pub(crate) async fn messages_about(&self, id: &str) -> Vec<Arc<FakeMessage>> {
        let mut ids = Vec::new();
        for landlord in [landlord(), landlord2()] {
            let (_, record) = self.get(&landlord, &format!("/landlord/requests/{id}")).await;
            let messages = record["record"]["notifications"].as_array().into_iter().flatten();
            ids.extend(messages.filter_map(|message| message["id"].as_str()).map(str::to_owned));
        }
        let mut sent = self.host.fake().unwrap().messages();
        sent.retain(|message| message.callback_data.as_ref().is_some_and(|id| ids.contains(id)));
        sent
    }

    pub(crate) async fn stop(self) {
        assert!(self.host.stop().await);
    }
}

/// A story on SQLite, and on PostgreSQL.
macro_rules! on_each_database {
    ($($story:ident)*) => {$(
        mod $story {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("host.sqlite").display());
                super::$story(crate::backend::Backend::start(url, folder).await).await;
            }

            #[cfg(feature = "postgres")]
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                let schema = crate::backend::Schema::empty().await;
                let url = crate::backend::url(&schema);
                super::$story(crate::backend::Backend::start(url, schema).await).await;
            }
        }
    )*};
}

/// The address by which a host comes to that schema.
#[cfg(feature = "postgres")]
pub(crate) fn url(schema: &Schema) -> String {
    let options = schema.options();
    let name = options.get_application_name().unwrap();
    let server = std::env::var("MAINTENANCE_TEST_DATABASE_URL").unwrap();
    let and = if server.contains('?') { '&' } else { '?' };
    format!("{server}{and}application_name={name}&options[search_path]={name}")
}
