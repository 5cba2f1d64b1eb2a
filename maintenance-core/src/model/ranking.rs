//! Why a worker was selected: every candidate with what let them in or kept them out.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::worker::WorkerStatus;
use crate::values::{Specialty, WorkerId, time};

/// The answer: who, and for every candidate why or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// The first of the ranking, if anyone is eligible.
    pub chosen: Option<WorkerId>,
    /// Every candidate: the eligible in rank order, then the others by id.
    pub ranking: Vec<Ranked>,
}

impl Selection {
    /// How many candidates the assignment history keeps.
    const KEPT: usize = 5;

    /// The part of the ranking that the assignment history keeps.
    pub(crate) fn kept(&self) -> Vec<Ranked> {
        self.ranking.iter().take(Self::KEPT).cloned().collect()
    }
}

/// One candidate of a ranking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    /// The worker.
    pub worker_id: WorkerId,
    /// What let them in or kept them out.
    pub verdict: Verdict,
}

/// What let a candidate in or kept them out. `Display` says it in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Eligible, ranked by these facts.
    Eligible(Standing),
    /// Kept out: not active.
    NotActive(WorkerStatus),
    /// Kept out of this request.
    Excluded(Exclusion),
    /// Kept out: lacks the trade that the request needs.
    LacksTrade(Specialty),
}

/// Why a worker is kept out of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Exclusion {
    /// They handed it back.
    Declined,
    /// A message about it did not reach them.
    Unreachable,
    /// It is theirs now, and another worker is sought.
    HasItNow,
}

/// An eligible candidate's facts, in the order in which they count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whether they have the trade or stand in.
    pub trade: TradeMatch,
    /// Whether they are at capacity; never so for an emergency.
    pub at_capacity: bool,
    /// Whether they are the complex's primary worker.
    pub is_primary: bool,
    /// Their open requests.
    pub open_requests: u32,
    /// When they were last given work, UTC.
    #[serde(deserialize_with = "time::de_option", default)]
    pub last_assigned_at: Option<DateTime<Utc>>,
}

/// Whether a candidate has the trade that the request needs, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TradeMatch {
    /// Has it, or the request names none.
    Suits,
    /// Stands in as a generalist.
    StandsIn,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eligible(standing) => standing.fmt(f),
            Self::NotActive(status) => write!(f, "out: is {status}, not active"),
            Self::Excluded(exclusion) => write!(f, "out: {exclusion}"),
            Self::LacksTrade(trade) => write!(f, "out: lacks the trade {trade}"),
        }
    }
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Declined => "handed it back",
            Self::Unreachable => "could not be reached about it",
            Self::HasItNow => "has it now",
        })
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.trade {
            TradeMatch::Suits => "suits",
            TradeMatch::StandsIn => "stands in as a generalist",
        })?;
        write!(f, ", {} open", self.open_requests)?;
        if self.at_capacity {
            f.write_str(" (at capacity)")?;
        }
        if self.is_primary {
            f.write_str(", primary")?;
        }
        match self.last_assigned_at {
            Some(at) => write!(f, ", last given work {}", at.format("%Y-%m-%d %H:%M:%S UTC")),
            None => f.write_str(", never given work"),
        }
    }
}
