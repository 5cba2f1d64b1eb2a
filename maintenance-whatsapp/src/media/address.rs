//! Which network addresses a file may be fetched from: a name in the list may lead anywhere, for example to a server
//! inside the host's network, once somebody forges the answer of its name server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::hosts::MediaHosts;

/// Resolves the hosts in the list to public addresses alone. Other names are those of a proxy that the host's machine is
/// set up with, or of a fake on this machine: a file's address has been compared with the list before.
pub(super) struct PublicResolver(pub(super) MediaHosts);

/// A host has no address that a file may be fetched from.
#[derive(Debug, thiserror::Error)]
#[error("the host has no public address")]
pub(super) struct NoPublicAddress;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let is_listed = self.0.contains(name.as_str());
        Box::pin(async move {
            let mut found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            found.retain(|address| !is_listed || is_public(address.ip()));
            if found.is_empty() {
                return Err(NoPublicAddress.into());
            }
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

/// Whether an address is one of a single machine on the public Internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_in =
        |&(net, length): &(Ipv4Addr, u32)| (address.to_bits() ^ net.to_bits()).leading_zeros() >= length;
    !RESERVED_V4.iter().any(is_in)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] = address.segments() {
        // An IPv4 address in the form of an IPv6 one, and one that a network without IPv4 translates.
        return is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    }
    let is_in =
        |&(net, length): &(Ipv6Addr, u32)| (address.to_bits() ^ net.to_bits()).leading_zeros() >= length;
    is_in(&SINGLE_MACHINES_V6) && !RESERVED_V6.iter().any(is_in)
}

/// The networks of version 4, each with the length of its prefix, that aren't single machines on the public Internet.
const RESERVED_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::UNSPECIFIED, 8),           // "this network"
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocols
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // examples
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // relays from IPv6
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // examples
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // examples
    (Ipv4Addr::new(224, 0, 0, 0), 3),     // multicast, and what is reserved, with the broadcast address
];

/// Where the addresses of version 6 of single machines on the public Internet are. Loopback, unique-local, link-local and
/// multicast addresses are all outside.
const SINGLE_MACHINES_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// The networks among them that are something else.
const RESERVED_V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocols and tunnels
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // examples
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // IPv4 addresses in tunnels
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // examples
];

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;

    #[test]
    fn public_addresses_are_allowed() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "157.240.22.52",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2a03:2880:f21c:e5:face:b00c:0:4420",
            "2606:4700::1111",
            "2001:200::1",
            "2001:4860:4860::8888",
            "::ffff:157.240.22.52",
            "64:ff9b::157.240.22.52",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn all_other_addresses_are_refused() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:0.0.0.0",
            "::ffff:10.0.0.1",
            "::ffff:100.64.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:192.168.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:9df0:1634::1",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff:ffff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    async fn resolve(listed: &str, name: &str) -> Result<Vec<IpAddr>, String> {
        let api = Url::parse("https://graph.facebook.com").unwrap();
        let resolver = PublicResolver(MediaHosts::new(&[listed.to_owned()], &api));
        let found = resolver.resolve(name.parse().unwrap()).await.map_err(|error| error.to_string())?;
        Ok(found.map(|address| address.ip()).collect())
    }

    #[tokio::test]
    async fn a_listed_name_of_this_machine_has_no_address() {
        assert_eq!(resolve("localhost", "localhost").await, Err("the host has no public address".to_owned()));
    }

    #[tokio::test]
    async fn a_proxy_may_be_on_this_machine() {
        let found = resolve("lookaside.fbsbx.com", "localhost").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback));
    }
}
