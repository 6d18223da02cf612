//! Line frequencies: what a frame's symbols say of its spectrum (RFC 6716, 4.2.7.5.1 to 4.2.7.5.5).
//!
//! In whole numbers, as the RFC demands: encoder and decoder must arrive at the same filter.

use super::ORDER;
use super::symbols::Symbols;
use super::tables::lines::{LINES_APART, LINES_FIRST, LINES_PREDICT, LINES_PREDICT_SET};

/// Line frequencies, ascending, 32768 to 8 kHz.
pub type Lines = [i32; ORDER];

/// 8 kHz.
pub const TOP: i32 = 1 << 15;

/// Weights of the second stage's residuals, in 512ths, by entry of the first.
const WEIGHTS: [[i32; ORDER]; 32] = {
    let (mut weights, mut book) = ([[0; ORDER]; 32], 0);
    while book < weights.len() {
        weights[book] = weights_of(&LINES_FIRST[book]);
        book += 1;
    }
    weights
};

/// Lines that are close count the more (4.2.7.5.3): a square root in three steps.
const fn weights_of(first: &[u8; ORDER]) -> [i32; ORDER] {
    let (mut weights, mut line) = ([0; ORDER], 0);
    while line < ORDER {
        let below = if line == 0 { 0 } else { first[line - 1] as i32 };
        let above = if line == ORDER - 1 { 256 } else { first[line + 1] as i32 };
        let here = first[line] as i32;
        let square = (1024 / (here - below) + 1024 / (above - here)) << 16;
        let bits = 32 - square.leading_zeros() as i32;
        let fraction = (square >> (bits - 8)) & 127;
        let root = (if bits % 2 == 1 { 32_768 } else { 46_214 }) >> ((32 - bits) >> 1);
        weights[line] = root + ((213 * fraction * root) >> 16);
        line += 1;
    }
    weights
}

/// The lines that a frame's symbols stand for.
pub fn lines(symbols: &Symbols) -> Lines {
    let (book, mut later) = (symbols.book, 0);
    let (first, weights) = (&LINES_FIRST[book], &WEIGHTS[book]);
    let mut lines = [0; ORDER];
    for line in (0..ORDER).rev() {
        let predicted = if line == ORDER - 1 { 0 } else { (later * predictor(book, line)) >> 8 };
        // A residual is a bit nearer to zero than it says; a step is 0.15.
        let residual = (symbols.residuals[line] << 10) - symbols.residuals[line].signum() * 102;
        later = predicted + ((residual * 9_830) >> 16);
        let value = (i32::from(first[line]) << 7) + (later << 14) / weights[line];
        lines[line] = value.clamp(0, TOP - 1);
    }
    set_apart(&mut lines);
    lines
}

/// How much of the residual of the line above this one has, in 256ths.
fn predictor(book: usize, line: usize) -> i32 {
    let set = LINES_PREDICT_SET[book] >> line & 1;
    i32::from(LINES_PREDICT[usize::from(set)][line])
}

/// Moves lines until none is nearer to its neighbour than is allowed (4.2.7.5.4).
fn set_apart(lines: &mut Lines) {
    for _ in 0..20 {
        let room = |gap: usize| {
            let below = if gap == 0 { 0 } else { lines[gap - 1] };
            lines.get(gap).copied().unwrap_or(TOP) - below - LINES_APART[gap]
        };
        // The first of those that lack the most.
        let Some((gap, room)) = (0..=ORDER).map(|gap| (gap, room(gap))).min_by_key(|&(_, room)| room) else { return };
        if room >= 0 {
            return;
        }
        widen(lines, gap);
    }
    // It does not settle: in order, then from below and from above.
    lines.sort_unstable();
    for line in 0..ORDER {
        let below = if line == 0 { 0 } else { lines[line - 1] };
        lines[line] = lines[line].max(below + LINES_APART[line]);
    }
    for line in (0..ORDER).rev() {
        let above = lines.get(line + 1).copied().unwrap_or(TOP);
        lines[line] = lines[line].min(above - LINES_APART[line + 1]);
    }
}

/// Takes the two lines at a gap as far apart as they must be, about where their middle is.
fn widen(lines: &mut Lines, gap: usize) {
    let apart = LINES_APART[gap];
    match gap {
        0 => lines[0] = apart,
        ORDER => lines[ORDER - 1] = TOP - apart,
        _ => {
            let least = LINES_APART[..gap].iter().sum::<i32>() + apart / 2;
            let most = TOP - LINES_APART[gap + 1..].iter().sum::<i32>() - apart / 2;
            let middle = (lines[gap - 1] + lines[gap] + 1) >> 1;
            lines[gap - 1] = middle.clamp(least, most) - apart / 2;
            lines[gap] = lines[gap - 1] + apart;
        }
    }
}

/// A frame's lines and the last frame's, so many quarters of the way.
pub fn between(before: &Lines, lines: &Lines, quarters: u8) -> Lines {
    std::array::from_fn(|line| before[line] + ((i32::from(quarters) * (lines[line] - before[line])) >> 2))
}
