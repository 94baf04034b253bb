//! How large the pages are, as a table: what lies on the disk, and what goes over the network.

use super::assets::{BROTLI, Folder, compressed, files};
use crate::failure::{Failure, OrFail};
use std::{fmt, fs, path::Path};

/// One line for each file, and one for all that somebody has to load.
pub struct Table {
    rows: Vec<Row>,
}

struct Row {
    name: String,
    raw: u64,
    brotli: u64,
}

impl Table {
    /// Of the files that these pages load.
    pub fn of(shell: &Folder, examples: &[Folder]) -> Result<Self, Failure> {
        let shared = rows(shell)?;
        let mut all = Vec::new();
        for example in examples {
            let own = rows(example)?;
            let total = sum(&format!("{} to load", name(example)), shared.iter().chain(&own));
            all.extend(own);
            all.push(total);
        }
        Ok(Self { rows: shared.into_iter().chain(all).collect() })
    }
}

/// The folder's name without the hash.
fn name(folder: &Folder) -> &str {
    folder.name.rsplit_once('-').map_or(&folder.name, |(name, _)| name)
}

fn rows(folder: &Folder) -> Result<Vec<Row>, Failure> {
    files(&folder.path)?.iter().map(|path| row(&folder.path, path)).collect()
}

fn row(folder: &Path, path: &Path) -> Result<Row, Failure> {
    let size = |path: &Path| fs::metadata(path).map(|metadata| metadata.len()).or_fail(path);
    let name = path.strip_prefix(folder).unwrap_or(path).display().to_string();
    Ok(Row { name, raw: size(path)?, brotli: size(&compressed(path, BROTLI))? })
}

fn sum<'a>(name: &str, rows: impl Iterator<Item = &'a Row>) -> Row {
    let total = Row { name: name.into(), raw: 0, brotli: 0 };
    rows.fold(total, |total, row| Row { raw: total.raw + row.raw, brotli: total.brotli + row.brotli, ..total })
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or_default().max(20);
        writeln!(f, "{:width$} {:>10} {:>10}", "file", "size", "brotli")?;
        for row in &self.rows {
            writeln!(f, "{:width$} {:>10} {:>10}", row.name, size(row.raw), size(row.brotli))?;
        }
        Ok(())
    }
}

/// In decimal units, as networks are measured.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.2} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        assert_eq!([999, 1_000, 14_250, 5_432_100].map(size), ["999 B", "1.0 kB", "14.2 kB", "5.43 MB"]);
    }

    #[test]
    fn what_a_page_loads_is_its_own_files_and_the_shared_ones() {
        let own = [Row { name: "a".into(), raw: 10, brotli: 4 }, Row { name: "b".into(), raw: 5, brotli: 2 }];
        let total = sum("pen to load", own.iter());
        let table = Table { rows: own.into_iter().chain([total]).collect() }.to_string();
        assert_eq!(table.lines().last(), Some("pen to load                15 B        6 B"));
    }
}
