//! Tables that fit a terminal: columns are dropped by priority, then names are shortened in their middle; no word is cut
//! across lines.

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    /// 0 is never dropped; of the others, the largest goes first.
    pub drops: u8,
    /// Numbers are aligned to the right.
    pub is_number: bool,
    /// A name, which may be shortened.
    pub is_name: bool,
}

/// A column of text that is never dropped.
pub const fn column(name: &'static str) -> Column {
    Column { name, drops: 0, is_number: false, is_name: false }
}

impl Column {
    pub const fn number(self) -> Column {
        Column { is_number: true, ..self }
    }

    pub const fn name(self) -> Column {
        Column { is_name: true, ..self }
    }

    pub const fn drops(self, order: u8) -> Column {
        Column { drops: order, ..self }
    }
}

/// Characters between columns.
const GAP: usize = 2;
/// A name is not shortened below this.
const SHORTEST: usize = 8;

/// The table with its header; `width` is that of the terminal, None: of any width. Empty without rows.
pub fn table<const N: usize>(columns: &[Column; N], rows: &[[String; N]], width: Option<usize>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let longest = |index: usize| {
        let cells = rows.iter().map(|row| row[index].chars().count());
        cells.chain([columns[index].name.chars().count()]).max().unwrap_or(0)
    };
    let mut widths: Vec<(usize, usize)> = (0..N).map(|index| (index, longest(index))).collect();
    if let Some(width) = width {
        drop_columns(columns, &mut widths, width);
        shorten_names(columns, &mut widths, width);
    }
    let header: [String; N] = std::array::from_fn(|index| columns[index].name.to_owned());
    let line = |cells: &[String; N]| {
        let cells = widths.iter().map(|&(index, width)| cell(&columns[index], &cells[index], width));
        cells.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_owned() + "\n"
    };
    let rule = "─".repeat(total(&widths)) + "\n";
    line(&header) + &rule + &rows.iter().map(line).collect::<String>()
}

fn total(widths: &[(usize, usize)]) -> usize {
    widths.iter().map(|(_, width)| width).sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

fn drop_columns(columns: &[Column], widths: &mut Vec<(usize, usize)>, width: usize) {
    while total(widths) > width {
        let next = widths.iter().map(|(index, _)| columns[*index].drops).max().filter(|drops| *drops > 0);
        let Some(next) = next else { break };
        widths.retain(|(index, _)| columns[*index].drops != next);
    }
}

/// The longest name first.
fn shorten_names(columns: &[Column], widths: &mut [(usize, usize)], width: usize) {
    let mut excess = total(widths).saturating_sub(width);
    while excess > 0 {
        let names = widths.iter_mut().filter(|(index, width)| columns[*index].is_name && *width > SHORTEST);
        let Some((_, longest)) = names.max_by_key(|(_, width)| *width) else { break };
        (*longest, excess) = (*longest - 1, excess - 1);
    }
}

fn cell(column: &Column, text: &str, width: usize) -> String {
    let text = shortened(text, width);
    if column.is_number { format!("{text:>width$}") } else { format!("{text:<width$}") }
}

/// `20251024_13…0000.ogg`: begin and end of a name that is too long.
pub fn shortened(text: &str, width: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= width || width < 2 {
        return text.to_owned();
    }
    let (begin, end) = (width / 2, width - 1 - width / 2);
    let parts = [&characters[..begin], &['…'], &characters[characters.len() - end..]];
    parts.concat().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] =
        [column("recording").name(), column("time").drops(1), column("score").number(), column("class").drops(2)];

    fn rows() -> Vec<[String; 4]> {
        let row = |cells: [&str; 4]| cells.map(str::to_owned);
        vec![
            row(["2025-09-30T21-46-57__2025-09-30T23-51-49.ogg", "21:47:03", "0.91", "Chuckle, chortle"]),
            row(["noon.ogg", "12:00:00", "0.5", "Giggle"]),
        ]
    }

    #[test]
    fn a_table_has_all_columns_where_they_fit() {
        let wide = table(&COLUMNS, &rows(), None);
        assert_eq!(wide.lines().next().unwrap().split_whitespace().count(), 4);
        assert_eq!(wide.lines().nth(2).unwrap().chars().count(), 44 + 2 + 8 + 2 + 5 + 2 + 16);
        assert_eq!(table(&COLUMNS, &rows(), Some(79)), wide);
        assert_eq!(table(&COLUMNS, &[], Some(79)), "");
    }

    #[test]
    fn columns_are_dropped_in_order_and_then_names_are_shortened() {
        insta::assert_snapshot!(table(&COLUMNS, &rows(), Some(78)), @r"
        recording                                     time      score
        ─────────────────────────────────────────────────────────────
        2025-09-30T21-46-57__2025-09-30T23-51-49.ogg  21:47:03   0.91
        noon.ogg                                      12:00:00    0.5
        ");
        insta::assert_snapshot!(table(&COLUMNS, &rows(), Some(40)), @r"
        recording                          score
        ────────────────────────────────────────
        2025-09-30T21-46…-30T23-51-49.ogg   0.91
        noon.ogg                             0.5
        ");
        for width in 15..90 {
            let table = table(&COLUMNS, &rows(), Some(width));
            assert!(table.lines().all(|line| line.chars().count() <= width), "{width}:\n{table}");
        }
    }
}
