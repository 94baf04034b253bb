//! Names for attempts to connect.

use matchbox_socket::PeerId;

/// Names for attempts, distinct within one socket.
#[derive(Default)]
pub(super) struct Names(u64);

impl Names {
    /// A name not used before.
    pub(super) fn fresh(&mut self) -> PeerId {
        self.0 += 1;
        let text = format!("{:08x}-0000-0000-0000-{:012x}", self.0 >> 48, self.0 & 0xffff_ffff_ffff);
        serde_json::from_value(text.into()).expect("this is the text form of a UUID")
    }
}
