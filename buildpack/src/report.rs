//! The log of a build, in the form that users of `pack` know: headings, and what belongs to them.

use std::fmt::Display;

/// Begins a part of the build.
pub fn heading(text: impl Display) {
    println!("\n---> {text}");
}

/// Says one thing that was decided or done.
pub fn line(text: impl Display) {
    let text = text.to_string();
    for line in text.lines() {
        println!("     {line}");
    }
}

/// Says what should not stay as it is, though the build goes on.
pub fn warning(text: impl Display) {
    println!("     WARNING: {text}");
}

/// Says why the build ends, on standard error.
pub fn error(text: impl Display) {
    eprintln!("\nERROR: {text}\n");
}

/// A size as people read it.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{:02} MB", bytes / 1_000_000, bytes % 1_000_000 / 10_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_down_to_what_is_read() {
        for (bytes, text) in [(0, "0 B"), (999, "999 B"), (1_250, "1.2 kB"), (2_078_999, "2.07 MB"), (12_000_000, "12.00 MB")] {
            assert_eq!(size(bytes), text);
        }
    }
}
