//! Small bodies lie together, so that none of them takes memory of its own.

use bytes::{Bytes, BytesMut};

/// Larger bodies stay where they are.
const SMALL_MAX: usize = 512;
/// How much memory is taken for small ones at once. It stays as long as one of them, and they go in the order they came.
const SHELF_BYTES: usize = 16 * 1024;

/// Room for small bodies. It says nothing about what a node does: two shelves are always equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Shelf(BytesMut);

impl Shelf {
    /// The body, where it can be shared at no cost.
    pub fn put(&mut self, body: Bytes) -> Bytes {
        if body.is_empty() || body.len() > SMALL_MAX {
            return body;
        }
        if self.0.capacity() < body.len() {
            self.0 = BytesMut::with_capacity(SHELF_BYTES);
        }
        self.0.extend_from_slice(&body);
        self.0.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_keep_their_bytes_and_small_ones_lie_side_by_side() {
        let mut shelf = Shelf::default();
        let bodies: Vec<Bytes> = (0..=255).map(|byte| shelf.put(Bytes::from(vec![byte; 32]))).collect();
        assert!((0..=255).zip(&bodies).all(|(byte, body)| *body == vec![byte; 32]));
        assert!(bodies.windows(2).all(|pair| pair[0].as_ptr().wrapping_add(32) == pair[1].as_ptr()));
        let large = Bytes::from(vec![7; SMALL_MAX + 1]);
        assert_eq!(shelf.put(large.clone()).as_ptr(), large.as_ptr());
    }
}
