//! Which addresses may be connected to. Names are resolved here, and what is connected to is what was
//! checked: a name that resolves to another address the second time gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why an address is not connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} is a private, loopback or reserved address; expected a public one \
     (crawler.allow_private_addresses allows others)"
)]
pub struct NotPublic {
    host: String,
}

/// Whether an address is one of the public internet: none of a private network, of this machine, of a
/// link, of documentation, of a group, or reserved; nor such a one within an IPv6 address.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        // Shared by carriers: 100.64.0.0/10.
        || (a == 100 && (64..128).contains(&b))
        // Of protocols: 192.0.0.0/24, relays: 192.88.99.0/24.
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        // Of benchmarks: 198.18.0.0/15.
        || (a == 198 && (b == 18 || b == 19))
        || a >= 240)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let [a, b, c, ..] = address.segments();
    let octets = address.octets();
    let v4 = |at: usize| Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]);
    match (a, b) {
        // NAT64 and 6to4 carry an IPv4 address.
        (0x0064, 0xff9b) => c == 0 && is_public_v4(v4(12)),
        (0x2002, _) => is_public_v4(v4(2)),
        // Teredo, ORCHID, documentation.
        (0x2001, 0..=0x01ff | 0x0db8) | (0x3fff, 0..=0x0fff) => false,
        // What is given out as unicast: 2000::/3.
        _ => (0x2000..0x4000).contains(&a),
    }
}

/// Resolves names, and leaves out what is not public.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    /// Whether private addresses may be read.
    pub allow_private: bool,
}

impl Guard {
    /// Whether an address of a URL may be connected to, as far as that shows before a name is resolved:
    /// numbers are not resolved.
    ///
    /// # Errors
    /// When it may not.
    pub fn check(&self, url: &Url) -> Result<(), NotPublic> {
        let address: IpAddr = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            _ => return Ok(()),
        };
        match self.allow_private || is_public(address) {
            true => Ok(()),
            false => Err(NotPublic {
                host: address.to_string(),
            }),
        }
    }

    /// Those of a name's addresses that may be connected to.
    ///
    /// # Errors
    /// When there is none.
    fn sift(&self, name: &str, all: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotPublic> {
        let may = |address: &SocketAddr| self.allow_private || is_public(address.ip());
        let left: Vec<SocketAddr> = all.into_iter().filter(may).collect();
        match left.is_empty() {
            true => Err(NotPublic {
                host: name.to_owned(),
            }),
            false => Ok(left),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let resolved = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed = guard.sift(&name, resolved)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_of_the_public_internet_are_known() {
        for text in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "100.64.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2001::1",
            "2001:db8::1",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
            "fec0::1",
        ] {
            let address: IpAddr = text.parse().expect("an address");
            assert!(!is_public(address), "{text}");
        }
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "93.184.216.34",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            let address: IpAddr = text.parse().expect("an address");
            assert!(is_public(address), "{text}");
        }
    }

    #[test]
    fn a_number_is_checked_however_it_is_written_and_a_setting_allows_it() {
        let strict = Guard {
            allow_private: false,
        };
        for text in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
            "http://127.1/",
            "http://169.254.169.254/x",
        ] {
            let url = Url::parse(text).expect("a URL");
            assert!(strict.check(&url).is_err(), "{text}");
            assert!(
                Guard {
                    allow_private: true
                }
                .check(&url)
                .is_ok(),
                "{text}"
            );
        }
    }

    #[test]
    fn of_a_name_with_both_kinds_only_the_public_address_is_left() {
        let strict = Guard {
            allow_private: false,
        };
        let both = vec![
            "127.0.0.1:0".parse().expect("one"),
            "8.8.8.8:0".parse().expect("one"),
        ];
        let left = strict.sift("both.example", both).expect("one is public");
        assert_eq!(left, ["8.8.8.8:0".parse().expect("one")]);
        let private = vec!["10.0.0.1:0".parse().expect("one")];
        assert!(strict.sift("inside.example", private).is_err());
    }

    #[tokio::test]
    async fn what_a_name_resolves_to_is_what_is_checked() {
        let name = || "localhost".parse().expect("a name");
        let refused = Guard {
            allow_private: false,
        }
        .resolve(name())
        .await;
        let error = refused.err().expect("localhost is no public address");
        assert!(error.to_string().contains("localhost"), "{error}");
        assert!(
            Guard {
                allow_private: true
            }
            .resolve(name())
            .await
            .is_ok()
        );
    }
}
