//! The rules: pure functions over the model. Each stands here once.

mod decide;
mod edit;
mod imported;
#[cfg(feature = "tokio")]
mod moot;
mod renter;
mod reply;
mod selection;
mod sight;
mod stop;
mod transition;

pub(crate) use decide::{Choice, Decision, acknowledge, assign, change_status, edit, file, tell_again};
pub use edit::{EDITABLE, Editable, permit_edit};
pub(crate) use imported::check_import;
#[cfg(feature = "tokio")]
pub(crate) use moot::Turn;
pub(crate) use renter::reply_to_renter;
pub(crate) use reply::{Asked, Deed, Reply, relation, reply};
pub use selection::{Candidate, CandidatesOf, Need, SelectionPolicy, exclusions, select};
pub use sight::Viewer;
pub(crate) use stop::asks_to_stop;
pub(crate) use transition::role;
pub use transition::{Effect, Refusal, TRANSITIONS, Transition, permit};
