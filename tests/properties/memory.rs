//! How much memory a decoder may take.

use allocation_counter::measure;

/// What is set aside on a peer's word alone: serde believes a length up to one mebibyte, and entries are moved once.
const WORD_BYTES: u64 = 2 * 1024 * 1024;
/// How much larger than its encoding anything may become on the way: the smallest entry has four bytes.
const GROWTH_MAX: u64 = 256;

/// Reads some bytes, and makes sure that it takes no more memory than they may cost.
pub fn within_bounds<T>(bytes: &[u8], read: impl FnOnce(&[u8]) -> T) -> T {
    let mut value = None;
    let taken = measure(|| value = Some(read(bytes))).bytes_max;
    let limit = WORD_BYTES + GROWTH_MAX * bytes.len() as u64;
    assert!(taken <= limit, "{} bytes take {taken} of memory, more than {limit}", bytes.len());
    value.expect("it was read")
}
