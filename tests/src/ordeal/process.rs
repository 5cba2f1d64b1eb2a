//! The process under test, as the test starts and kills it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::watch;

use super::{
    ledger::{Ledger, now},
    lines::{Order, Told},
};

/// How long a process may take to start.
const STARTING: Duration = Duration::from_mins(1);

/// A running process. Killed when it is dropped.
pub(super) struct Process {
    child: Child,
    orders: ChildStdin,
    reader: Option<JoinHandle<()>>,
    ledger: Arc<Ledger>,
    /// Its webhook's port.
    pub(super) port: u16,
    quiet: watch::Receiver<bool>,
}

impl Process {
    /// Starts it and waits until it listens. `arguments` are the database's place, the channel's address and the
    /// seed; `epoch` counts the processes before it.
    pub(super) async fn start(
        program: &Path,
        arguments: &[String; 3],
        epoch: u32,
        ledger: &Arc<Ledger>,
    ) -> Self {
        let mut command = Command::new("sh");
        // With the signal ignored a write beyond the limit on a file's size fails, as on a full disk.
        command.args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#]).arg(program);
        command.args(arguments).arg(epoch.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let orders = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let (port, quiet) = (watch::Sender::new(0), watch::Sender::new(false));
        let (mut listening, still) = (port.subscribe(), quiet.subscribe());
        let taking_down = Arc::clone(ledger);
        let reader = std::thread::spawn(move || {
            for told in lines.lines().map_while(Result::ok).filter_map(|line| Told::read(&line)) {
                match told {
                    Told::Listening(at) => _ = port.send_replace(at),
                    Told::Quiet => _ = quiet.send_replace(true),
                    told => taking_down.hear(epoch, told),
                }
            }
        });
        let started = tokio::time::timeout(STARTING, listening.wait_for(|port| *port != 0)).await;
        let port = *started.expect("the process listens").expect("the process lives");
        let ledger = Arc::clone(ledger);
        Self { child, orders, reader: Some(reader), ledger, port, quiet: still }
    }

    /// Gives an order.
    pub(super) fn tell(&mut self, order: &Order) {
        // A process that died by itself is found out by what it doesn't do.
        let _ = writeln!(self.orders, "{order}");
    }

    /// Whether its callers have ended.
    pub(super) fn is_quiet(&self) -> bool {
        *self.quiet.borrow()
    }

    /// Its id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once (SIGKILL), and takes down what it still told.
    pub(super) fn kill(&mut self) {
        let at = now();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
            self.ledger.killed(at);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
