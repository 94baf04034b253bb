//! Which addresses peers tell each other.
//!
//! A signal names the addresses at which its sender might be reached: those of its own machine, those that the world sees,
//! and those on relays. Who wants to be reached through relays alone tells no others, and tries none.

use matchbox_socket::PeerSignal;
use serde_json::Value;

/// What is left of a signal if only relays may be used; nothing, if it was about another address.
pub(super) fn only_relays(signal: PeerSignal) -> Option<PeerSignal> {
    match signal {
        PeerSignal::Offer(description) => Some(PeerSignal::Offer(describe(&description))),
        PeerSignal::Answer(description) => Some(PeerSignal::Answer(describe(&description))),
        PeerSignal::IceCandidate(candidate) => tell(&candidate).map(PeerSignal::IceCandidate),
    }
}

/// A session description without other candidates. Browsers put a candidate's address in front of the list, too, where it
/// serves those who know of no candidates.
fn describe(description: &str) -> String {
    let lines = description.lines().filter_map(|line| {
        if let Some(candidate) = line.strip_prefix("a=candidate:") {
            return relay(candidate).map(|candidate| format!("a=candidate:{candidate}\r\n"));
        }
        if line.starts_with("c=") {
            return Some("c=IN IP4 0.0.0.0\r\n".to_owned());
        }
        if let Some((_, rest)) = line.strip_prefix("m=application ").and_then(|rest| rest.split_once(' ')) {
            return Some(format!("m=application 9 {rest}\r\n"));
        }
        Some(format!("{line}\r\n"))
    });
    lines.collect()
}

/// A candidate by itself, in JSON; `null` says that there are no more.
fn tell(json: &str) -> Option<String> {
    let mut value: Value = serde_json::from_str(json).ok()?;
    if value.is_null() {
        return Some(json.to_owned());
    }
    let candidate = value.get_mut("candidate")?;
    let text = candidate.as_str()?;
    if !text.is_empty() {
        *candidate = format!("candidate:{}", relay(text.strip_prefix("candidate:").unwrap_or(text))?).into();
    }
    Some(value.to_string())
}

/// The candidate, if it is one on a relay, without the address from which the relay was asked.
fn relay(candidate: &str) -> Option<String> {
    let mut words: Vec<&str> = candidate.split_whitespace().collect();
    let kind = words.iter().position(|word| *word == "typ")? + 1;
    if words.get(kind) != Some(&"relay") {
        return None;
    }
    for place in kind..words.len().saturating_sub(1) {
        match words[place] {
            "raddr" => words[place + 1] = "0.0.0.0",
            "rport" => words[place + 1] = "9",
            _ => {}
        }
    }
    Some(words.join(" "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const HOST: &str = "1 1 udp 2130706431 192.168.1.2 5000 typ host";
    const MAPPED: &str = "2 1 udp 1694498815 203.0.113.7 5000 typ srflx raddr 192.168.1.2 rport 5000";
    const RELAY: &str = "3 1 udp 16777215 198.51.100.1 6000 typ relay raddr 203.0.113.7 rport 5000 generation 0";
    const HIDDEN: &str = "3 1 udp 16777215 198.51.100.1 6000 typ relay raddr 0.0.0.0 rport 9 generation 0";

    #[test]
    fn a_description_names_relays_alone() {
        let description = format!(
            "v=0\r\nm=application 5000 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 203.0.113.7\r\n\
             a=candidate:{HOST}\r\na=candidate:{MAPPED}\r\na=candidate:{RELAY}\r\na=mid:0\r\n"
        );
        let left = format!(
            "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n\
             a=candidate:{HIDDEN}\r\na=mid:0\r\n"
        );
        let offer = |text: &str| PeerSignal::Offer(text.to_owned());
        assert_eq!(only_relays(offer(&description)), Some(offer(&left)));
        assert_eq!(only_relays(PeerSignal::Answer(description)), Some(PeerSignal::Answer(left)));
    }

    #[test]
    fn a_candidate_by_itself_passes_if_it_is_a_relay() {
        let json = |candidate: &str| format!(r#"{{"candidate":"candidate:{candidate}","sdpMid":"0"}}"#);
        let passed = |json: String| only_relays(PeerSignal::IceCandidate(json));
        assert_eq!(passed(json(HOST)), None);
        assert_eq!(passed(json(MAPPED)), None);
        assert_eq!(passed(json(RELAY)), Some(PeerSignal::IceCandidate(json(HIDDEN))));
        assert_eq!(passed("null".into()), Some(PeerSignal::IceCandidate("null".into())));
        assert_eq!(passed("{".into()), None);
    }
}
