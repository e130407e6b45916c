//! A table that is Markdown and can be read as it is.

use std::fmt::Write;

/// Lines of cells, the head first: names to the left, figures to the right.
pub(crate) fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = if column == 0 { write!(text, "| {cell:<width$} |") } else { write!(text, " {cell:>width$} |") };
        }
        text.push('\n');
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let dashes = "-".repeat(width + 1);
                let _ = if column == 0 { write!(text, "|{dashes}-|") } else { write!(text, "{dashes}:|") };
            }
            text.push('\n');
        }
    }
    text
}

/// What is not there is a dash.
pub(crate) fn shown(figure: Option<f64>, format: impl Fn(f64) -> String) -> String {
    figure.map_or_else(|| "–".to_owned(), format)
}

/// `12023.4` as `12,023`.
pub(crate) fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.as_bytes()[place - 1].is_ascii_digit() && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        let lines = [["", "a"], ["name", "1,234"]].map(|line| line.map(str::to_owned).to_vec());
        assert_eq!(aligned(&lines), "|      |     a |\n|------|------:|\n| name | 1,234 |\n");
    }

    #[test]
    fn figures_are_grouped_by_thousands() {
        for (figure, text) in
            [(0.2, "0"), (999.0, "999"), (1000.4, "1,000"), (1_234_567.0, "1,234,567"), (-1500.0, "-1,500"), (-150.0, "-150")]
        {
            assert_eq!(grouped(figure), text);
        }
    }
}
