//! Something together with its hash, so that a step hashes only what it changes.

use std::{
    fmt::{self, Debug},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

/// Shared, and compared by its hash alone.
pub struct Hashed<T> {
    pub hash: u64,
    pub it: T,
}

impl<T: Hash> Hashed<T> {
    pub fn new(it: T) -> Arc<Self> {
        Arc::new(Self { hash: hash_of(&it), it })
    }
}

/// The same on every run of the same program.
pub fn hash_of(it: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    it.hash(&mut hasher);
    hasher.finish()
}

impl<T: Debug> Debug for Hashed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.it.fmt(f)
    }
}

impl<T> PartialEq for Hashed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl<T> Eq for Hashed<T> {}

impl<T> Hash for Hashed<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}
