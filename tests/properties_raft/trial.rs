//! How a property is tried without a fuzzer: on its corpus, on what is like it, and on anything.

use arbtest::{
    arbitrary::{Result, Unstructured},
    arbtest,
};
use std::{env, fs, path::Path};

/// For how long each property is tried.
const BUDGET_MS: u64 = 2_500;
/// The most changes made to one input.
const CHANGES_MAX: usize = 8;

/// Tries a property on its corpus, and then on bytes drawn from it or out of nothing.
///
/// A failure names its seed; `PROPERTY_SEED=0x… cargo test --test … NAME` tries that one again.
pub fn hold(name: &str, property: fn(&[u8])) {
    let corpus = corpus(name);
    corpus.iter().for_each(|bytes| property(bytes));
    let trial = arbtest(|u| {
        property(&input(u, &corpus)?);
        Ok(())
    });
    let seed = env::var("PROPERTY_SEED").ok();
    match seed {
        Some(seed) => {
            let seed = u64::from_str_radix(seed.trim_start_matches("0x"), 16).expect("PROPERTY_SEED is hexadecimal");
            drop(trial.seed(seed));
        }
        None => drop(trial.budget_ms(BUDGET_MS)),
    }
}

/// What the fuzzer starts from; nothing where the package comes without it.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    // Cargo runs tests in the package's folder.
    let fuzz = Path::new("fuzz");
    if !fuzz.exists() {
        return Vec::new();
    }
    let folder = fs::read_dir(fuzz.join("corpus").join(name)).expect("every property has a corpus");
    let mut files: Vec<_> = folder.map(|file| file.expect("folders can be read").path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("files can be read")).collect()
}

/// Anything, or an input of the corpus with some changes.
fn input(u: &mut Unstructured, corpus: &[Vec<u8>]) -> Result<Vec<u8>> {
    if corpus.is_empty() || u.ratio(1, 4)? {
        return u.bytes(u.len()).map(<[u8]>::to_vec);
    }
    let mut bytes = u.choose(corpus)?.clone();
    for _ in 0..u.int_in_range(0..=CHANGES_MAX)? {
        change(u, &mut bytes)?;
    }
    Ok(bytes)
}

fn change(u: &mut Unstructured, bytes: &mut Vec<u8>) -> Result<()> {
    let place = u.int_in_range(0..=bytes.len())?;
    let end = place + u.int_in_range(0..=(bytes.len() - place).min(16))?;
    match u.int_in_range(0..=5)? {
        0 => bytes.truncate(place),
        1 => drop(bytes.drain(place..end)),
        2 => bytes.insert(place, u.arbitrary()?),
        3 => bytes.extend_from_within(place..end),
        4 => bytes[place..end].fill(u.arbitrary()?),
        _ => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << u.int_in_range(0..=7)?;
            }
        }
    }
    Ok(())
}
