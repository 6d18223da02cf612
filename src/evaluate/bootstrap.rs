//! Intervals of a statistic over days: the percentile bootstrap (Efron 1979).
//!
//! ```text
//! 1000 times: draw as many days as there are, with replacement, and compute the statistic of them
//! interval:   the 2.5th to the 97.5th percentile
//! ```
//!
//! Whole days are drawn, because sounds of one day resemble each other. Every statistic sees the same draws, so that the
//! difference of two is computed on the same days.

const DRAWS: usize = 1000;
/// Any number; the same draws each time.
const SEED: u64 = 19;

/// A number and its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    /// None: there are too few days.
    pub interval: Option<(f64, f64)>,
}

/// The statistic of all days, given how often each of them counts. None if the statistic is undefined for all days.
pub fn estimate(days: usize, statistic: impl Fn(&[usize]) -> Option<f64>) -> Option<Estimate> {
    let value = statistic(&vec![1; days])?;
    let mut draws = Draws(SEED);
    let mut values: Vec<f64> = (0..DRAWS).filter_map(|_| statistic(&draws.days(days))).collect();
    values.sort_unstable_by(f64::total_cmp);
    let percentile = |percent: f64| values[(percent / 100.0 * (values.len() - 1) as f64).round() as usize];
    let is_enough = days >= 2 && values.len() > DRAWS / 2;
    Some(Estimate { value, interval: is_enough.then(|| (percentile(2.5), percentile(97.5))) })
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Draws(u64);

impl Draws {
    /// How often each day was drawn.
    fn days(&mut self, days: usize) -> Vec<usize> {
        let mut times = vec![0; days];
        (0..days).for_each(|_| times[(self.next() % days as u64) as usize] += 1);
        times
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean of the numbers of the days drawn.
    fn mean(numbers: &[f64]) -> impl Fn(&[usize]) -> Option<f64> {
        move |times| {
            let sum: f64 = times.iter().zip(numbers).map(|(&times, number)| times as f64 * number).sum();
            Some(sum / times.iter().sum::<usize>() as f64)
        }
    }

    #[test]
    fn the_interval_is_about_two_standard_errors() {
        let numbers: Vec<f64> = (0..100).map(|i| f64::from(i % 10)).collect();
        let Estimate { value, interval } = estimate(100, mean(&numbers)).unwrap();
        let (low, high) = interval.unwrap();
        // Standard deviation 2.87, standard error 0.287.
        assert!((value - 4.5).abs() < 1e-12 && (high - low - 4.0 * 0.287).abs() < 0.15, "{low} to {high}");
        assert!(low < value && value < high);
    }

    #[test]
    fn a_single_day_has_no_interval() {
        assert_eq!(estimate(1, mean(&[3.0])), Some(Estimate { value: 3.0, interval: None }));
        assert_eq!(estimate(0, |_| None), None);
    }

    #[test]
    fn the_same_days_give_the_same_interval() {
        let numbers = [1.0, 5.0, 2.0, 8.0];
        assert_eq!(estimate(4, mean(&numbers)), estimate(4, mean(&numbers)));
    }
}
