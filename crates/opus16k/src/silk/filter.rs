//! From line frequencies to the filter of short-term prediction (RFC 6716, 4.2.7.5.6 to 4.2.7.5.8).
//!
//! In whole numbers, as the RFC demands: encoder and decoder must arrive at the same filter.

use super::ORDER;
use super::fixed::{inverse, rounded, times_high};
use super::lines::Lines;
use super::tables::lines::COSINES;

/// The prediction of a sample from those before it, nearest first, in 4096ths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taps(pub [i16; ORDER]);

impl Taps {
    /// Moves poles towards zero, by a factor in 65536ths.
    pub fn narrow(&mut self, by: i32) {
        let mut factor = by;
        for tap in &mut self.0 {
            *tap = rounded(i64::from(factor) * i64::from(*tap), 16) as i16;
            factor += rounded(i64::from(factor) * i64::from(by - 65_536), 16) as i32;
        }
    }

    /// One by the power gain, in two to the 30th parts; nothing if that is more than ten thousand.
    pub fn inverse_gain(&self) -> i32 {
        inverse_gain(&self.0.map(i32::from)).unwrap_or(0)
    }
}

/// The filter that has these lines.
pub fn filter(lines: &Lines) -> Taps {
    let mut wide = polynomial(lines);
    let mut taps = fit(&mut wide);
    // Whatever lines say, the filter must not ring for ever.
    for attempt in 0..16 {
        if inverse_gain(&taps).is_some() {
            break;
        }
        narrow(&mut wide, 65_536 - (2 << attempt));
        taps = wide.map(|tap| rounded(tap.into(), 5) as i32);
    }
    Taps(taps.map(|tap| tap as i16))
}

/// Taps in 131072ths (4.2.7.5.6).
fn polynomial(lines: &Lines) -> [i32; ORDER] {
    // In this order errors of rounding stay small (table 27).
    const PLACES: [usize; ORDER] = [0, 15, 8, 7, 4, 11, 12, 3, 2, 13, 10, 5, 6, 9, 14, 1];
    let mut cosines = [0; ORDER];
    for (&line, place) in lines.iter().zip(PLACES) {
        let (index, rest) = ((line >> 8) as usize, line & 255);
        let (low, high) = (COSINES[index], COSINES[index + 1]);
        cosines[place] = rounded(i64::from((low << 8) + (high - low) * rest), 4);
    }
    let [even, odd] = [0, 1].map(|first| product(&cosines, first));
    let mut taps = [0; ORDER];
    for k in 0..ORDER / 2 {
        let (sum, difference) = (even[k + 1] + even[k], odd[k + 1] - odd[k]);
        taps[k] = (-difference - sum) as i32;
        taps[ORDER - 1 - k] = (difference - sum) as i32;
    }
    taps
}

/// Coefficients up to the middle of the product of 1 - c z + z^2 over every second cosine, in 65536ths: it is
/// the same from both ends.
fn product(cosines: &[i64; ORDER], first: usize) -> [i64; ORDER / 2 + 1] {
    const ONE: i64 = 1 << 16;
    let mut product = [0; ORDER / 2 + 1];
    (product[0], product[1]) = (ONE, -cosines[first]);
    for k in 1..ORDER / 2 {
        let cosine = cosines[2 * k + first];
        product[k + 1] = 2 * product[k - 1] - rounded(cosine * product[k], 16);
        for n in (2..=k).rev() {
            product[n] += product[n - 2] - rounded(cosine * product[n - 1], 16);
        }
        product[1] -= cosine;
    }
    product
}

/// Taps in 4096ths that sixteen bits hold (4.2.7.5.7).
fn fit(wide: &mut [i32; ORDER]) -> [i32; ORDER] {
    const MOST: i64 = i16::MAX as i64;
    for _ in 0..10 {
        // The first of the largest.
        let (place, largest) =
            (0..ORDER).map(|k| (k, wide[k].unsigned_abs())).rev().max_by_key(|&(_, tap)| tap).unwrap_or((0, 0));
        let largest = rounded(largest.into(), 5).min(163_838);
        if largest <= MOST {
            return wide.map(|tap| rounded(tap.into(), 5) as i32);
        }
        let chirp = 65_470 - ((largest - MOST) << 14) / ((largest * (place as i64 + 1)) >> 2);
        narrow(wide, chirp);
    }
    let taps = wide.map(|tap| rounded(tap.into(), 5).clamp(i16::MIN.into(), MOST) as i32);
    *wide = taps.map(|tap| tap << 5);
    taps
}

