//! A wire to a server that can be cut or frozen.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// Passes connections on to a server on this machine, until it is cut: then every connection is dropped, and new
/// ones too, until it is mended. Frozen, connections stay open and pass nothing.
pub struct Wire {
    /// Where to connect.
    pub address: SocketAddr,
    cut: watch::Sender<bool>,
    frozen: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Wire {
    /// A wire to `host:port`.
    pub async fn to(host: String, port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, frozen) = (watch::Sender::new(false), watch::Sender::new(()));
        let (state, freezes) = (cut.clone(), frozen.clone());
        let task = tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let (host, mut state, mut freezes) = (host.clone(), state.subscribe(), freezes.subscribe());
                tokio::spawn(async move {
                    let passing = async {
                        if let Ok(mut far) = TcpStream::connect((host.as_str(), port)).await {
                            let _ = copy_bidirectional(&mut near, &mut far).await;
                        }
                    };
                    // Kept when frozen, so that both ends stay open.
                    let mut passing = std::pin::pin!(passing);
                    let passed = async {
                        tokio::select! {
                            biased;
                            Ok(()) = freezes.changed() => std::future::pending().await,
                            () = &mut passing => {}
                        }
                    };
                    tokio::select! {
                        biased;
                        _ = state.wait_for(|cut| *cut) => {}
                        () = passed => {}
                    }
                });
            }
        });
        Self { address, cut, frozen, task }
    }

    /// Drops every connection, and every new one.
    pub fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Leaves the connections that there are open, and passes nothing on them any more, as a firewall does that has
    /// forgotten them. New ones pass.
    pub fn freeze(&self) {
        self.frozen.send_replace(());
    }

    /// Lets new connections through again.
    pub fn mend(&self) {
        self.cut.send_replace(false);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}
