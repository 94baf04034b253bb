//! How a store's records lie in its tables: each behind a checksum over its table, its key and itself.
//!
//! The database below checks its own pages; this finds a value that went to another place, or that somebody changed.

/// The version of stores that this program writes and reads.
pub const STORE_VERSION: u16 = 2;

/// The tables of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// What there is once: see the names below.
    Meta,
    /// The entries by index.
    Log,
    /// The state of the newest snapshot, in pieces of [`PIECE_BYTES`], from zero.
    State,
    /// The bodies of commands that are not settled, by serial.
    Outbox,
}

impl Table {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Log => "log",
            Self::State => "state",
            Self::Outbox => "outbox",
        }
    }
}

/// [`STORE_VERSION`]; read before anything else.
pub(super) const VERSION: &str = "version";
/// The private half of the node's key.
pub(super) const KEY: &str = "key";
/// The invitation.
pub(super) const INVITATION: &str = "invitation";
/// The ballot.
pub(super) const BALLOT: &str = "ballot";
/// An index known to be committed.
pub(super) const COMMIT: &str = "commit index";
/// The entry before the first of the log.
pub(super) const BASE: &str = "base";
/// The room's own part of the newest snapshot; nothing if there is none.
pub(super) const ROOM: &str = "room";
/// How many bytes the state of that snapshot has.
pub(super) const STATE_BYTES: &str = "size of the state";
/// The session that the outbox belongs to.
pub(super) const SESSION: &str = "session";
/// The last serial given out.
pub(super) const LAST_SERIAL: &str = "last serial";
/// How many groups of writes are complete.
pub(super) const GROUPS: &str = "count of changes";

/// How large the pieces of a state are.
pub(super) const PIECE_BYTES: usize = 64 * 1024;

const CHECKSUM_BYTES: usize = 8;
const CHECKSUM_CONTEXT: &str = "bevy_quorum 2026-11 stored value";

/// `value` as it is stored in `table` under `key`.
pub(super) fn seal(table: Table, key: &[u8], value: &[u8]) -> Vec<u8> {
    [&checksum(table.name(), key, value)[..], value].concat()
}

/// What was [`seal`]ed, if it was for this place.
pub(super) fn unseal<'a>(table: Table, key: &[u8], sealed: &'a [u8]) -> Option<&'a [u8]> {
    let (sum, value) = sealed.split_at_checked(CHECKSUM_BYTES)?;
    (sum == checksum(table.name(), key, value)).then_some(value)
}

fn checksum(table: &str, key: &[u8], value: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = blake3::Hasher::new_derive_key(CHECKSUM_CONTEXT);
    for part in [table.as_bytes(), key] {
        // Lengths first, so that a byte can't move from one part to the next.
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let hash = hasher.update(value).finalize();
    let (sum, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
    *sum
}

#[cfg(test)]
mod tests {
    use super::*;

    // A changed vector means a new STORE_VERSION.
    #[test]
    fn a_stored_value_is_as_agreed() {
        let sealed = seal(Table::Log, &7_u64.to_le_bytes(), b"entry");
        let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, include_str!("../../tests/golden/stored_value.txt").trim());
    }

    #[test]
    fn a_value_is_read_only_where_it_was_put() {
        let sealed = seal(Table::Log, &[7], b"entry");
        assert_eq!(unseal(Table::Log, &[7], &sealed), Some(&b"entry"[..]));
        assert_eq!(unseal(Table::Log, &[8], &sealed), None);
        assert_eq!(unseal(Table::Outbox, &[7], &sealed), None);
        assert_eq!(unseal(Table::Log, &[7], &sealed[..5]), None);
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(unseal(Table::Log, &[7], &changed), None, "byte {place}");
        }
    }
}
