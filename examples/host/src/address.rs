//! Where somebody comes from.

use axum::http::{HeaderMap, HeaderName};
use std::net::{IpAddr, SocketAddr};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of a client. Behind a proxy it is the last that the header names, which the proxy itself wrote: those
/// before it are what the client claims.
pub fn of(connected: SocketAddr, headers: &HeaderMap, behind_proxy: bool) -> IpAddr {
    let forwarded = || headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok();
    let named = forwarded().filter(|_| behind_proxy).and_then(last);
    named.unwrap_or(connected.ip()).to_canonical()
}

fn last(forwarded: &str) -> Option<IpAddr> {
    let last = forwarded.rsplit(',').next()?.trim();
    // Some proxies add a port.
    last.parse().or_else(|_| last.parse::<SocketAddr>().map(|address| address.ip())).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn seen(lines: &[&'static str], behind_proxy: bool) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        of(([127, 0, 0, 1], 9).into(), &headers, behind_proxy).to_string()
    }

    #[test]
    fn only_a_proxy_may_say_where_somebody_comes_from() {
        assert_eq!(seen(&["203.0.113.7"], false), "127.0.0.1");
        assert_eq!(seen(&["203.0.113.7"], true), "203.0.113.7");
    }

    #[test]
    fn what_the_client_claims_itself_does_not_count() {
        assert_eq!(seen(&["1.2.3.4, 203.0.113.7"], true), "203.0.113.7");
        assert_eq!(seen(&["1.2.3.4", "203.0.113.7:4242"], true), "203.0.113.7");
        assert_eq!(seen(&["[2001:db8::1]:4242"], true), "2001:db8::1");
    }

    #[test]
    fn without_a_name_that_makes_sense_it_is_the_proxys() {
        assert_eq!(seen(&[], true), "127.0.0.1");
        assert_eq!(seen(&["unknown"], true), "127.0.0.1");
    }
}
