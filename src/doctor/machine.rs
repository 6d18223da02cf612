//! Is the model valid, is the machine fast enough, and is there enough disk space?

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::statvfs;
use yamnet::kernels::{TileRows, TileSpeeds};
use yamnet::params::SAMPLE_RATE;
use yamnet::{Model, PREFERRED_BATCH, samples_in_patches};

use super::{Visit, not_checked, pluralize, refused};
use crate::finding::Finding;
use crate::paths::directory_of;
use crate::pool::Pool;
use crate::tiles::{Reason, Tiles};

/// How long each thread runs the model.
const TRIAL: Duration = Duration::from_millis(250);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// If a day takes longer, a nightly run may not end in time.
const SLOW: Duration = Duration::from_secs(6 * 3600);
/// The rows of a run and their journal take a few megabytes; SQLite needs space for both.
const LITTLE: u64 = 200_000_000;
const NONE: u64 = 20_000_000;

pub fn model(visit: &Visit) -> Finding {
    let settings = visit.settings;
    match (&settings.model, &settings.model_file) {
        (Err(fatal), _) => refused(fatal),
        (Ok(model), None) => Finding::ok(format!("the one in the program, SHA-256 {}…", start(&model.sha256))),
        (Ok(model), Some(file)) => {
            Finding::ok(format!("{}, its SHA-256 {}… is correct", file.display(), start(&model.sha256)))
        }
    }
}

pub fn ffmpeg(visit: &Visit) -> Finding {
    match &visit.settings.ffmpeg {
        Ok(None) => not_checked("not requested; --ffmpeg lets it decode what giggles cannot"),
        Ok(Some(ffmpeg)) => Finding::ok(format!("{} runs, and decodes what giggles cannot", ffmpeg.version)),
        Err(fatal) => refused(fatal),
    }
}

fn start(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

/// How long the network takes for a day, on all processors at once, because they share caches and thermal limits. More
/// threads than processors would only make this check slower.
pub fn speed(visit: &Visit) -> Finding {
    let settings = visit.settings;
    let Ok(model) = &settings.model else { return not_checked("there is no model") };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if settings.threads == 0 { processors } else { settings.threads };
    // A run starts all of them.
    let pools = Pool::new(threads).and_then(|_| Pool::new(threads.min(processors)));
    let pool = match pools {
        Ok(pool) => pool,
        Err(error) => return Finding::fail(error.to_string(), ""),
    };
    let items: Vec<usize> = (0..threads.min(processors)).collect();
    let speeds = pool.map(&items, |_| 0, |_| speed_of(&model.yamnet), |_, _| 0.0);
    let day = DAY.div_f64(speeds.iter().sum::<f64>().max(1e-3));
    let found = format!(
        "{}, {}{}: the network takes {} for 24 hours of audio; decoding adds to it",
        kernels(settings.tiles.as_ref()),
        pluralize(threads, "thread"),
        if threads > processors { format!(" on {}", pluralize(processors, "processor")) } else { String::new() },
        minutes(day)
    );
    if day > SLOW { Finding::warn(found, "give it more threads, or start it earlier") } else { Finding::ok(found) }
}

/// The kernels in use, and why these.
fn kernels(tiles: Option<&Tiles>) -> String {
    let Some(Tiles { kernels, reason }) = tiles else { return "no CPU path".to_owned() };
    let (cpu, rows) = (kernels.cpu.name(), kernels.tile_rows.number());
    let speeds = |when: &str, speeds: &TileSpeeds| {
        let billions = TileRows::ALL.map(|rows| speeds.of(rows) / 1e9);
        format!(
            "{cpu}, tiles of {rows} rows ({when}: {:.1} with 3 and {:.1} with 6, 10^9 multiply-adds/s)",
            billions[0], billions[1]
        )
    };
    match reason {
        Reason::Only => cpu.to_owned(),
        Reason::Known => format!("{cpu}, tiles of {rows} rows (known for this processor)"),
        Reason::Set => format!("{cpu}, tiles of {rows} rows (GIGGLES_TILES)"),
        Reason::Measured(measured) => speeds("measured now", measured),
        Reason::Kept(measured) => speeds("measured before", measured),
    }
}

/// Seconds of audio per second.
fn speed_of(model: &Model) -> f64 {
    let sound: Vec<f32> =
        (0..samples_in_patches(PREFERRED_BATCH / 2)).map(|i| ((i * 7919) % 2001) as f32 / 10_000.0 - 0.1).collect();
    let analyzed = sound.len() as f64 / f64::from(SAMPLE_RATE);
    model.logits(&sound);
    let begun = Instant::now();
    let batches = std::iter::repeat_with(|| model.logits(&sound)).take_while(|_| begun.elapsed() < TRIAL).count();
    (batches + 1) as f64 * analyzed / begun.elapsed().as_secs_f64()
}

fn minutes(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

pub fn space(visit: &Visit) -> Finding {
    let (rows, others) = folders(visit);
    let free_in = |folder: PathBuf| free(&folder).map(|free| (free, folder));
    let (rows, others) = (rows.and_then(free_in), others.into_iter().filter_map(free_in));
    let shown = |(free, folder): &(u64, PathBuf)| format!("{} free in {}", bytes(*free), folder.display());
    if let Some(full) = rows.as_ref().filter(|(free, _)| *free < NONE) {
        return Finding::fail(shown(full), "free some space: a commit without space is rolled back");
    }
    match rows.clone().into_iter().chain(others).min() {
        None => not_checked("nothing is written on this machine"),
        Some(least) if least.0 < LITTLE => Finding::warn(shown(&least), "free some space soon"),
        Some(least) => Finding::ok(shown(&least)),
    }
}

/// The directory of the database, and those of metrics and clips, which a run does not depend on.
fn folders(visit: &Visit) -> (Option<PathBuf>, Vec<PathBuf>) {
    let database = visit.probe.as_ref().and_then(|probe| probe.as_ref().ok()?.folder.clone());
    let metrics = visit.settings.metrics.as_deref().map(|file| directory_of(file).to_owned());
    let clips =
        visit.settings.clips.as_ref().ok().and_then(Option::as_ref).map(|clips| clips.location.scratch_folder());
    (database, metrics.into_iter().chain(clips).collect())
}

/// Free bytes for users other than root.
fn free(folder: &Path) -> Option<u64> {
    let disk = statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn bytes(count: u64) -> String {
    match count {
        ..10_000_000_000 => format!("{} MB", count / 1_000_000),
        _ => format!("{} GB", count / 1_000_000_000),
    }
}
