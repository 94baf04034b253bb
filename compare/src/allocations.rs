//! An allocator that counts.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// The system's allocator, with a count of what is taken from it.
///
/// The counters are plain numbers to the one thread that matters here: no locked instruction makes who
/// allocates more look worse than it is.
pub struct Counting;

static TAKEN: AtomicU64 = AtomicU64::new(0);
static LIVE_BYTES: AtomicU64 = AtomicU64::new(0);

fn count(counter: &AtomicU64, change: i64) {
    counter.store(counter.load(Relaxed).wrapping_add_signed(change), Relaxed);
}

fn size(layout: Layout) -> i64 {
    i64::try_from(layout.size()).expect("no layout is larger")
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(&TAKEN, 1);
        count(&LIVE_BYTES, size(layout));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(&LIVE_BYTES, -size(layout));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(&TAKEN, 1);
        count(&LIVE_BYTES, i64::try_from(new_size).expect("no layout is larger") - size(layout));
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

/// How often memory was taken so far.
pub fn taken() -> u64 {
    TAKEN.load(Relaxed)
}

/// How many bytes are in use now.
pub fn live_bytes() -> u64 {
    LIVE_BYTES.load(Relaxed)
}
