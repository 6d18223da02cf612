//! Finds the columns of `A` that are not zero in all rows of a group, a vector of columns at a time.
//!
//! ```text
//! for each group of rows, for each vector of columns:
//!     any = the bits of all rows, or;  append the columns whose lanes of any are not zero
//! ```
//!
//! Invariant: reads only inside the rows and writes only inside the lists. Everything is `inline(always)`: it must be
//! compiled inside a function that has the vector's instructions enabled.

#![allow(unsafe_code, reason = "intrinsics of a vector of any width")]

use super::RowGroups;
use super::nonzero::NonzeroLists;
use crate::kernels::vector::Vector;

/// Lists for each group of rows the columns that are not zero in all of them.
///
/// # Safety
/// Needs the instructions of `V`; `input` is `[m, k]`, with as many rows as the groups want.
#[inline(always)]
pub(super) unsafe fn list_nonzero<V: Vector, const MR: usize>(
    k: usize,
    input: &[f32],
    row_groups: RowGroups,
    lists: &mut NonzeroLists,
) {
    let m = input.len() / k;
    let whole_vectors = k / V::LANES * V::LANES;
    lists.begin(m / MR, k);
    for rows in row_groups.groups::<MR>(m) {
        let rows = rows.map(|row| &input[row * k..][..k]);
        let (list, mut count) = (&mut lists.next()[..k], 0);
        for p in (0..whole_vectors).step_by(V::LANES) {
            // SAFETY: p + LANES <= k, so the vectors lie in the group's rows; and count <= p, so that one more vector
            // of numbers fits the list.
            unsafe {
                let mut any = V::load(rows[0].as_ptr().add(p));
                for row in &rows[1..] {
                    any = any.or(V::load(row.as_ptr().add(p)));
                }
                count += any.compress_nonzero(p as u16, list.as_mut_ptr().add(count));
            }
        }
        for p in whole_vectors..k {
            list[count] = p as u16;
            count += usize::from(rows.iter().any(|row| row[p] != 0.0));
        }
        lists.close(count);
    }
    lists.finish(k);
}
