//! Checks `path = "/orders/{id}"` against the router's rules, so that a mistake is an error at the text and not a panic at
//! the start.

/// Says why the router would not take `path`, if so.
pub(crate) fn check(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err(format!("a path starts with `/`: `path = \"/{path}\"`"));
    }
    if let Some(c) = path.chars().find(|c| "?#".contains(*c) || c.is_whitespace() || c.is_control()) {
        return Err(format!("a path has no `{}`: only what comes before the query is matched", c.escape_debug()));
    }
    let mut names = Vec::new();
    let mut segments = path[1..].split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        if let Some(name) = parameter(segment)? {
            if name.starts_with('*') && !last {
                return Err(format!("`{{{name}}}` takes the rest of the path and has to come last"));
            }
            let name = name.trim_start_matches('*');
            if names.contains(&name) {
                return Err(format!("two parameters of the path are called `{name}`"));
            }
            names.push(name);
        }
    }
    Ok(())
}

/// The name between the braces of a segment, with its `*`, if it has any.
fn parameter(segment: &str) -> Result<Option<&str>, String> {
    if let Some(name) = old_style(segment, ':') {
        return Err(format!("write a parameter of the path as `{{{name}}}`, not `:{name}`"));
    }
    if let Some(name) = old_style(segment, '*') {
        return Err(format!("write the rest of the path as `{{*{name}}}`, not `*{name}`"));
    }
    let open = brace(segment, '{');
    if brace(&segment[..open.unwrap_or(segment.len())], '}').is_some() {
        return Err(unbalanced("}"));
    }
    let Some(open) = open else {
        return Ok(None);
    };
    let inside = &segment[open + 1..];
    let Some(close) = inside.find('}') else {
        return Err(unbalanced("{"));
    };
    let (name, after) = (&inside[..close], &inside[close + 1..]);
    if name.trim_start_matches('*').is_empty() {
        return Err("a parameter of the path needs a name: `{id}`, or `{*rest}` for the rest of the path".to_owned());
    }
    if name.contains('{') {
        return Err(unbalanced("{"));
    }
    if name[1..].contains('*') {
        return Err(format!("`{{{name}}}`: a `*` stands only before the name"));
    }
    if !after.is_empty() {
        return Err(format!("a parameter of the path reaches to the next `/`: nothing can follow `{{{name}}}` directly"));
    }
    Ok(Some(name))
}

/// The name after a `:` or `*` that starts the segment, as routers used to have it.
fn old_style(segment: &str, mark: char) -> Option<&str> {
    segment.strip_prefix(mark).filter(|name| name.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

/// Where the first brace is that is not doubled, for a doubled one means the character itself.
fn brace(text: &str, which: char) -> Option<usize> {
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if c == which && characters.next_if(|(_, next)| *next == which).is_none() {
            return Some(at);
        }
    }
    None
}

fn unbalanced(brace: &str) -> String {
    format!("the path has a `{brace}` without its other half; write `{brace}{brace}` for the character itself")
}
