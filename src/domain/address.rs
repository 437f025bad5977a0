//! Which addresses belong to the public Internet. Whoever may name an address for us to fetch must not reach through us
//! what only this host can reach: itself, its networks, the cloud's metadata service.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Url;

/// Networks of IPv4 that are private, special or reserved (IANA's registry of special-purpose addresses).
const SPECIAL_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, reserved, broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];
/// Networks within the global unicast range of IPv6 that are not public: IETF's own with Teredo, documentation, 6to4.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];
/// Global unicast; everything else of IPv6 is loopback, link-local, unique local, multicast or unassigned.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Whether `address` is one of the public Internet. An IPv4 address inside an IPv6 one is judged by itself.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|(network, bits)| within_v4(address, *network, *bits)),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => is_public(IpAddr::V4(inner)),
            None => {
                within_v6(address, GLOBAL_V6.0, GLOBAL_V6.1)
                    && !SPECIAL_V6.iter().any(|(network, bits)| within_v6(address, *network, *bits))
            }
        },
    }
}

/// The IPv4 address in a mapped one (`::ffff:1.2.3.4`) or in one of NAT64 (`64:ff9b::1.2.3.4`).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = address.segments();
    let embedded = matches!([a, b, c, d, e, f], [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0]);
    embedded.then(|| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
}

fn within_v4(address: Ipv4Addr, network: Ipv4Addr, bits: u32) -> bool {
    (u32::from(address) ^ u32::from(network)) >> (32 - bits) == 0
}

fn within_v6(address: Ipv6Addr, network: Ipv6Addr, bits: u32) -> bool {
    (u128::from(address) ^ u128::from(network)) >> (128 - bits) == 0
}

/// Scheme, host and port of an address; three dots stand for all the rest of it.
pub fn host_only(value: &str) -> String {
    let Ok(url) = Url::parse(value) else { return "********".to_owned() };
    let Some(host) = url.host_str() else { return "********".to_owned() };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let origin = format!("{}://{host}{port}", url.scheme());
    let bare = value == origin || value.strip_suffix('/') == Some(&origin);
    if bare { value.to_owned() } else { format!("{origin}/...") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_413_of_an_address_only_the_host_is_shown() {
        for (address, shown) in [
            ("https://hooks.example.com/T0/B0/secret", "https://hooks.example.com/..."),
            ("https://user:secret@example.com:8443", "https://example.com:8443/..."),
            ("https://example.com/?token=secret", "https://example.com/..."),
            ("https://example.com/#secret", "https://example.com/..."),
            ("https://s3.example.com:9000/", "https://s3.example.com:9000/"),
            ("http://[::1]:9000", "http://[::1]:9000"),
            ("mailto:secret@example.com", "********"),
            ("secret", "********"),
        ] {
            assert_eq!(host_only(address), shown);
        }
    }

    #[test]
    fn fault_087_what_only_this_host_can_reach_is_not_public() {
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.19.0.1",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "fe80::1",
            "fec0::1",
            "fd00::1",
            "fc00::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "100::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "100.63.255.255",
            "172.32.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
