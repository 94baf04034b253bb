//! Bytes that nobody can guess.

/// Random bytes of the operating system, or of the browser.
///
/// # Panics
/// If the system has none to give: no key made without them would be secret.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives random bytes; without them no key is secret");
    bytes
}
