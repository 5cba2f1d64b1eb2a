//! Which worker gets a request: a pure function that explains itself.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::{
    model::{
        AssignmentCause, Exclusion, NotificationKind, Priority, Ranked, RequestRecord, Selection, Standing,
        TradeMatch, Verdict, WhatsAppStatus, WorkerStatus,
    },
    values::{ComplexId, Specialty, UserId, WorkerId},
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
    /// How many requests they have that are pending or in progress, in every complex. Counted for the active
    /// who have one of the trades [asked for](CandidatesOf); for others it may be 0.
    pub open_requests: u32,
    /// When the newest of their requests was filed, UTC: how long ago they were last given work. For whoever
    /// `open_requests` isn't counted it may be `None`.
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

impl Need {
    /// The trades that serve it, each with how well it matches, best first; `None` when any worker serves.
    fn trades(&self, policy: SelectionPolicy) -> Option<impl Iterator<Item = (&Specialty, TradeMatch)>> {
        static GENERAL: Specialty = Specialty::GENERAL;
        let stands_in = policy.generalists_stand_in.then_some((&GENERAL, TradeMatch::StandsIn));
        let trade = self.specialty.as_ref()?;
        Some([(trade, TradeMatch::Suits)].into_iter().chain(stands_in))
    }

    /// What to ask the store for: the complex's workers, with the load of those who have one of the trades that serve.
    pub(crate) fn candidates_of(&self, complex_id: ComplexId, policy: SelectionPolicy) -> CandidatesOf {
        let trades = self.trades(policy).map(|trades| trades.map(|(trade, _)| trade.clone()).collect());
        CandidatesOf { complex_id, trades }
    }
}

/// A complex whose workers may be given a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidatesOf {
    /// The complex.
    pub complex_id: ComplexId,
    /// The trades that would serve; `None` when any does.
    pub trades: Option<BTreeSet<Specialty>>,
}

impl CandidatesOf {
    /// Asks on behalf of another request in the same complex too.
    pub(crate) fn and(&mut self, other: Self) {
        self.trades = self.trades.take().zip(other.trades).map(|(mut trades, others)| {
            trades.extend(others);
            trades
        });
    }
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
    let trade = match (&need.specialty, need.trades(policy)) {
        (Some(trade), Some(mut trades)) => {
            match trades.find(|(trade, _)| candidate.specialties.contains(*trade)) {
                Some((_, matches)) => matches,
                None => return Verdict::LacksTrade(trade.clone()),
            }
        }
        _ => TradeMatch::Suits,
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
    let mut excluded = BTreeMap::new();
    for message in &record.notifications {
        let failed = message.status == WhatsAppStatus::Failed && !message.was_withdrawn();
        if failed && message.kind == NotificationKind::Assignment {
            excluded.extend(message.to.worker().map(|worker| (worker, Exclusion::Unreachable)));
        }
    }
    for change in &record.assignments {
        let handed_back = change.cause == AssignmentCause::HandedBack;
        let declined = change.previous_worker_id.filter(|worker| UserId::from(*worker) == change.changed_by);
        excluded.extend(declined.filter(|_| handed_back).map(|worker| (worker, Exclusion::Declined)));
    }
    excluded.extend(record.request.assigned_worker_id.map(|worker| (worker, Exclusion::HasItNow)));
    excluded
}
