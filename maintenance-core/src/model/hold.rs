//! That a request's work waits for something: a fact beside its status.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::values::{HoldReason, time};

/// That the work on a request waits, and for what. Nothing happens by itself when the time has come: it is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What the work waits for.
    pub reason: HoldReason,
    /// Until when, UTC, if that is known.
    #[serde(deserialize_with = "time::de_option", default)]
    pub until: Option<DateTime<Utc>>,
}
