//! Which addresses of this host and its networks may be asked although they are not public.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// None of them, all of them, or those of these networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Private {
    /// None.
    #[default]
    None,
    /// Every one.
    All,
    /// Those whose first bits are these: address and number of bits.
    Within(Vec<(IpAddr, u32)>),
}

/// Why a word names no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongNetwork;

impl fmt::Display for WrongNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not off, on, or addresses and networks such as 10.0.0.5 and 192.168.1.0/24")
    }
}

impl std::error::Error for WrongNetwork {}

impl FromStr for Private {
    type Err = WrongNetwork;

    /// Reads `off`, `on`, or a list with blanks or commas between. Names are none of it: what they stand for changes.
    fn from_str(text: &str) -> Result<Private, WrongNetwork> {
        match text {
            "off" => Ok(Private::None),
            "on" => Ok(Private::All),
            list => {
                let words = list.split([' ', ',']).filter(|word| !word.is_empty());
                let networks: Vec<_> = words.map(network).collect::<Option<_>>().ok_or(WrongNetwork)?;
                if networks.is_empty() { Err(WrongNetwork) } else { Ok(Private::Within(networks)) }
            }
        }
    }
}

impl Private {
    /// Whether `address` is one of them.
    pub fn holds(&self, address: IpAddr) -> bool {
        match self {
            Private::None => false,
            Private::All => true,
            Private::Within(networks) => networks.iter().any(|network| within(address.to_canonical(), *network)),
        }
    }
}

fn network(word: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = word.split_once('/').map_or((word, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(all), |bits| bits.parse().ok())?;
    (bits <= all).then_some((address, bits))
}

fn within(address: IpAddr, (network, bits): (IpAddr, u32)) -> bool {
    let wide = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
        IpAddr::V6(address) => (Ipv6Addr::to_bits(address), 128),
    };
    let ((address, kind), (network, other)) = (wide(address), wide(network));
    kind == other && (address ^ network).checked_shr(128 - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_412_only_what_is_listed() {
        let list: Private = "10.0.0.5, 192.168.1.0/24 fd00::/8".parse().unwrap();
        for (address, holds) in [
            ("10.0.0.5", true),
            ("::ffff:10.0.0.5", true),
            ("10.0.0.6", false),
            ("192.168.1.77", true),
            ("192.168.2.1", false),
            ("fd12::1", true),
            ("fe80::1", false),
            ("127.0.0.1", false),
            ("::1", false),
        ] {
            assert_eq!(list.holds(address.parse().unwrap()), holds, "{address}");
        }
        let loopback = "127.0.0.1".parse().unwrap();
        assert!("on".parse::<Private>().unwrap().holds(loopback) && !Private::default().holds(loopback));
        assert!("0.0.0.0/0".parse::<Private>().unwrap().holds(loopback));
        for wrong in ["", " , ", "On", "minio.lan", "10.0.0.0/33", "10.0.0.0/", "fd00::/129", "10.0.0", "on 10.0.0.1"] {
            assert!(wrong.parse::<Private>().is_err(), "{wrong:?}");
        }
    }
}
