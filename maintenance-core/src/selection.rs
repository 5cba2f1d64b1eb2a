//! Which worker gets a request: a pure function that explains itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    Priority, RequestRecord, RequestStatus, Specialty, UserId, WhatsAppStatus, WorkerId, WorkerStatus,
};

/// A worker assigned to the request's complex, with what ranking needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The worker.
    pub worker_id: WorkerId,
    /// Whether they can be given work.
    pub status: WorkerStatus,
    /// Their trades.
    pub specialties: BTreeSet<Specialty>,
    /// Whether they are the complex's primary worker.
    pub is_primary: bool,
    /// How many requests they have that are pending or in progress, in every complex.
    pub open_requests: u32,
    /// When the newest of their requests was filed, UTC: how long ago they were last given work.
    pub last_assigned_at: Option<DateTime<Utc>>,
}

/// What a request needs of its worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The trade, if known.
    pub specialty: Option<Specialty>,
    /// How urgent it is.
    pub priority: Priority,
    /// Workers who must not get it, and why.
    pub excluded: BTreeMap<WorkerId, Exclusion>,
}

/// How a deployment selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelectionPolicy {
    /// How many open requests a worker may have before others go first; 10 by default.
    pub capacity: u32,
    /// Whether a worker with the trade [`Specialty::GENERAL`] may stand in when nobody has the trade; true by
    /// default.
    pub generalists_stand_in: bool,
}

impl Default for SelectionPolicy {
    fn default() -> Self {
        Self { capacity: 10, generalists_stand_in: true }
    }
}

/// The answer: who, and for every candidate why or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Selection {
    /// The first of the ranking, if anyone is eligible.
    pub chosen: Option<WorkerId>,
    /// Every candidate: the eligible in rank order, then the others by id.
    pub ranking: Vec<Ranked>,
}

/// One candidate of a ranking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ranked {
    /// The worker.
    pub worker_id: WorkerId,
    /// What let them in or kept them out.
    pub verdict: Verdict,
}

/// What let a candidate in or kept them out. `Display` says it in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exclusion {
    /// They handed it back.
    Declined,
    /// A message about it did not reach them.
    Unreachable,
    /// It is theirs now, and another worker is sought.
    HasItNow,
}

/// An eligible candidate's facts, in the order in which they count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// How they come to the trade.
    pub trade: TradeMatch,
    /// Whether they are at capacity; never so for an emergency.
    pub at_capacity: bool,
    /// Whether they are the complex's primary worker.
    pub is_primary: bool,
    /// Their open requests.
    pub open_requests: u32,
    /// When they were last given work, UTC.
    pub last_assigned_at: Option<DateTime<Utc>>,
}

/// How a candidate comes to the trade that the request needs, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TradeMatch {
    /// Has it, or the request names none.
    Suits,
    /// Stands in as a generalist.
    StandsIn,
}

/// Ranks the candidates. Same input in any order, same answer.
///
/// First come those with the trade, then generalists; below capacity before at capacity (an emergency
/// ignores it); the primary worker; the fewest open requests; the longest without new work; the lower id.
pub fn select(need: &Need, candidates: &[Candidate], policy: SelectionPolicy) -> Selection {
    let mut ranking: Vec<Ranked> = candidates
        .iter()
        .map(|candidate| Ranked { worker_id: candidate.worker_id, verdict: judge(need, candidate, policy) })
        .collect();
    ranking.sort_by_cached_key(|ranked| (rank(&ranked.verdict), ranked.worker_id));
    let chosen = ranking.first().filter(|first| matches!(first.verdict, Verdict::Eligible(_)));
    Selection { chosen: chosen.map(|first| first.worker_id), ranking }
}

fn judge(need: &Need, candidate: &Candidate, policy: SelectionPolicy) -> Verdict {
    if candidate.status != WorkerStatus::Active {
        return Verdict::NotActive(candidate.status);
    }
    if let Some(&exclusion) = need.excluded.get(&candidate.worker_id) {
        return Verdict::Excluded(exclusion);
    }
    let trade = match &need.specialty {
        None => TradeMatch::Suits,
        Some(trade) if candidate.specialties.contains(trade) => TradeMatch::Suits,
        Some(_) if policy.generalists_stand_in && candidate.specialties.contains(&Specialty::GENERAL) => {
            TradeMatch::StandsIn
        }
        Some(trade) => return Verdict::LacksTrade(trade.clone()),
    };
    Verdict::Eligible(Standing {
        trade,
        at_capacity: candidate.open_requests >= policy.capacity && need.priority != Priority::Emergency,
        is_primary: candidate.is_primary,
        open_requests: candidate.open_requests,
        last_assigned_at: candidate.last_assigned_at,
    })
}

/// The sort key of a verdict: lower goes first. Plain numbers, since a long list spends its time comparing.
fn rank(verdict: &Verdict) -> (u8, u32, i64) {
    let Verdict::Eligible(standing) = verdict else { return (u8::MAX, 0, 0) };
    let Standing { trade, at_capacity, is_primary, open_requests, last_assigned_at } = *standing;
    let yes_or_no = [trade == TradeMatch::StandsIn, at_capacity, !is_primary];
    let class = yes_or_no.into_iter().fold(0, |class, worse| class << 1 | u8::from(worse));
    (class, open_requests, last_assigned_at.map_or(i64::MIN, |at| at.timestamp_micros()))
}

/// Who must not get this request again: whoever handed it back, whoever a message about it failed to reach,
/// and whoever has it now.
pub fn exclusions(record: &RequestRecord) -> BTreeMap<WorkerId, Exclusion> {
    let handed_back: BTreeSet<UserId> = record
        .history
        .iter()
        .filter(|change| change.new_status == RequestStatus::Pending)
        .map(|change| change.changed_by)
        .collect();
    let mut excluded = BTreeMap::new();
    for notification in &record.notifications {
        let worker = notification.worker_id;
        if handed_back.contains(&worker.into()) {
            excluded.insert(worker, Exclusion::Declined);
        } else if notification.status == WhatsAppStatus::Failed && !notification.was_withdrawn() {
            excluded.insert(worker, Exclusion::Unreachable);
        }
    }
    excluded.extend(record.request.assigned_worker_id.map(|worker| (worker, Exclusion::HasItNow)));
    excluded
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
