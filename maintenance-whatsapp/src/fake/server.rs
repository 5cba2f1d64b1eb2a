//! The fake's HTTP server, which can also close a connection without a response.

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
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

use super::{
    FakeMessage, Shared,
    check::{Accepted, ApiError, RequestHead, check_body, check_head},
    fault::{Effect, Fault},
};

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) -> io::Result<()> {
    let stop = Arc::clone(&shared);
    let app = Router::new()
        .route("/{version}/{phone_number_id}/messages", post(send))
        .merge(super::admin::routes())
        .merge(super::media::routes())
        .with_state(shared);
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
    let head = RequestHead {
        version: &version,
        phone_number_id: &phone_number_id,
        authorization: text(header::AUTHORIZATION),
        content_type: text(header::CONTENT_TYPE),
    };
    let (message, fault) = match shared.take(&head, &body) {
        Ok(taken) => taken,
        Err(error) => return respond(error.status, error.json(), &[]),
    };
    if let Some(message) = &message {
        shared.post_automatic(Arc::clone(message)).await;
    }
    let accepted = |message_status| {
        message.as_ref().map(|message| acceptance(message, message_status)).unwrap_or_default()
    };
    let usual = || accepted("accepted");
    let Some(Fault { effect, headers, .. }) = fault else { return respond(200, usual(), &[]) };
    match effect {
        Effect::Error(error) => respond(error.status, error.json(), &headers),
        Effect::Answer { status, body } => respond(status, body, &headers),
        Effect::MessageStatus(status) => respond(200, accepted(status), &headers),
        Effect::Delay(by) => {
            tokio::select! {
                () = tokio::time::sleep(by) => {}
                () = shared.stopped() => cut.now(),
            }
            respond(200, usual(), &headers)
        }
        Effect::HangUp => {
            cut.now();
            respond(200, String::new(), &[])
        }
    }
}

type Taken = (Option<Arc<FakeMessage>>, Option<Fault>);

impl Shared {
    /// Keeps the message if it is accepted; returns it and the fault that applies to it, if any.
    fn take(&self, head: &RequestHead<'_>, body: &Bytes) -> Result<Taken, ApiError> {
        let head_checked = check_head(&self.config.version, &self.state().numbers, head);
        let now = self.clock.now();
        let checked = head_checked.and_then(|()| {
            let templates = Arc::clone(&self.state().account.templates);
            let is_open = |to: &str| self.state().windows.is_open(head.phone_number_id, to, now);
            check_body(&templates, is_open, body)
        });
        let mut state = self.state();
        let checked = checked.and_then(|accepted| match &mut state.limits {
            Some(limits) => limits.count(head.phone_number_id, &accepted.to, now).map(|()| accepted),
            None => Ok(accepted),
        });
        let Accepted { to, callback_data, replies_to, template, parameters, shown } =
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
        let message = FakeMessage {
            number,
            wamid,
            phone_number_id: head.phone_number_id.to_owned(),
            to,
            callback_data,
            replies_to,
            template,
            parameters,
            text: shown.text,
            buttons: shown.buttons,
            rows: shown.rows,
            body: body.to_vec(),
            at: now,
            clock: self.clock.clone(),
        };
        let message = Arc::new(message);
        state.messages.push(Arc::clone(&message));
        self.accepted.send_replace(number);
        Ok((Some(message), fault))
    }
}

fn acceptance(message: &FakeMessage, message_status: &str) -> String {
    json!({
        "messaging_product": "whatsapp",
        "contacts": [{"input": message.to, "wa_id": message.to.trim_start_matches('+')}],
        "messages": [{"id": message.wamid, "message_status": message_status}],
    })
    .to_string()
}

pub(super) fn respond(status: u16, body: String, headers: &[(&'static str, String)]) -> Response<Body> {
    let kind = if body.starts_with('{') { "application/json" } else { "text/html" };
    let mut response = Response::builder().status(status).header(header::CONTENT_TYPE, kind);
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    // Only a status or header that a test made up can be invalid in HTTP.
    response.body(Body::from(body)).unwrap_or_else(|error| Response::new(Body::from(error.to_string())))
}

/// A listener whose connections can be cut.
struct Cuttable(TcpListener);

impl Listener for Cuttable {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Without this the kernel may delay a response; where it can't be set, the fake is only slower.
        let _ = stream.set_nodelay(true);
        (Connection { stream, cut: Cut::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Cuts one connection: from then on no byte of a response is written.
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
