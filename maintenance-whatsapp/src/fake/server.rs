//! The fake's HTTP server, which can also hang up.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Path, State, connect_info::Connected},
    http::{HeaderMap, Response, header},
    routing::post,
    serve::{IncomingStream, Listener},
};
use maintenance_core::{Clock as _, SystemClock};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

use super::{
    FakeMessage, Shared,
    check::{Accepted, Envelope, Refusal, check_body, check_envelope},
    fault::{Effect, Fault},
};

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) -> io::Result<()> {
    let stop = Arc::clone(&shared);
    let app = Router::new().route("/{version}/{phone_number_id}/messages", post(send)).with_state(shared);
    axum::serve(Cuttable(listener), app.into_make_service_with_connect_info::<Cut>())
        .with_graceful_shutdown(async move { stop.stopped().await })
        .await
}

async fn send(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    Path((version, phone_number_id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let envelope = Envelope {
        version: &version,
        phone_number_id: &phone_number_id,
        authorization: text(header::AUTHORIZATION),
        content_type: text(header::CONTENT_TYPE),
    };
    let (message, fault) = match shared.take(&envelope, &body) {
        Ok(taken) => taken,
        Err(refusal) => return answer(refusal.status, refusal.json(), &[]),
    };
    if let Some(message) = &message {
        shared.tell(Arc::clone(message)).await;
    }
    let usual = message.map(|message| acceptance(&message)).unwrap_or_default();
    let Some(Fault { effect, headers, .. }) = fault else { return answer(200, usual, &[]) };
    match effect {
        Effect::Error(refusal) => answer(refusal.status, refusal.json(), &headers),
        Effect::Answer { status, body } => answer(status, body, &headers),
        Effect::Delay(by) => {
            tokio::select! {
                () = tokio::time::sleep(by) => {}
                () = shared.stopped() => cut.now(),
            }
            answer(200, usual, &headers)
        }
        Effect::HangUp => {
            cut.now();
            answer(200, String::new(), &[])
        }
    }
}

type Taken = (Option<Arc<FakeMessage>>, Option<Fault>);

impl Shared {
    /// The message, if it is accepted, and the fault that applies to it, if any.
    fn take(&self, envelope: &Envelope<'_>, body: &Bytes) -> Result<Taken, Refusal> {
        let checked = check_envelope(&self.config, envelope).and_then(|()| {
            let templates = Arc::clone(&self.state().templates);
            check_body(&templates, body)
        });
        let mut state = self.state();
        let Accepted { to, callback_data, template, parameters, text } =
            checked.inspect_err(|_| state.refused += 1)?;
        let mut fault: Option<Fault> = None;
        for candidate in &mut state.faults {
            if candidate.applies(&to, fault.is_some()) {
                fault = Some(candidate.clone());
            }
        }
        if fault.as_ref().is_some_and(|fault| !fault.kept) {
            state.refused += 1;
            return Ok((None, fault));
        }
        let number = state.messages.len() + 1;
        let wamid = format!("wamid.FAKE{number:08}");
        let at = SystemClock.now();
        let body = body.to_vec();
        let message = FakeMessage { number, wamid, to, callback_data, template, parameters, text, body, at };
        let message = Arc::new(message);
        state.messages.push(Arc::clone(&message));
        self.accepted.send_replace(number);
        Ok((Some(message), fault))
    }
}

fn acceptance(message: &FakeMessage) -> String {
    json!({
        "messaging_product": "whatsapp",
        "contacts": [{"input": message.to, "wa_id": message.to.trim_start_matches('+')}],
        "messages": [{"id": message.wamid, "message_status": "accepted"}],
    })
    .to_string()
}

fn answer(status: u16, body: String, headers: &[(&'static str, String)]) -> Response<Body> {
    let kind = if body.starts_with('{') { "application/json" } else { "text/html" };
    let mut response = Response::builder().status(status).header(header::CONTENT_TYPE, kind);
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    // Only a test's own status or header can be unfit for HTTP.
    response.body(Body::from(body)).unwrap_or_else(|error| Response::new(Body::from(error.to_string())))
}

/// A listener whose connections can be cut.
struct Cuttable(TcpListener);

impl Listener for Cuttable {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Without it answers may wait for more; a socket that refuses is merely slower.
        let _ = stream.set_nodelay(true);
        (Connection { stream, cut: Cut::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Cuts one connection: not a byte of an answer is written from then on.
#[derive(Clone, Default)]
struct Cut(Arc<AtomicBool>);

impl Cut {
    fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Connected<IncomingStream<'_, Cuttable>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Cuttable>) -> Self {
        stream.io().cut.clone()
    }
}

struct Connection {
    stream: TcpStream,
    cut: Cut,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.cut.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
