//! What can go wrong with a store.

/// Why a store can't be opened, or can't be written any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {}
