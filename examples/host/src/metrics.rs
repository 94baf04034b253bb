//! What is counted, in the text that Prometheus scrapes.

use crate::kept::KeptRoom;
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::{fmt, sync::Mutex};

/// Why a connection was turned away, or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Refusal {
    /// The path names no room.
    Name,
    /// Too many connections come from one address.
    Address,
    /// The room is full.
    Seats,
    /// There are too many rooms.
    Rooms,
    /// A signal was too large.
    Size,
    /// Too many signals came at once.
    Rate,
    /// It was no signal.
    Nonsense,
    /// The peer reads too slowly.
    Slow,
    /// It gave no sign of life.
    Idle,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Because {
    reason: Refusal,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoom {
    room: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Doing {
    room: String,
    role: String,
}

/// All that is counted.
pub struct Metrics {
    registry: Registry,
    signals: Counter,
    refused: Family<Because, Counter>,
    rooms: Gauge,
    seats: Gauge,
    kept: Family<Doing, Gauge>,
    commit: Family<OfRoom, Gauge>,
    log_bytes: Family<OfRoom, Gauge>,
    /// What is only looked at when somebody asks must not be brought up to date by two at once.
    asking: Mutex<()>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("quorum_host"),
            signals: Counter::default(),
            refused: Family::default(),
            rooms: Gauge::default(),
            seats: Gauge::default(),
            kept: Family::default(),
            commit: Family::default(),
            log_bytes: Family::default(),
            asking: Mutex::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("signals", "Signals passed on", metrics.signals.clone());
        registry.register("refused", "Connections turned away or ended", metrics.refused.clone());
        registry.register(
            "rooms",
            "Rooms at the signaling server; a room of players counts twice",
            metrics.rooms.clone(),
        );
        registry.register("seats", "Connections to the signaling server", metrics.seats.clone());
        registry.register("kept_room", "What this program does in a room that it keeps", metrics.kept.clone());
        registry.register("kept_room_commit", "The last entry known committed", metrics.commit.clone());
        registry.register("kept_room_log_bytes", "Bytes of log since the last snapshot", metrics.log_bytes.clone());
        metrics
    }
}

impl Metrics {
    /// A signal was passed on.
    pub fn passed_on(&self) {
        self.signals.inc();
    }

    /// A connection was turned away or ended.
    pub fn refuse(&self, reason: Refusal) {
        self.refused.get_or_create(&Because { reason }).inc();
    }

    /// The text, with what is only looked at when somebody asks.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn text(&self, (rooms, seats): (usize, usize), kept: &[KeptRoom]) -> Result<String, fmt::Error> {
        let _alone = self.asking.lock();
        self.rooms.set(rooms as i64);
        self.seats.set(seats as i64);
        self.kept.clear();
        for room in kept {
            let name = || OfRoom { room: room.name.clone() };
            self.kept.get_or_create(&Doing { room: room.name.clone(), role: room.role() }).set(1);
            self.commit.get_or_create(&name()).set(room.commit as i64);
            self.log_bytes.get_or_create(&name()).set(room.log_bytes as i64);
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_told_by_name() {
        let metrics = Metrics::default();
        metrics.passed_on();
        metrics.refuse(Refusal::Rate);
        let text = metrics.text((3, 5), &[]).unwrap();
        for line in
            ["quorum_host_signals_total 1", "quorum_host_refused_total{reason=\"Rate\"} 1", "quorum_host_rooms 3"]
        {
            assert!(text.contains(line), "{text}");
        }
    }
}
