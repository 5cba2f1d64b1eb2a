//! A wire to a server that can be cut or frozen.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Passage {
    Open,
    Frozen,
    Cut,
}

/// What one connection looks at before it passes anything on.
#[derive(Clone)]
struct State {
    passage: watch::Receiver<Passage>,
    /// Changes when this connection is to pass nothing any more.
    stuck: watch::Receiver<()>,
}

/// Passes connections on to a server on this machine, until it is cut or frozen.
pub struct Wire {
    /// Where to connect.
    pub address: SocketAddr,
    passage: watch::Sender<Passage>,
    stuck: watch::Sender<()>,
    target: watch::Sender<(String, u16)>,
    task: JoinHandle<()>,
}

impl Wire {
    /// A wire to `host:port`.
    pub async fn to(host: String, port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (passage, target) = (watch::Sender::new(Passage::Open), watch::Sender::new((host, port)));
        let stuck = watch::Sender::new(());
        let (states, sticks, targets) = (passage.clone(), stuck.clone(), target.clone());
        let task = tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let target = targets.borrow().clone();
                let state = State { passage: states.subscribe(), stuck: sticks.subscribe() };
                tokio::spawn(async move {
                    let mut watched = state.passage.clone();
                    tokio::select! {
                        biased;
                        _ = watched.wait_for(|passage| *passage == Passage::Cut) => {}
                        () = pass(near, target, state) => {}
                    }
                });
            }
        });
        Self { address, passage, stuck, target, task }
    }

    /// Drops every connection, with what was on its way, and every new one.
    pub fn cut(&self) {
        self.passage.send_replace(Passage::Cut);
    }

    /// Keeps every connection and holds what is sent by it, in both directions; new ones hang.
    pub fn freeze(&self) {
        self.passage.send_replace(Passage::Frozen);
    }

    /// Freezes the connections that are open now for ever; new ones pass.
    pub fn freeze_open(&self) {
        self.stuck.send_replace(());
    }

    /// Lets everything through again. What was held by [`freeze`](Self::freeze) goes on.
    pub fn mend(&self) {
        self.passage.send_replace(Passage::Open);
    }

    /// Leads new connections to another port, as when the server was started again.
    pub fn lead_to(&self, port: u16) {
        self.target.send_modify(|target| target.1 = port);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(near: TcpStream, (host, port): (String, u16), mut state: State) {
    opened(&mut state).await;
    let Ok(far) = TcpStream::connect((host.as_str(), port)).await else { return };
    // Small writes must not wait for one another: a wire is no slower than none.
    if near.set_nodelay(true).is_err() || far.set_nodelay(true).is_err() {
        return;
    }
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::join!(one_way(near_in, far_out, state.clone()), one_way(far_in, near_out, state));
}

async fn one_way(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: State) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(read) = from.read(&mut bytes).await {
        opened(&mut state).await;
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

/// Waits until it isn't frozen. A wire that is gone is open: whoever passes meets the end of the connection.
async fn opened(state: &mut State) {
    let _ = state.passage.wait_for(|passage| *passage == Passage::Open).await;
    if state.stuck.has_changed().unwrap_or_default() {
        std::future::pending::<()>().await;
    }
}
