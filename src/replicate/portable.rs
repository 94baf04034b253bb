//! Types that travel, and the envelope they travel in.

use crate::wire::{self, WireError};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

/// The longest name of a type that travels, in bytes.
pub const NAME_BYTES_MAX: usize = 32;

/// A type that travels between peers and is kept in logs, under a stable name and version.
///
/// The name is what other peers and old stores know the type by, so it outlives renamed modules; the version
/// says how the bytes are laid out.
///
/// ```
/// use bevy_quorum::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Strike { damage: u32, critical: bool }
///
/// impl Portable for Strike {
///     const NAME: &'static str = "strike";
///     const VERSION: u16 = 1;
///
///     /// Version 0 knew no critical strikes.
///     fn migrate(version: u16, bytes: &[u8]) -> Option<Self> {
///         (version == 0).then(|| bevy_quorum::wire::decode(bytes, 16).ok())?.map(|damage| Self { damage, critical: false })
///     }
/// }
/// ```
pub trait Portable: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stable name; at most [`NAME_BYTES_MAX`] bytes, and short, because it travels with each value.
    const NAME: &'static str;
    /// The version of the layout that this build writes.
    const VERSION: u16 = 0;

    /// Reads the bytes of another version; none if it can't, and then the value is refused.
    fn migrate(_version: u16, _bytes: &[u8]) -> Option<Self> {
        None
    }
}

/// A value in its envelope, opened only as far as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    pub name: &'a str,
    pub version: u16,
    pub body: &'a [u8],
}

/// Puts a value into an envelope: length of the name, name, version (little endian), value.
pub(crate) fn seal<T: Portable>(value: &T) -> Result<Bytes, WireError> {
    const { assert!(T::NAME.len() <= NAME_BYTES_MAX && !T::NAME.is_empty(), "a portable name has 1 to 32 bytes") };
    let length = u8::try_from(T::NAME.len()).expect("the length was checked when this was compiled");
    let body = wire::encode(value)?;
    Ok([&[length], T::NAME.as_bytes(), &T::VERSION.to_le_bytes(), &body].concat().into())
}

/// The number that stands for name and version where every byte counts.
pub(crate) fn kind<T: Portable>() -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("bevy_quorum 2026 kind of a portable type");
    hasher.update(&T::VERSION.to_le_bytes()).update(T::NAME.as_bytes());
    let hash = hasher.finalize();
    u64::from_le_bytes(*hash.as_bytes().first_chunk().expect("a hash has more than eight bytes"))
}

impl<'a> Envelope<'a> {
    /// Reads the outside of an envelope; none if it is no envelope.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(*length))?;
        let (version, body) = rest.split_first_chunk::<2>()?;
        Some(Self { name: std::str::from_utf8(name).ok()?, version: u16::from_le_bytes(*version), body })
    }

    /// Opens the envelope of a `T`, of whatever version; none if it holds no readable `T`.
    pub fn open<T: Portable>(self) -> Option<T> {
        if self.version == T::VERSION {
            wire::decode(self.body, self.body.len()).ok()
        } else {
            T::migrate(self.version, self.body)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Step(u32, i32);

    impl Portable for Step {
        const NAME: &'static str = "step";
        const VERSION: u16 = 1;

        fn migrate(version: u16, bytes: &[u8]) -> Option<Self> {
            (version == 0).then(|| wire::decode(bytes, 16).ok())?.map(|x| Self(x, 0))
        }
    }

    #[test]
    fn a_value_comes_out_of_its_envelope_as_it_went_in() {
        let bytes = seal(&Step(7, -3)).expect("it encodes");
        let envelope = Envelope::read(&bytes).expect("it is an envelope");
        assert_eq!((envelope.name, envelope.version), ("step", 1));
        assert_eq!(envelope.open::<Step>(), Some(Step(7, -3)));
    }

    #[test]
    fn an_older_version_is_migrated() {
        let body = wire::encode(&9_u32).expect("it encodes");
        let old = Envelope { name: "step", version: 0, body: &body };
        assert_eq!(old.open::<Step>(), Some(Step(9, 0)));
        assert_eq!(Envelope { version: 2, ..old }.open::<Step>(), None);
    }

    #[test]
    fn every_truncation_is_refused() {
        let bytes = seal(&Step(70_000, 5)).expect("it encodes");
        for length in 0..bytes.len() {
            let opened = Envelope::read(&bytes[..length]).and_then(Envelope::open::<Step>);
            assert_eq!(opened, None, "cut after {length} bytes");
        }
    }
}
