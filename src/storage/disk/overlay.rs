//! A file seen through a copy in memory: what is written to it stays there.

use redb::StorageBackend;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Error, ErrorKind, Read, Seek, SeekFrom},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The part of the file that is copied when one of its bytes is written.
const BLOCK_BYTES: usize = 4096;

/// A read-only file with changes that are never written to it.
#[derive(Debug)]
pub(super) struct Overlay(Mutex<Layers>);

#[derive(Debug)]
struct Layers {
    file: File,
    /// How much of the file is still seen: cutting it and growing it again gives zeros.
    seen: u64,
    len: u64,
    changed: BTreeMap<u64, Box<[u8; BLOCK_BYTES]>>,
}

impl Overlay {
    /// An unchanged view of `file`.
    pub fn new(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self(Mutex::new(Layers { file, seen: len, len, changed: BTreeMap::new() })))
    }

    fn layers(&self) -> MutexGuard<'_, Layers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.layers().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut layers = self.layers();
        layers.check_range(offset, out.len())?;
        for_each_block(offset, out.len(), |block, within, range| {
            let out = &mut out[range];
            match layers.changed.get(&block) {
                Some(bytes) => out.copy_from_slice(&bytes[within..within + out.len()]),
                None => layers.read_file(block * BLOCK_BYTES as u64 + within as u64, out)?,
            }
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut layers = self.layers();
        if len < layers.len {
            layers.cut(len)?;
        }
        layers.len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut layers = self.layers();
        layers.check_range(offset, data.len())?;
        for_each_block(offset, data.len(), |block, within, range| {
            let data = &data[range];
            layers.block(block)?[within..within + data.len()].copy_from_slice(data);
            Ok(())
        })
    }
}

impl Layers {
    fn check_range(&self, offset: u64, count: usize) -> io::Result<()> {
        match offset.checked_add(count as u64) {
            Some(end) if end <= self.len => Ok(()),
            _ => Err(Error::from(ErrorKind::UnexpectedEof)),
        }
    }

    /// Reads what the file holds; beyond its end it holds zeros.
    fn read_file(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let there = self.seen.saturating_sub(offset).min(out.len() as u64) as usize;
        let (from_file, beyond) = out.split_at_mut(there);
        beyond.fill(0);
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(from_file)
    }

    /// A block as it is to be seen from now on.
    fn block(&mut self, block: u64) -> io::Result<&mut [u8; BLOCK_BYTES]> {
        if !self.changed.contains_key(&block) {
            let mut bytes = Box::new([0; BLOCK_BYTES]);
            self.read_file(block * BLOCK_BYTES as u64, &mut bytes[..])?;
            self.changed.insert(block, bytes);
        }
        Ok(self.changed.get_mut(&block).expect("it was just put there"))
    }

    /// Forgets everything from `len` on.
    fn cut(&mut self, len: u64) -> io::Result<()> {
        let (block, within) = (len / BLOCK_BYTES as u64, (len % BLOCK_BYTES as u64) as usize);
        self.seen = self.seen.min(len);
        self.changed.split_off(&(block + 1));
        if let Some(bytes) = self.changed.get_mut(&block) {
            bytes[within..].fill(0);
        }
        Ok(())
    }
}

/// Calls `each` with every block in a range: its number, where in it the range begins, and which part of
/// the range lies in it.
fn for_each_block(
    offset: u64,
    count: usize,
    mut each: impl FnMut(u64, usize, std::ops::Range<usize>) -> io::Result<()>,
) -> io::Result<()> {
    let mut done = 0;
    while done < count {
        let place = offset + done as u64;
        let within = (place % BLOCK_BYTES as u64) as usize;
        let end = count.min(done + BLOCK_BYTES - within);
        each(place / BLOCK_BYTES as u64, within, done..end)?;
        done = end;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn an_overlay_behaves_as_a_file_and_leaves_the_file_alone() {
        arbtest::arbtest(|u| {
            let start: Vec<u8> = (0..10_000).map(|i| i as u8).collect();
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&start).unwrap();
            let (overlay, mut model) = (Overlay::new(file.try_clone().unwrap()).unwrap(), start.clone());
            for _ in 0..u.int_in_range(1..=20)? {
                let offset = u.int_in_range(0..=model.len())?;
                let count = u.int_in_range(0..=model.len() - offset)?;
                match u.int_in_range(0..=2)? {
                    0 => {
                        overlay.write(offset as u64, &vec![0xee; count]).unwrap();
                        model[offset..offset + count].fill(0xee);
                    }
                    1 => {
                        let len = u.int_in_range(0..=20_000)?;
                        overlay.set_len(len as u64).unwrap();
                        model.resize(len, 0);
                    }
                    _ => {
                        let mut out = vec![0; count];
                        overlay.read(offset as u64, &mut out).unwrap();
                        assert!(out == model[offset..offset + count]);
                    }
                }
            }
            let mut all = vec![0; model.len()];
            overlay.read(0, &mut all).unwrap();
            assert!(all == model && overlay.len().unwrap() == model.len() as u64);
            assert!(overlay.read(1, &mut all).is_err() || all.is_empty());
            let mut file_after = Vec::new();
            file.rewind().unwrap();
            file.read_to_end(&mut file_after).unwrap();
            assert!(file_after == start);
            Ok(())
        })
        .budget_ms(300);
    }
}
