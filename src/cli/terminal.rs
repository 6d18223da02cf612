//! How wide results for people may be, and whether they have colours.

use std::io::{IsTerminal, stdout};

use giggles::environment;
use rustix::termios::tcgetwinsize;

/// A variable that says something else is a mistake of its own.
const PLAUSIBLE: std::ops::RangeInclusive<usize> = 20..=10_000;

/// Columns of the terminal: those of `COLUMNS`, else those of the terminal that standard output is. None: results go to a
/// file or a pipe, and are of any width.
pub fn width() -> Option<usize> {
    let of_variable = environment::var_os("COLUMNS").and_then(|text| text.to_str()?.trim().parse().ok());
    let of_terminal = || {
        let output = stdout();
        output.is_terminal().then(|| tcgetwinsize(output).ok())?.map(|size| usize::from(size.ws_col))
    };
    of_variable.or_else(of_terminal).filter(|columns| PLAUSIBLE.contains(columns))
}
