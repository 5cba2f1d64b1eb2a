//! A wire to a server that can be cut.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// Passes connections on to a server on this machine, until it is cut: then every connection is dropped, and new
/// ones too, until it is mended.
pub struct Wire {
    /// Where to connect.
    pub address: SocketAddr,
    cut: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Wire {
    /// A wire to `host:port`.
    pub async fn to(host: String, port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let cut = watch::Sender::new(false);
        let state = cut.clone();
        let task = tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let (host, mut state) = (host.clone(), state.subscribe());
                tokio::spawn(async move {
                    let passing = async {
                        if let Ok(mut far) = TcpStream::connect((host.as_str(), port)).await {
                            let _ = copy_bidirectional(&mut near, &mut far).await;
                        }
                    };
                    tokio::select! {
                        biased;
                        _ = state.wait_for(|cut| *cut) => {}
                        () = passing => {}
                    }
                });
            }
        });
        Self { address, cut, task }
    }

    /// Drops every connection, and every new one.
    pub fn cut(&self) {
        self.cut.send_replace(true);
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
