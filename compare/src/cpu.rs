//! One core, and the time spent on it.

use rustix::{
    thread::{CpuSet, sched_getcpu, sched_setaffinity},
    time::{ClockId, clock_gettime},
};
use std::{cell::Cell, time::Duration};

/// Ties this thread to the core it is on, and says which that is.
pub fn pin() -> String {
    let core = sched_getcpu();
    let mut cores = CpuSet::new();
    cores.set(core);
    let tied = sched_setaffinity(None, &cores).is_ok();
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown processor");
    let model = model.trim_start_matches([' ', '\t', ':']);
    format!("{model}, core {core}{}", if tied { "" } else { ", not tied to it" })
}

thread_local! {
    /// What happened beside the clock so far.
    static UNTIMED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// How long `work` kept this thread on its core. What others do on the machine meanwhile doesn't count, nor
/// does what `work` leaves [`untimed`].
pub fn time(work: impl FnOnce()) -> Duration {
    let before = (now(), UNTIMED.get());
    work();
    now() - before.0 - (UNTIMED.get() - before.1)
}

/// Does something that isn't to be measured.
pub fn untimed<T>(work: impl FnOnce() -> T) -> T {
    let before = now();
    let done = work();
    UNTIMED.set(UNTIMED.get() + (now() - before));
    done
}

fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("less than a second"))
}
