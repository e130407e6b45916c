//! The word that was probably meant.

/// Finds the candidate that differs least from a word, when it does so little enough to be a slip.
///
/// ```
/// use rust_buildpack::nearest::nearest;
///
/// assert_eq!(nearest("helo", ["hello", "orders"]), Some("hello"));
/// assert_eq!(nearest("payments", ["hello", "orders"]), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (word.chars().count() / 2).clamp(1, 3);
    let near = candidates.into_iter().map(|candidate| (distance(word, candidate), candidate)).min();
    near.filter(|(distance, _)| *distance <= most).map(|(_, candidate)| candidate)
}

/// Writes the hint of an error, or nothing where no candidate is near.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |near| format!(", did you mean `{near}`?"))
}

/// In how many letters two words differ (Levenshtein), upper and lower case alike.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let cost = (row[j] + 1).min(row[j + 1] + 1).min(diagonal + usize::from(from != *to));
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_another_word() {
        for (word, expected) in [
            ("helo", Some("hello")),
            ("hello", Some("hello")),
            ("Hello", Some("hello")),
            ("order-created", Some("orders-created")),
            ("bye", None),
            ("h", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, ["hello", "orders-created"]), expected, "{word}");
        }
        assert_eq!(did_you_mean("helo", ["hello"]), ", did you mean `hello`?");
        assert_eq!(did_you_mean("x", []), "");
    }
}
