//! Which tiles the kernels use: known for the processor, or measured once and kept beside the database.
//!
//! A file of one line, `DATABASE.tiles.json`, keeps what was measured, with the processor it was measured on: a database
//! may move to another machine. Databases on a server serve many machines, so nothing is kept there, and each run
//! measures: a few milliseconds.
//!
//! Invariant: only speed depends on the choice, no score; a file that cannot be read or written is not an error.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use yamnet::Cpu;
use yamnet::kernels::{KernelChoice, TileRows, TileSpeeds};

use crate::atomic_file;

/// The tiles, and why these.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tiles {
    pub kernels: KernelChoice,
    pub reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason {
    /// The path has one tile.
    Only,
    /// The processor is of a family on which they were measured.
    Known,
    /// A setting says so.
    Set,
    /// Measured now.
    Measured(TileSpeeds),
    /// Measured before, on this processor.
    Kept(TileSpeeds),
}

/// What a setting may say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Setting {
    #[default]
    Automatic,
    /// These.
    Rows(TileRows),
    /// What is measured, also where the processor is known.
    Measured,
}

impl Setting {
    /// `3`, `6` or `measure`.
    pub fn parse(text: &str) -> Option<Setting> {
        match text {
            "measure" => Some(Setting::Measured),
            number => TileRows::from_number(number.parse().ok()?).map(Setting::Rows),
        }
    }
}

/// Chooses tiles for a path. `database` is the file beside which a measurement is kept.
pub fn choose(cpu: Cpu, setting: Setting, database: Option<&Path>) -> Tiles {
    let (tile_rows, reason) = match (setting, cpu.known_tile_rows()) {
        _ if !cpu.has_two_tiles() => return Tiles { kernels: cpu.into(), reason: Reason::Only },
        (Setting::Rows(rows), _) => (rows, Reason::Set),
        (Setting::Automatic, Some(rows)) => (rows, Reason::Known),
        _ => {
            let here = processor();
            let kept = database.and_then(|database| Kept::read(database, cpu, &here));
            let speeds = kept.unwrap_or_else(|| cpu.measure_tiles());
            (speeds.fastest(), kept.map_or(Reason::Measured(speeds), Reason::Kept))
        }
    };
    Tiles { kernels: KernelChoice { cpu, tile_rows }, reason }
}

/// Keeps what was measured now beside a database's file.
pub fn keep(tiles: &Tiles, database: &Path) {
    let Reason::Measured(TileSpeeds { three, six }) = tiles.reason else { return };
    let kept = Kept { processor: processor(), cpu: tiles.kernels.cpu.name().to_owned(), three, six };
    let written = serde_json::to_string(&kept).map_err(std::io::Error::from).map(|line| line + "\n");
    let path = file_beside(database);
    if let Err(error) = written.and_then(|line| atomic_file::replace(&path, line.as_bytes(), 0o644)) {
        log::debug!("{}: not written: {error}; the next run measures again", path.display());
    }
}

/// A larger file is another one.
const LARGEST: u64 = 10_000;

/// The line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    processor: String,
    /// Name of the path.
    cpu: String,
    /// Multiply-adds a second with tiles of three rows.
    three: f64,
    /// The same with six.
    six: f64,
}

impl Kept {
    /// What was measured on this path of this processor.
    fn read(database: &Path, cpu: Cpu, processor: &str) -> Option<TileSpeeds> {
        let kept: Kept =
            serde_json::from_slice(&atomic_file::read_regular(&file_beside(database), LARGEST).ok()?).ok()?;
        let is_here = kept.processor == processor && kept.cpu == cpu.name() && kept.three > 0.0 && kept.six > 0.0;
        is_here.then_some(TileSpeeds { three: kept.three, six: kept.six })
    }
}

fn file_beside(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".tiles.json");
    path.into()
}

/// Kinds of processors of this machine, as Linux names them; elsewhere the architecture.
fn processor() -> String {
    kinds(&std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default())
}

/// Distinct values of the lines that name a kind. A machine with big and small cores has several.
fn kinds(cpuinfo: &str) -> String {
    const NAMES: [&str; 6] = ["vendor_id", "cpu family", "model", "CPU implementer", "CPU part", "CPU variant"];
    let lines = cpuinfo.lines().filter_map(|line| line.split_once(':'));
    let named = lines.map(|(name, value)| (name.trim(), value.trim())).filter(|(name, _)| NAMES.contains(name));
    let named: BTreeSet<String> = named.map(|(name, value)| format!("{name} {value}")).collect();
    let all = std::iter::once(std::env::consts::ARCH.to_owned()).chain(named);
    all.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_two_tiles() -> Option<Cpu> {
        Cpu::available().into_iter().find(|cpu| cpu.has_two_tiles())
    }

    #[test]
    fn a_setting_is_a_number_of_rows_or_measure() {
        let rows = ["3", "6"].map(Setting::parse);
        assert_eq!(rows, [TileRows::Three, TileRows::Six].map(|rows| Some(Setting::Rows(rows))));
        assert_eq!(Setting::parse("measure"), Some(Setting::Measured));
        assert!(["", "4", "three", "-3"].into_iter().all(|text| Setting::parse(text).is_none()));
    }

    #[test]
    fn a_path_with_one_tile_has_no_choice() {
        let tiles = choose(Cpu::Portable, Setting::Rows(TileRows::Three), None);
        assert_eq!(tiles.reason, Reason::Only);
    }

    #[test]
    fn a_setting_takes_precedence() {
        let Some(cpu) = with_two_tiles() else { return };
        for rows in TileRows::ALL {
            let tiles = choose(cpu, Setting::Rows(rows), None);
            assert_eq!((tiles.kernels, tiles.reason), (KernelChoice { cpu, tile_rows: rows }, Reason::Set));
        }
    }

    #[test]
    fn what_was_measured_is_kept_for_this_processor_alone() {
        let Some(cpu) = with_two_tiles() else { return };
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("laughs.db");
        let tiles = choose(cpu, Setting::Measured, Some(&database));
        let Reason::Measured(speeds) = tiles.reason else { panic!("{tiles:?}") };
        assert!(speeds.three > 1e6 && speeds.six > 1e6, "{speeds:?}");
        assert_eq!(tiles.kernels.tile_rows, speeds.fastest());
        keep(&tiles, &database);
        let again = choose(cpu, Setting::Measured, Some(&database));
        assert_eq!(again, Tiles { reason: Reason::Kept(speeds), ..tiles });

        let path = file_beside(&database);
        let line = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, line.replace(&processor(), "of another machine")).unwrap();
        assert!(matches!(choose(cpu, Setting::Measured, Some(&database)).reason, Reason::Measured(_)));
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(choose(cpu, Setting::Measured, Some(&database)).reason, Reason::Measured(_)));
        // Another directory is no error.
        keep(&tiles, &folder.path().join("missing/laughs.db"));
    }

    #[test]
    fn a_processor_is_named_by_its_kinds() {
        let amd = "processor: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: EPYC\n";
        assert_eq!(
            kinds(&amd.repeat(2)),
            format!("{}, cpu family 25, model 17, vendor_id AuthenticAMD", std::env::consts::ARCH)
        );
        let arm = "CPU implementer\t: 0x41\nCPU part\t: 0xd05\n\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n";
        assert!(kinds(arm).ends_with("CPU implementer 0x41, CPU part 0xd05, CPU part 0xd0b"));
        assert_eq!(kinds(""), std::env::consts::ARCH);
    }
}
