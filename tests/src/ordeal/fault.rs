//! The faults, by name.

use std::fmt;

use super::store::Kind;

/// What goes wrong in an ordeal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The process is killed (SIGKILL) and started again.
    Killed,
    /// The connections to the channel, to the webhook or to the database server are cut.
    WiresCut,
    /// They are frozen, and then go on or are cut.
    WiresFrozen,
    /// The channel's answers are lost, late or errors.
    AnswersLost,
    /// The database server is ended without a shutdown and started again.
    ServerCrash,
    /// The database file can't grow, or the file system takes no more.
    DiskFull,
    /// The database can't be written.
    ReadOnly,
    /// Somebody else's transaction holds locks.
    ForeignLock,
    /// The process's clock jumps, forward and back.
    ClockJumps,
    /// Calls and dispatchers are dropped before their end.
    CallsDropped,
    /// The notifier panics and hangs.
    BadNotifier,
    /// The host's directory panics, hangs and fails.
    BadDirectory,
    /// All of them, two at a time. Without [`Self::ServerCrash`], which would be everybody else's fault too.
    Everything,
}

impl Fault {
    /// Every fault.
    pub const ALL: &[Self] = &[
        Self::Killed,
        Self::WiresCut,
        Self::WiresFrozen,
        Self::AnswersLost,
        Self::ServerCrash,
        Self::DiskFull,
        Self::ReadOnly,
        Self::ForeignLock,
        Self::ClockJumps,
        Self::CallsDropped,
        Self::BadNotifier,
        Self::BadDirectory,
        Self::Everything,
    ];

    /// Whether it can happen to that database.
    pub fn befalls(self, kind: Kind) -> bool {
        match self {
            Self::ServerCrash => kind != Kind::Sqlite,
            Self::DiskFull => kind == Kind::Sqlite,
            _ => true,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Killed => "process killed",
            Self::WiresCut => "connections cut",
            Self::WiresFrozen => "connections frozen",
            Self::AnswersLost => "channel's answers lost",
            Self::ServerCrash => "database server ended",
            Self::DiskFull => "disk full",
            Self::ReadOnly => "database read-only",
            Self::ForeignLock => "foreign lock",
            Self::ClockJumps => "clock jumps",
            Self::CallsDropped => "calls dropped",
            Self::BadNotifier => "notifier panics, hangs",
            Self::BadDirectory => "directory panics, hangs, fails",
            Self::Everything => "all but server end, mixed",
        })
    }
}
