//! The nudge from a submit to a dispatcher of the same process.

/// Wakes a dispatcher that waits for work. Without the `tokio` feature nobody waits, and it does nothing.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    #[cfg(feature = "tokio")]
    signal: tokio::sync::Notify,
    #[cfg(feature = "tokio")]
    arrival: tokio::sync::Notify,
}

impl Wake {
    /// Wakes one waiting dispatcher, or the next one that would wait.
    #[cfg_attr(
        not(feature = "tokio"),
        expect(clippy::unused_self, reason = "nobody waits without a runtime")
    )]
    pub(crate) fn nudge(&self) {
        #[cfg(feature = "tokio")]
        self.signal.notify_one();
    }

    /// Wakes one waiting receiver, or the next one that would wait.
    #[cfg_attr(
        not(feature = "tokio"),
        expect(clippy::unused_self, reason = "nobody waits without a runtime")
    )]
    pub(crate) fn arrived(&self) {
        #[cfg(feature = "tokio")]
        self.arrival.notify_one();
    }

    /// Waits until a message from a phone has arrived.
    #[cfg(feature = "tokio")]
    pub(crate) async fn arrival(&self) {
        self.arrival.notified().await;
    }

    /// Waits for a nudge.
    #[cfg(feature = "tokio")]
    pub(crate) async fn nudged(&self) {
        self.signal.notified().await;
    }
}
