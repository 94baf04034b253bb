//! The commands of this node that are not settled yet.

use super::{COMMAND_BYTES_MAX, Config, LogIndex, Rejected, Serial, shelf::Shelf};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// Own commands, from the moment they are proposed until they are applied.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Outbox {
    /// From the one after `settled` to `last`, without gaps.
    commands: VecDeque<Bytes>,
    shelf: Shelf,
    bytes: usize,
    last: Serial,
    /// Up to here commands survive a crash, and may be told to others.
    durable: Serial,
    settled: Serial,
    /// The session that they belong to.
    session: Option<LogIndex>,
}

impl Outbox {
    pub fn new(commands: BTreeMap<Serial, Bytes>, last_serial: Serial, session: Option<LogIndex>) -> Self {
        let last = commands.last_key_value().map_or(last_serial, |(serial, _)| last_serial.max(*serial));
        let settled = commands.first_key_value().map_or(last, |(serial, _)| Serial(serial.0.saturating_sub(1)));
        assert!(last.0 - settled.0 == commands.len() as u64, "the store lacks a command");
        let bytes = commands.values().map(Bytes::len).sum();
        Self {
            commands: commands.into_values().collect(),
            shelf: Shelf::default(),
            bytes,
            last,
            durable: last,
            settled,
            session,
        }
    }

    /// Takes a command in and numbers it.
    pub fn add(&mut self, body: Bytes, config: &Config) -> Result<Serial, Rejected> {
        if body.len() > COMMAND_BYTES_MAX {
            return Err(Rejected::TooLarge { bytes: body.len(), limit: COMMAND_BYTES_MAX });
        }
        if self.commands.len() >= config.outbox_commands_max || self.bytes + body.len() > config.outbox_bytes_max {
            return Err(Rejected::OutboxFull { waiting: self.commands.len(), holdup: None });
        }
        self.last = self.last.next();
        self.bytes += body.len();
        self.commands.push_back(self.shelf.put(body));
        Ok(self.last)
    }

    /// Everything up to `serial` is durable.
    pub fn persisted(&mut self, serial: Serial) {
        self.durable = self.durable.max(serial);
    }

    /// Whether every command that was taken in survives a crash.
    pub fn is_durable(&self) -> bool {
        self.durable >= self.last
    }

    /// Drops what is applied; whether there was anything to drop.
    pub fn settle(&mut self, serial: Serial) -> bool {
        let before = self.commands.len();
        while self.settled < serial
            && let Some(body) = self.commands.pop_front()
        {
            self.settled = self.settled.next();
            self.bytes -= body.len();
        }
        // A store that was rolled back may know fewer serials than the log: none is given out twice.
        self.last = self.last.max(serial);
        self.durable = self.durable.max(serial);
        self.settled = self.settled.max(serial);
        self.commands.len() < before
    }

    /// The session that the commands belong to.
    pub fn session(&self) -> Option<LogIndex> {
        self.session
    }

    /// Goes over to another session, with everything that waits.
    pub fn enter(&mut self, session: LogIndex) {
        assert!(self.session < Some(session), "sessions only follow one another");
        self.session = Some(session);
    }

    /// The commands that wait, up to `last`.
    pub fn open(&self, last: Serial) -> Vec<Serial> {
        (self.settled.0 + 1..=self.last.min(last).0).map(Serial).collect()
    }

    /// Up to here commands survive a crash; of others nobody was told.
    pub fn durable(&self) -> Serial {
        self.durable
    }

    pub fn waiting(&self) -> usize {
        self.commands.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn last(&self) -> Serial {
        self.last
    }

    pub fn settled(&self) -> Serial {
        self.settled
    }

    /// The durable commands from `first` on, in order.
    pub fn ready(&self, first: Serial) -> impl ExactSizeIterator<Item = (Serial, &Bytes)> {
        self.between(first, self.durable)
    }

    /// The commands from `first` to `last`, in order, durable or not.
    pub fn between(&self, first: Serial, last: Serial) -> impl ExactSizeIterator<Item = (Serial, &Bytes)> {
        let first = first.max(self.settled.next());
        let end = self.place(last.next());
        let commands = self.commands.range(self.place(first).min(end)..end);
        commands.enumerate().map(move |(offset, body)| (Serial(first.0 + offset as u64), body))
    }

    /// Where the command lies, or would.
    fn place(&self, serial: Serial) -> usize {
        let before = serial.0.saturating_sub(self.settled.0 + 1);
        usize::try_from(before).unwrap_or(usize::MAX).min(self.commands.len())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn outbox() -> Outbox {
        Outbox::new(BTreeMap::new(), Serial(0), None)
    }

    #[test]
    fn nothing_is_ready_before_it_is_durable() {
        let mut outbox = outbox();
        let serial = outbox.add(Bytes::from_static(b"x"), &Config::default()).unwrap();
        assert_eq!(outbox.ready(Serial(1)).count(), 0);
        outbox.persisted(serial);
        assert_eq!(outbox.ready(Serial(1)).count(), 1);
    }

    #[test]
    fn a_full_outbox_refuses_and_numbers_nothing() {
        let config = Config { outbox_commands_max: 1, ..Config::default() };
        let mut outbox = outbox();
        outbox.add(Bytes::new(), &config).unwrap();
        assert_eq!(outbox.add(Bytes::new(), &config), Err(Rejected::OutboxFull { waiting: 1, holdup: None }));
        assert_eq!(outbox.last(), Serial(1));
    }

    #[test]
    fn a_command_too_large_is_refused() {
        let body = Bytes::from(vec![0; COMMAND_BYTES_MAX + 1]);
        let refused = outbox().add(body, &Config::default());
        assert!(matches!(refused, Err(Rejected::TooLarge { .. })));
    }

    #[test]
    fn serials_go_on_after_a_restart() {
        let kept = BTreeMap::from([(Serial(4), Bytes::new())]);
        let mut outbox = Outbox::new(kept, Serial(4), None);
        assert_eq!(outbox.settled(), Serial(3));
        assert_eq!(outbox.add(Bytes::new(), &Config::default()), Ok(Serial(5)));
        assert!(outbox.settle(Serial(5)));
        assert_eq!(outbox.waiting(), 0);
    }
}
