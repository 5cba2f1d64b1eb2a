//! A server that keeps the bodies of the sends and answers each as a test says.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode};
use maintenance_whatsapp::{CloudApi, CloudApiConfig};
use tokio::net::TcpListener;

const ACCEPTED: &str = r#"{"messages":[{"id":"wamid.A="}]}"#;

/// The bodies that came, and the error codes that the next sends are refused with.
#[derive(Clone, Default)]
pub(crate) struct Tape(Arc<Mutex<(Vec<String>, VecDeque<i64>)>>);

impl Tape {
    /// A server, and a notifier that sends to it.
    pub(crate) async fn start(config: CloudApiConfig) -> (Self, CloudApi) {
        let tape = Self::default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(tape.clone());
        tokio::spawn(async { axum::serve(listener, app).await });
        (tape, CloudApi::new(CloudApiConfig { base_url, ..config }).unwrap())
    }

    /// Refuses the next send with that code.
    pub(crate) fn refuse(&self, code: i64) {
        self.with(|(_, refusals)| refusals.push_back(code));
    }

    /// The bodies so far.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.with(|(bodies, _)| bodies.clone())
    }

    /// The newest body.
    pub(crate) fn last(&self) -> String {
        self.bodies().pop().unwrap()
    }

    fn with<T>(&self, work: impl FnOnce(&mut (Vec<String>, VecDeque<i64>)) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn answer(State(tape): State<Tape>, body: Bytes) -> (StatusCode, String) {
    tape.with(|(bodies, refusals)| {
        bodies.push(String::from_utf8(body.to_vec()).unwrap());
        refusals.pop_front().map_or_else(
            || (StatusCode::OK, ACCEPTED.to_owned()),
            |code| (StatusCode::BAD_REQUEST, format!(r#"{{"error":{{"code":{code}}}}}"#)),
        )
    })
}
