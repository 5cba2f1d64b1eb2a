//! A channel that keeps what it is given.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use maintenance_core::{Channel, Notifier, NotifyError, Outgoing, Receipt};

use crate::lock;

/// A notifier that keeps every message and accepts it, unless it was told to refuse it. Clones share their
/// messages.
#[derive(Debug, Clone, Default)]
pub struct RecordingNotifier(Arc<Mutex<Record>>);

#[derive(Debug, Default)]
struct Record {
    messages: Vec<Outgoing>,
    answers: VecDeque<Option<NotifyError>>,
    refused: BTreeMap<Channel, NotifyError>,
}

impl RecordingNotifier {
    /// A notifier that accepts everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues this error as the answer to a message: answers are given in the order in which they were queued.
    pub fn refuse_next(&self, error: NotifyError) {
        lock(&self.0).answers.push_back(Some(error));
    }

    /// Queues the acceptance of a message.
    pub fn accept_next(&self) {
        lock(&self.0).answers.push_back(None);
    }

    /// Refuses every message of that channel with this error, until [`accept_channel`](Self::accept_channel).
    pub fn refuse_channel(&self, channel: &Channel, error: NotifyError) {
        lock(&self.0).refused.insert(channel.clone(), error);
    }

    /// Accepts that channel's messages again.
    pub fn accept_channel(&self, channel: &Channel) {
        lock(&self.0).refused.remove(channel);
    }

    /// Every message it was given, accepted or not, in order.
    pub fn messages(&self) -> Vec<Outgoing> {
        lock(&self.0).messages.clone()
    }
}

#[async_trait]
impl Notifier for RecordingNotifier {
    async fn notify(&self, message: &Outgoing) -> Result<Receipt, NotifyError> {
        let mut record = lock(&self.0);
        record.messages.push(message.clone());
        let refused = record.refused.get(&message.channel).cloned();
        match refused.or_else(|| record.answers.pop_front().flatten()) {
            Some(error) => Err(error),
            None => Ok(Receipt { provider_message_id: format!("recorded.{}", record.messages.len()) }),
        }
    }
}
