//! Shards: disjoint parts of the recordings, for runs on several machines at the same time.
//!
//! ```text
//! shard(name) = fmix64(fnv1a(name)) mod count + 1
//! ```
//!
//! Invariant: a name belongs to the same shard on every machine and in every version.

use std::str::FromStr;

/// Shard `index` (from 1) of `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// Why a shard specification is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    #[error("a shard is k/n with 1 <= k <= n, such as 2/4, or auto; not {0:?}")]
    Form(String),
    #[error(
        "auto finds no array job here: it reads JOB_COMPLETION_INDEX with JOB_COMPLETION_COUNT, \
         AWS_BATCH_JOB_ARRAY_INDEX with _SIZE, or SLURM_ARRAY_TASK_ID with _MIN and _COUNT"
    )]
    NoArray,
    #[error(
        "auto finds JOB_COMPLETION_INDEX, but not JOB_COMPLETION_COUNT: Kubernetes does not tell a pod the number of \
         completions; set JOB_COMPLETION_COUNT to it in the manifest"
    )]
    NoCompletions,
}

impl Default for Shard {
    fn default() -> Self {
        Shard { index: 1, count: 1 }
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    /// `k/n`, or `auto` to read what array jobs set in the environment.
    fn from_str(text: &str) -> Result<Self, ShardError> {
        match text {
            "auto" => Shard::from_environment(|name| crate::environment::var(name).ok()),
            _ => Shard::parse(text).ok_or_else(|| ShardError::Form(text.to_owned())),
        }
    }
}

impl Shard {
    fn parse(text: &str) -> Option<Shard> {
        let (index, count) = text.split_once('/')?;
        Shard::new(index.parse().ok()?, count.parse().ok()?)
    }

    fn new(index: u32, count: u32) -> Option<Shard> {
        (1..=count).contains(&index).then_some(Shard { index, count })
    }

    /// Kubernetes and AWS Batch count from 0, Slurm from a configurable minimum.
    fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Shard, ShardError> {
        let number = |name: &str| variable(name)?.parse::<u32>().ok();
        let zero_based = |index: &str, count: &str| Shard::new(number(index)?.checked_add(1)?, number(count)?);
        let slurm = || {
            let from_zero = number("SLURM_ARRAY_TASK_ID")?.checked_sub(number("SLURM_ARRAY_TASK_MIN")?)?;
            Shard::new(from_zero.checked_add(1)?, number("SLURM_ARRAY_TASK_COUNT")?)
        };
        zero_based("JOB_COMPLETION_INDEX", "JOB_COMPLETION_COUNT")
            .or_else(|| zero_based("AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"))
            .or_else(slurm)
            .ok_or_else(|| match variable("JOB_COMPLETION_INDEX").zip(variable("JOB_COMPLETION_COUNT")) {
                None if variable("JOB_COMPLETION_INDEX").is_some() => ShardError::NoCompletions,
                _ => ShardError::NoArray,
            })
    }

    /// Whether a recording of this name belongs to this shard.
    pub fn holds(&self, name: &str) -> bool {
        fmix64(fnv1a(name)) % u64::from(self.count) == u64::from(self.index - 1)
    }

    /// `k/n`; None if the shard contains all recordings.
    pub fn part(&self) -> Option<String> {
        (self.count > 1).then(|| format!("{}/{}", self.index, self.count))
    }

    /// The name of the run lock. Each shard has its own, because shards of one source run at the same time.
    pub fn lock_name(&self, source: &str) -> String {
        self.part().map_or_else(|| source.to_owned(), |part| format!("{source} {part}"))
    }
}

/// 64-bit FNV-1a: short, published, and the same on every platform (unlike the standard library's hasher).
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// `fmix64`, the finalizer of MurmurHash3 (Austin Appleby, public domain). The lowest bit of FNV-1a is the parity of
/// the input's lowest bits, which is the same for all names that contain a start and an end two hours later.
fn fmix64(mut hash: u64) -> u64 {
    for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typical_file_names_are_distributed_evenly() {
        let names = (1..=28).flat_map(|day| {
            let name = move |hour| format!("202510{day:02}_{hour:02}0000-202510{day:02}_{:02}0000.ogg", hour + 2);
            (0..24).step_by(2).map(name)
        });
        let names: Vec<String> = names.collect();
        for count in [2, 3, 4, 7, 8] {
            let even = names.len() / count as usize;
            for index in 1..=count {
                let size = names.iter().filter(|name| Shard { index, count }.holds(name)).count();
                assert!((even * 6 / 10..even * 14 / 10).contains(&size), "{index}/{count}: {size} of {even}");
            }
        }
    }

    #[test]
    fn every_name_is_in_exactly_one_shard() {
        let shards: Vec<Shard> = (1..=5).map(|k| format!("{k}/5").parse().unwrap()).collect();
        let sizes = shards.iter().map(|shard| (0..1000).filter(|i| shard.holds(&format!("day/{i}.ogg"))).count());
        let sizes: Vec<usize> = sizes.collect();
        assert_eq!(sizes.iter().sum::<usize>(), 1000);
        assert!(sizes.iter().all(|size| (100..300).contains(size)), "{sizes:?}");
    }

    #[test]
    fn the_hash_matches_published_values() {
        assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(fmix64(1), 0xb456_bcfc_34c2_cb2c);
    }

    #[test]
    fn an_invalid_shard_is_rejected() {
        for text in ["", "0/4", "5/4", "1", "a/b", "1/0", "-1/2"] {
            assert_eq!(text.parse::<Shard>(), Err(ShardError::Form(text.into())));
        }
    }

    #[test]
    fn array_job_variables_are_read() {
        let from = |set: &[(&str, &str)]| {
            Shard::from_environment(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string()))
        };
        assert_eq!(from(&[("JOB_COMPLETION_INDEX", "0"), ("JOB_COMPLETION_COUNT", "3")]), Ok("1/3".parse().unwrap()));
        let aws = [("AWS_BATCH_JOB_ARRAY_INDEX", "2"), ("AWS_BATCH_JOB_ARRAY_SIZE", "3")];
        assert_eq!(from(&aws), Ok("3/3".parse().unwrap()));
        let slurm = [("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_TASK_MIN", "5"), ("SLURM_ARRAY_TASK_COUNT", "4")];
        assert_eq!(from(&slurm), Ok("3/4".parse().unwrap()));
        assert_eq!(from(&[]), Err(ShardError::NoArray));
        assert_eq!(from(&[("JOB_COMPLETION_INDEX", "0")]), Err(ShardError::NoCompletions));
        assert!(ShardError::NoCompletions.to_string().contains("set JOB_COMPLETION_COUNT"));
    }
}
