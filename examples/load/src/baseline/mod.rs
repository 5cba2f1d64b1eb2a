//! The same effects written by hand: the limit, and what one writes without thinking of speed, which keeps no
//! assignment history.

pub(crate) mod postgres;
pub(crate) mod postgres_naive;
pub(crate) mod rusqlite;
pub(crate) mod sqlite_naive;

/// A ranking of five candidates as the engine keeps it, as JSON.
fn ranking(worker: &impl std::fmt::Display) -> String {
    let candidate = format!(
        r#"{{"worker_id":"{worker}","verdict":{{"eligible":{{"trade":"suits","at_capacity":false,"is_primary":false,"open_requests":1,"last_assigned_at":"2026-01-02T03:04:05.000006Z"}}}}}}"#
    );
    format!("[{}]", vec![candidate; 5].join(","))
}
