//! Which channel a new message goes out by.

use std::collections::HashMap;

use super::{
    channel::Channel,
    ids::{ComplexId, OrganizationId},
};

/// Which channel a new message goes out by. It is asked when the message is filed, and the message keeps the answer.
///
/// It answers from memory, at once: messages are filed inside the host's transactions too. A closure is one, such as one
/// that looks in a map which the host changes while it runs; [`ChannelTable`] is one that doesn't change.
///
/// ```
/// use maintenance_core::*;
///
/// # fn example(maintenance: Maintenance<impl Repository>, acme: OrganizationId, north: Channel) {
/// let maintenance = maintenance.with_channels(move |organization, _complex| {
///     if organization == acme { north.clone() } else { Channel::DEFAULT }
/// });
/// # }
/// ```
pub trait Channels: Send + Sync {
    /// The channel of a message about a request in that organisation's complex.
    fn channel(&self, organization: OrganizationId, complex: ComplexId) -> Channel;
}

impl<F: Fn(OrganizationId, ComplexId) -> Channel + Send + Sync> Channels for F {
    fn channel(&self, organization: OrganizationId, complex: ComplexId) -> Channel {
        self(organization, complex)
    }
}

/// A complex's own channel, or else its organisation's, or else [`Channel::DEFAULT`].
///
/// ```
/// use maintenance_core::*;
///
/// # fn example(acme: OrganizationId, riverside: ComplexId) -> Result<ChannelTable, Rule> {
/// let channels = ChannelTable::default()
///     .organization(acme, Channel::new("acme")?)
///     .complex(acme, riverside, Channel::new("acme.riverside")?);
/// # Ok(channels) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct ChannelTable {
    organizations: HashMap<OrganizationId, Channel>,
    complexes: HashMap<(OrganizationId, ComplexId), Channel>,
}

impl ChannelTable {
    /// With that channel for the organisation's complexes that have none of their own.
    #[must_use]
    pub fn organization(mut self, organization: OrganizationId, channel: Channel) -> Self {
        self.organizations.insert(organization, channel);
        self
    }

    /// With a channel of its own for a complex. It is that organisation's: another's id of the same complex doesn't get it.
    #[must_use]
    pub fn complex(mut self, organization: OrganizationId, complex: ComplexId, channel: Channel) -> Self {
        self.complexes.insert((organization, complex), channel);
        self
    }
}

impl Channels for ChannelTable {
    fn channel(&self, organization: OrganizationId, complex: ComplexId) -> Channel {
        let own = self.complexes.get(&(organization, complex));
        own.or_else(|| self.organizations.get(&organization)).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_complexs_own_channel_goes_before_its_organizations() {
        let channel = |name| Channel::new(name).unwrap();
        let organization = |n| OrganizationId::from_uuid(Uuid::from_u128(n));
        let complex = |n| ComplexId::from_uuid(Uuid::from_u128(n));
        let table = ChannelTable::default().organization(organization(1), channel("one")).complex(
            organization(1),
            complex(7),
            channel("seven"),
        );
        assert_eq!(table.channel(organization(1), complex(7)), channel("seven"));
        assert_eq!(table.channel(organization(1), complex(8)), channel("one"));
        assert_eq!(table.channel(organization(2), complex(7)), Channel::DEFAULT, "another organisation's");
    }
}
