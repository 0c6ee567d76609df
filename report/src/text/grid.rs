//! Rows of texts in aligned columns.

/// Aligned to the left, a heading first; no blanks at the ends of lines.
pub fn grid(heading: &[&str], rows: &[Vec<String>]) -> String {
    let heading: Vec<String> = heading
        .iter()
        .map(|heading| (*heading).to_owned())
        .collect();
    let lines = std::iter::once(&heading).chain(rows);
    let width = |column: usize| {
        let cells = lines.clone().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let padded: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    lines.clone().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["v1".to_owned(), "é".to_owned(), String::new()]];
        let text = super::grid(&["version", "a", "note"], &rows);
        assert_eq!(text, "version  a  note\nv1       é");
    }
}
