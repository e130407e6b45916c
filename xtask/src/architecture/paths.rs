//! The paths a Rust file uses: those of its `use` items, unfolded, and those written out as `crate::..`.

/// A path and the line it is on, from the root of the crate, without `crate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) line: usize,
    pub(super) path: Vec<String>,
    /// The name a `use` gives to it, `*` for a glob; none for a path written out.
    pub(super) name: Option<String>,
    pub(super) public: bool,
}

/// Every path within the crate that a file of the module `module` uses outside its tests.
pub(super) fn used(text: &str, module: &[String]) -> Vec<Used> {
    let tokens = tokens(&code(text));
    let (mut found, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if tokens[at].text == "use" {
            let public = at > 0 && matches!(tokens[at - 1].text.as_str(), "pub" | ")");
            let first = found.len();
            at = tree(&tokens, at + 1, &mut Vec::new(), &mut found);
            for used in &mut found[first..] {
                used.public = public;
            }
        } else if tokens[at].text == "crate" && tokens.get(at + 1).is_some_and(|next| next.text == "::") {
            let (path, after) = plain(&tokens, at);
            found.push(Used { line: tokens[at].line, path, name: None, public: false });
            at = after;
        } else {
            at += 1;
        }
    }
    found.retain_mut(|used| within_crate(&mut used.path, module));
    found
}

/// Makes a path begin at the root of the crate; false for one that leads elsewhere.
fn within_crate(path: &mut Vec<String>, module: &[String]) -> bool {
    match path.first().map(String::as_str) {
        Some("crate") => {
            path.remove(0);
        }
        Some("self" | "super") => {
            let mut base = module.to_vec();
            while let Some("self" | "super") = path.first().map(String::as_str) {
                if path.remove(0) == "super" {
                    base.pop();
                }
            }
            path.splice(0..0, base);
        }
        // At the root, where re-exports are, a path may begin with the name of a module.
        _ if module.is_empty() => {}
        _ => return false,
    }
    !path.is_empty()
}

/// Reads one tree of a `use` item from `at` on, below `prefix`; returns where it ends.
fn tree(tokens: &[Token], mut at: usize, prefix: &mut Vec<String>, found: &mut Vec<Used>) -> usize {
    let depth = prefix.len();
    let line = tokens.get(at).map_or(0, |token| token.line);
    let mut name = None;
    let mut folded = false;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "::" => {}
            "{" => {
                folded = true;
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    at = tree(tokens, at, prefix, found);
                    if tokens.get(at).is_some_and(|token| token.text == ",") {
                        at += 1;
                    }
                }
            }
            "as" => {
                name = tokens.get(at + 1).map(|token| token.text.clone());
                at += 1;
            }
            "," | "}" | ";" => break,
            // `{self}` is the prefix itself.
            "self" if prefix.len() == depth && depth > 0 => {}
            word => prefix.push(word.to_owned()),
        }
        at += 1;
    }
    if !folded && !prefix.is_empty() {
        let mut path = prefix.clone();
        let name = name.or_else(|| path.last().cloned());
        if path.last().is_some_and(|last| last == "*") {
            path.pop();
        }
        found.push(Used { line, path, name, public: false });
    }
    prefix.truncate(depth);
    // Past the `;` of the item; the `,` and `}` of a group are for the group.
    if tokens.get(at).is_some_and(|token| token.text == ";") { at + 1 } else { at }
}

/// Reads `a::b::c` from `at` on; returns it and where it ends.
fn plain(tokens: &[Token], mut at: usize) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    while let Some(token) = tokens.get(at).filter(|token| token.is_word()) {
        path.push(token.text.clone());
        at += 1;
        if tokens.get(at).is_none_or(|token| token.text != "::") {
            break;
        }
        at += 1;
    }
    (path, at)
}

#[derive(Debug)]
struct Token {
    line: usize,
    text: String,
}

impl Token {
    fn is_word(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphabetic() || first == '_')
    }
}

fn tokens(lines: &[(usize, String)]) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, line) in lines {
        let mut rest = line.as_str();
        while let Some(first) = rest.chars().next() {
            let length = if first.is_alphanumeric() || first == '_' {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            if !first.is_whitespace() {
                tokens.push(Token { line: *number, text: rest[..length].to_owned() });
            }
            rest = &rest[length..];
        }
    }
    tokens
}

/// The numbered lines of code: no comments, no strings that close on their line, nothing from the tests on.
fn code(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let tests = line.starts_with("mod ") && line.ends_with('{');
        if tests && lines.last().is_some_and(|(_, last)| last.starts_with("#[cfg(test)]")) {
            break;
        }
        let mut kept = String::new();
        let (mut quoted, mut escaped, mut last) = (false, false, ' ');
        for letter in line.chars() {
            match letter {
                '/' if !quoted && last == '/' => {
                    kept.pop();
                    break;
                }
                // A quote in single quotes is a character, not the beginning of a string.
                '"' if !escaped && last != '\'' => quoted = !quoted,
                _ if quoted => escaped = letter == '\\' && !escaped,
                letter => kept.push(letter),
            }
            last = letter;
        }
        if !kept.trim().is_empty() {
            lines.push((number + 1, kept));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let module = ["function".to_owned(), "http".to_owned()];
        used(text, &module).into_iter().map(|used| format!("{}:{}", used.line, used.path.join("::"))).collect()
    }

    #[test]
    fn trees_are_unfolded() {
        let text = "use std::fmt;\nuse crate::{\n    app::App,\n    event::{self, Event as E, http::*},\n};\nuse crate::error::Error;\n";
        assert_eq!(paths(text), ["3:app::App", "4:event", "4:event::Event", "4:event::http", "6:error::Error"]);
    }

    #[test]
    fn self_and_super_are_followed() {
        assert_eq!(paths("use super::{Kind, guard::Guard};\n"), ["1:function::Kind", "1:function::guard::Guard"]);
        assert_eq!(paths("use self::reply::Reply;\n"), ["1:function::http::reply::Reply"]);
        assert_eq!(paths("use super::super::server::Port;\n"), ["1:server::Port"]);
    }

    #[test]
    fn paths_written_out_are_found_and_comments_are_not() {
        let text = "/// [`crate::app::App`]\nfn f(app: &crate::app::App) { let s = \"crate::server\"; } // crate::server\n";
        assert_eq!(paths(text), ["2:app::App"]);
    }

    #[test]
    fn tests_are_left_out() {
        assert_eq!(paths("use crate::error;\n\n#[cfg(test)]\nmod tests {\n    use crate::app::App;\n}\n"), ["1:error"]);
        assert_eq!(paths("#[cfg(test)]\nuse crate::app::App;\n"), ["2:app::App"]);
    }

    #[test]
    fn names_and_visibility_are_kept() {
        let found = used("pub use app::App;\npub use self::server::Port as P;\nuse crate::event::*;\n", &[]);
        let names: Vec<_> = found.iter().map(|used| (used.name.as_deref(), used.public)).collect();
        assert_eq!(names, [(Some("App"), true), (Some("P"), true), (Some("*"), false)]);
    }
}
