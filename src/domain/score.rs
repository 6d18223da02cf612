//! Scores as numbers for people and databases.

/// The f64 with the shortest decimal form that converts back to the same f32: 0.56, not 0.5600000023841858.
pub fn shortest_f64(score: f32) -> f64 {
    score.to_string().parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_have_short_decimals_and_round_trip() {
        assert_eq!(shortest_f64(0.56), 0.56);
        for bits in (0..0x3f80_0000).step_by(9973) {
            let score = f32::from_bits(bits);
            assert_eq!(shortest_f64(score) as f32, score);
        }
        assert!(shortest_f64(f32::NAN).is_nan());
    }
}
