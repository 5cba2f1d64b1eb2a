//! Typed ids: UUIDs that can't be mistaken for one another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where new ids come from. The engine mints no id elsewhere, so a test can make them predictable.
#[auto_impl::auto_impl(&, Box, Arc)]
pub trait IdSource: Send + Sync {
    /// A UUID never given before; version 4 in production.
    fn uuid(&self) -> Uuid;
}

/// Random version 4 UUIDs: what a host uses in production.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "the one place where ids are made")]
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        ///
        /// Reads and writes as a hyphenated string.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// An id from the source.
            pub fn mint(ids: &(impl IdSource + ?Sized)) -> Self {
                Self(ids.uuid())
            }

            /// The id of a known UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.hyphenated(), f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// A customer of the host, who shares its tables with others: any UUID, [`OrganizationId::NONE`] for a host that
    /// has one customer.
    OrganizationId,
    /// A maintenance worker.
    WorkerId,
    /// The assignment of a worker to a complex.
    AssignmentId,
    /// A maintenance request; also the caller's idempotency key for a submit.
    RequestId,
    /// A file attached to a request.
    AttachmentId,
    /// A comment on a request.
    CommentId,
    /// A row of a request's status history.
    StatusChangeId,
    /// A row of a request's assignment history.
    AssignmentChangeId,
    /// A row of a request's history of edits.
    EditId,
    /// A message to a worker; it travels with the message and comes back in its webhooks.
    NotificationId,
    /// A message from a phone; also the id of the comment or attachment that it becomes.
    InboundId,
    /// One dispatcher's hold on a batch of messages.
    LeaseId,
    /// A residential complex, the host's entity: any UUID.
    ComplexId,
    /// A property (a flat, a house), the host's entity: any UUID.
    PropertyId,
    /// A renter, the host's entity: any UUID.
    RenterId,
    /// Whoever acted: a renter, a worker, a landlord, or [`UserId::SYSTEM`].
    UserId,
}

impl OrganizationId {
    /// The nil UUID: the organisation of a host that has only one and never names it.
    pub const NONE: Self = Self(Uuid::nil());

    /// Whether the host names no organisation.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}

impl Default for OrganizationId {
    fn default() -> Self {
        Self::NONE
    }
}

impl UserId {
    /// The engine itself, as `changed_by` of what it changes on its own.
    ///
    /// A fixed, well-formed version 4 UUID: `00000000-0000-4000-8000-000000000000`.
    pub const SYSTEM: Self = Self(Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_0000));
}

impl From<RenterId> for UserId {
    fn from(id: RenterId) -> Self {
        Self(id.0)
    }
}

impl From<WorkerId> for UserId {
    fn from(id: WorkerId) -> Self {
        Self(id.0)
    }
}