/// Moves all poles towards zero by a factor in 65536ths.
fn narrow(taps: &mut [i32; ORDER], by: i64) {
    let mut factor = by;
    for tap in taps {
        *tap = ((i64::from(*tap) * factor) >> 16) as i32;
        factor += rounded(factor * (by - 65_536), 16);
    }
}

/// One by the filter's power gain, in two to the 30th parts, if that gain is at most ten thousand (4.2.7.5.8): the filter is
/// taken apart into reflections, of which each may not be too near one.
fn inverse_gain(taps: &[i32; ORDER]) -> Option<i32> {
    /// 0.99975, in two to the 24th parts as the taps are here.
    const MOST_REFLECTED: i32 = 16_773_022;
    /// One in ten thousand, in two to the 30th parts.
    const LEAST_INVERSE: i32 = 107_374;
    const ONE: i32 = 1 << 30;
    if taps.iter().sum::<i32>() >= 4096 {
        return None;
    }
    let (mut row, mut inverse_gain) = (taps.map(|tap| tap << 12), ONE);
    for order in (0..ORDER).rev() {
        if row[order].abs() > MOST_REFLECTED {
            return None;
        }
        let reflection = -(row[order] << 7);
        let rest = ONE - times_high(reflection, reflection);
        inverse_gain = times_high(inverse_gain, rest) << 2;
        if inverse_gain < LEAST_INVERSE {
            return None;
        }
        row = step_down(&row, order, reflection, rest)?;
    }
    Some(inverse_gain)
}

/// The taps of one order less, if they can be said in 32 bits.
fn step_down(row: &[i32; ORDER], order: usize, reflection: i32, rest: i32) -> Option<[i32; ORDER]> {
    let bits = 32 - rest.leading_zeros();
    let inverse = i64::from(inverse(rest, bits as i32 + 30));
    let mut below = *row;
    for (k, tap) in below[..order].iter_mut().enumerate() {
        let reflected = rounded(i64::from(row[order - 1 - k]) * i64::from(reflection), 31) as i32;
        let difference = i64::from(row[k].saturating_sub(reflected));
        *tap = rounded(difference * inverse, bits).try_into().ok()?;
    }
    Some(below)
}

#[cfg(test)]
mod tests {
    use super::super::lines::{TOP, lines};
    use super::super::symbols::Symbols;
    use super::super::tables::lines::LINES_APART;
    use super::*;

    /// As the reference decoder has it, which ruopus' tests record.
    #[test]
    fn lines_and_taps_are_those_of_the_reference() {
        let residuals = [-9, 4, -2, 0, 1, -1, 2, 0, 3, -3, 1, 0, -1, 2, 0, 1];
        let lines = lines(&Symbols { book: 8, residuals, ..Symbols::default() });
        let expected = [
            100, 3611, 3651, 4748, 8266, 10_666, 13_540, 14_769, 15_971, 15_981, 20_674, 22_109, 24_216, 28_088,
            28_637, 31_173,
        ];
        assert_eq!(lines, expected);
        let Taps(taps) = filter(&lines);
        let expected =
            [4455, -556, -840, 3177, -1964, -1564, 585, -187, 1345, -1791, 714, 1720, -2721, 2154, 366, -803];
        assert_eq!(taps, expected);
    }

    /// Whatever lines are coded, they end up in order and apart, and the filter stops ringing.
    #[test]
    fn any_lines_make_a_stable_filter() {
        let mut state = 1u32;
        let mut random = move |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        for _ in 0..300 {
            let residuals = std::array::from_fn(|_| random(21) as i32 - 10);
            let lines = lines(&Symbols { book: random(32) as usize, residuals, ..Symbols::default() });
            let mut below = 0;
            for (line, apart) in lines.iter().zip(LINES_APART) {
                assert!(line - below >= apart, "{lines:?}");
                below = *line;
            }
            assert!(TOP - below >= LINES_APART[ORDER], "{lines:?}");
            let gain = power_gain(&filter(&lines));
            assert!(gain < 10_100.0, "{gain}: {lines:?}");
        }
    }

    /// Of the answer to one pulse, as far as it is heard.
    fn power_gain(Taps(taps): &Taps) -> f64 {
        let mut answer = vec![0.0; ORDER];
        answer.push(1.0);
        for at in ORDER + 1..20_000 {
            let taps = taps.iter().zip(answer[at - ORDER..at].iter().rev());
            answer.push(taps.map(|(&tap, sample)| f64::from(tap) / 4096.0 * sample).sum());
        }
        answer.iter().map(|sample| sample * sample).sum()
    }
}
