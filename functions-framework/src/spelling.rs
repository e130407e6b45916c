//! What was meant by a name that does not exist.

/// The name that is meant, when it is near enough to be a slip.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let tolerated = name.chars().count().div_ceil(3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|&(distance, _)| distance <= tolerated)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Writes the hint of an error about a name that does not exist; nothing where none is near enough.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |near| format!(", did you mean `{near}`?"))
}

/// Levenshtein's distance, one row of the table at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_slip_is_corrected() {
        assert_eq!(nearest("helo", ["hello", "world"]), Some("hello"));
        assert_eq!(nearest("HELLO", ["hello"]), Some("hello"));
        assert_eq!(nearest("prot", ["port", "host"]), Some("port"));
        assert_eq!(nearest("orders", ["hello", "world"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
