//! What the test and the process under it say to one another: a line each, by its standard input and output. Lines
//! that were written outlive the process that is killed.

use std::fmt;

use maintenance_core::{NotificationId, RequestId, RequestStatus};

/// What the process tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// Its webhook listens at this port.
    Listening(u16),
    /// It begins to submit this request.
    Trying(RequestId),
    /// That submit was acknowledged.
    Filed(RequestId),
    /// It is about to do something else with the request.
    Touching(RequestId),
    /// A change of the request to this status was acknowledged.
    Moved(RequestId, RequestStatus),
    /// Dispatcher number so much begins.
    Running(u32),
    /// That dispatcher was dropped.
    Dropped(u32),
    /// A message's send begins, at that time in microseconds since 1970.
    Sending(NotificationId, i64),
    /// That dispatcher got the answer with this id of the channel.
    Answered(u32, String),
    /// A call failed or was given up.
    Failed,
    /// Nothing is submitted any more.
    Quiet,
    /// Something that no fault excuses.
    Broken(String),
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening(port) => write!(f, "listening {port}"),
            Self::Trying(id) => write!(f, "trying {id}"),
            Self::Filed(id) => write!(f, "filed {id}"),
            Self::Touching(id) => write!(f, "touching {id}"),
            Self::Moved(id, to) => write!(f, "moved {id} {to}"),
            Self::Running(n) => write!(f, "running {n}"),
            Self::Dropped(n) => write!(f, "dropped {n}"),
            Self::Sending(id, at) => write!(f, "sending {id} {at}"),
            Self::Answered(n, id) => write!(f, "answered {n} {id}"),
            Self::Failed => f.write_str("failed"),
            Self::Quiet => f.write_str("quiet"),
            Self::Broken(what) => write!(f, "broken {}", what.replace('\n', " ")),
        }
    }
}

impl Told {
    /// Reads a line; the last one of a killed process may be incomplete.
    pub(super) fn read(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        Some(match word {
            "listening" => Self::Listening(rest.parse().ok()?),
            "trying" => Self::Trying(rest.parse().ok()?),
            "filed" => Self::Filed(rest.parse().ok()?),
            "touching" => Self::Touching(rest.parse().ok()?),
            "moved" => {
                let (id, to) = rest.split_once(' ')?;
                Self::Moved(id.parse().ok()?, to.parse().ok()?)
            }
            "running" => Self::Running(rest.parse().ok()?),
            "dropped" => Self::Dropped(rest.parse().ok()?),
            "sending" => {
                let (id, at) = rest.split_once(' ')?;
                Self::Sending(id.parse().ok()?, at.parse().ok()?)
            }
            "answered" => {
                let (n, id) = rest.split_once(' ')?;
                Self::Answered(n.parse().ok()?, id.to_owned())
            }
            "failed" => Self::Failed,
            "quiet" => Self::Quiet,
            "broken" => Self::Broken(rest.to_owned()),
            _ => return None,
        })
    }
}

/// What the process is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// Submit this request, whose answer a process before it did not live to tell.
    Again(RequestId),
    /// Run this SQL on every connection to the database.
    Sql(String),
    /// Set the clock forward by so many milliseconds, or back.
    Clock(i64),
    /// Let so many sends in a hundred panic or hang.
    Notifier(u64),
    /// Let so many of the directory's answers in a hundred panic, hang or fail.
    Directory(u64),
    /// Drop so many calls in a hundred before their end, and the dispatcher now and then.
    Cancel(u64),
    /// Submit nothing new, and tell when all that was begun is done.
    Quiet,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Again(id) => write!(f, "again {id}"),
            Self::Sql(sql) => write!(f, "sql {sql}"),
            Self::Clock(offset) => write!(f, "clock {offset}"),
            Self::Notifier(percent) => write!(f, "notifier {percent}"),
            Self::Directory(percent) => write!(f, "directory {percent}"),
            Self::Cancel(percent) => write!(f, "cancel {percent}"),
            Self::Quiet => f.write_str("quiet"),
        }
    }
}

impl Order {
    /// Reads a line.
    pub(super) fn read(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        Some(match word {
            "again" => Self::Again(rest.parse().ok()?),
            "sql" => Self::Sql(rest.to_owned()),
            "clock" => Self::Clock(rest.parse().ok()?),
            "notifier" => Self::Notifier(rest.parse().ok()?),
            "directory" => Self::Directory(rest.parse().ok()?),
            "cancel" => Self::Cancel(rest.parse().ok()?),
            "quiet" => Self::Quiet,
            _ => return None,
        })
    }
}
