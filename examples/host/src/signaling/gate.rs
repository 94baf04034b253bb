//! How many connections one address has.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

/// Counts the connections of each address.
#[derive(Clone)]
pub struct Gate {
    inside: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
    limit: usize,
}

/// A connection that counts until it is dropped.
pub struct Entry {
    gate: Gate,
    address: IpAddr,
}

impl Gate {
    /// Lets `limit` connections of each address in.
    pub fn new(limit: usize) -> Self {
        Self { inside: Arc::default(), limit }
    }

    /// Counts one more, unless there are too many.
    pub fn enter(&self, address: IpAddr) -> Option<Entry> {
        let address = household(address);
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let count = inside.entry(address).or_default();
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        Some(Entry { gate: self.clone(), address })
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut inside = self.gate.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = inside.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&self.address);
            }
        }
    }
}

/// One subscriber has one IPv4 address, but 2⁶⁴ IPv6 addresses.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_connections_at_once() {
        let gate = Gate::new(2);
        let (first, _second) = (gate.enter(ip("10.0.0.1")).unwrap(), gate.enter(ip("::ffff:10.0.0.1")).unwrap());
        assert!(gate.enter(ip("10.0.0.1")).is_none());
        assert!(gate.enter(ip("10.0.0.2")).is_some());
        drop(first);
        assert!(gate.enter(ip("10.0.0.1")).is_some());
    }

    #[test]
    fn the_addresses_of_one_network_count_together() {
        let gate = Gate::new(1);
        let _first = gate.enter(ip("2001:db8:0:1::1")).unwrap();
        assert!(gate.enter(ip("2001:db8:0:1:ffff::2")).is_none());
        assert!(gate.enter(ip("2001:db8:0:2::1")).is_some());
    }

    #[test]
    fn who_left_is_forgotten() {
        let gate = Gate::new(1);
        drop(gate.enter(ip("10.0.0.1")));
        assert!(gate.inside.lock().unwrap().is_empty());
    }
}
