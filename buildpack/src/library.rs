//! The functions of a library: found in its source, since the program that would know them is yet to be written.

use std::{
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Attribute, Expr, ExprLit, Ident, Item, ItemMod, Lit, Meta, Token, UseTree, Visibility,
    ext::IdentExt as _,
    parse::{ParseStream, Parser as _},
};

use crate::{
    error::{Error, Result},
    nearest::did_you_mean,
};

/// A function of a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name, as a caller knows it.
    pub name: String,
    /// Its path, from the root of the library.
    pub path: Vec<String>,
    /// Whether the path can be written outside of the library.
    pub reachable: bool,
    /// Whether it is there only under some conditions.
    pub conditional: bool,
}

/// What is `pub use`d, where, and under which name.
struct Export {
    from: Vec<String>,
    within: Vec<String>,
    name: Option<String>,
}

/// What a reader of a library has gathered.
#[derive(Default)]
struct Reader {
    found: Vec<Found>,
    exports: Vec<Export>,
}

/// Where a module stands.
#[derive(Clone)]
struct Place {
    path: Vec<String>,
    public: bool,
    conditional: bool,
    /// Where the files of its modules are.
    folder: PathBuf,
    /// Where those are that `#[path]` names: outside of inline modules it is the folder of the file.
    beside: PathBuf,
}

/// Reads a library from its first file on.
///
/// # Errors
/// A file cannot be read, or is no Rust.
pub fn read(root: &Path) -> Result<Vec<Found>> {
    let folder = root.parent().unwrap_or(root).to_owned();
    let mut reader = Reader::default();
    let place = Place { path: Vec::new(), public: true, conditional: false, beside: folder.clone(), folder };
    reader.file(root, &place)?;
    let Reader { mut found, exports } = reader;
    for function in found.iter_mut().filter(|function| !function.reachable) {
        if let Some(path) = exports.iter().find_map(|export| export.path_of(&function.path)) {
            function.path = path;
            function.reachable = true;
        }
    }
    Ok(found)
}

/// Picks the functions of a library that its program has: those that are named, or all.
///
/// # Errors
/// One is not there, twice, or out of reach.
pub fn pick<'a>(library: &str, found: &'a [Found], names: &[String]) -> Result<Vec<&'a Found>> {
    let all: Vec<&str> = found.iter().map(|function| function.name.as_str()).collect();
    if all.is_empty() {
        return Err(Error::new(format!(
            "library `{library}` has no function: mark one with #[functions_framework::function], or add a src/main.rs"
        )));
    }
    let mut picked = Vec::new();
    if names.is_empty() {
        picked.extend(found.iter().filter(|function| !function.conditional));
        if picked.is_empty() {
            let all = all.join(", ");
            return Err(Error::new(format!(
                "every function of library `{library}` has a #[cfg]: name one with FUNC_NAME\n  functions: {all}"
            )));
        }
    }
    for name in names {
        let mut of_name = found.iter().filter(|function| function.name == *name);
        let function = of_name.next().ok_or_else(|| {
            let (hint, all) = (did_you_mean(name, all.iter().copied()), all.join(", "));
            Error::new(format!("FUNC_NAME is `{name}`: library `{library}` has no such function{hint}\n  functions: {all}"))
        })?;
        picked.push(function);
    }
    for function in &picked {
        let twice = found.iter().filter(|other| other.name == function.name && !other.conditional).count() > 1;
        if twice {
            return Err(Error::new(format!(
                "two functions of library `{library}` are named `{}`: give one another name with #[function(name = \"..\")]",
                function.name
            )));
        }
        if !function.reachable {
            return Err(Error::new(format!(
                "function `{}` of library `{library}` cannot be reached from its program: make `{}` and the modules it is in \
                 `pub`, or `pub use` it",
                function.name,
                function.path.join("::")
            )));
        }
    }
    Ok(picked)
}

/// Writes the program of a library.
pub fn program(framework: &str, library: &str, functions: &[&Found]) -> String {
    let list: Vec<String> = functions.iter().map(|function| format!("{library}::{}", function.path.join("::"))).collect();
    let framework = framework.replace('-', "_");
    format!("//! Written by the buildpack openfunction/rust.\n\n{framework}::main!({});\n", list.join(", "))
}

impl Reader {
    fn file(&mut self, path: &Path, place: &Place) -> Result<()> {
        let text = fs::read_to_string(path).map_err(|error| Error::file("read", path, &error))?;
        let file = syn::parse_file(&text).map_err(|error| {
            let at = error.span().start();
            Error::new(format!("{}:{}:{} is no Rust: {error}", path.display(), at.line, at.column + 1))
        })?;
        self.items(&file.items, place)
    }

    fn items(&mut self, items: &[Item], place: &Place) -> Result<()> {
        for item in items {
            match item {
                Item::Fn(item) if !is_test(&item.attrs) => {
                    if let Some(name) = item.attrs.iter().find_map(|attribute| name_in(attribute, &item.sig.ident)) {
                        self.found.push(Found {
                            name,
                            path: below(&place.path, &item.sig.ident),
                            reachable: place.public && is_public(&item.vis),
                            conditional: place.conditional || has_cfg(&item.attrs),
                        });
                    }
                }
                Item::Mod(item) if !is_test(&item.attrs) => self.module(item, place)?,
                Item::Use(item) if place.public && is_public(&item.vis) && !has_cfg(&item.attrs) => {
                    self.exported(&item.tree, &mut Vec::new(), place);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn module(&mut self, item: &ItemMod, place: &Place) -> Result<()> {
        let name = item.ident.unraw().to_string();
        let conditional = place.conditional || has_cfg(&item.attrs);
        let within = |folder: PathBuf, beside: PathBuf| Place {
            path: below(&place.path, &item.ident),
            public: place.public && is_public(&item.vis),
            conditional,
            folder,
            beside,
        };
        let given = item.attrs.iter().find_map(path_in);
        if let Some((_, items)) = &item.content {
            let folder = given.map_or_else(|| place.folder.join(&name), |given| place.beside.join(given));
            return self.items(items, &within(folder.clone(), folder));
        }
        let (file, folder) = if let Some(given) = given {
            let file = place.beside.join(given);
            let folder = file.parent().unwrap_or(&file).to_owned();
            (file, folder)
        } else {
            let flat = place.folder.join(format!("{name}.rs"));
            let nested = place.folder.join(&name).join("mod.rs");
            (if nested.is_file() && !flat.is_file() { nested } else { flat }, place.folder.join(&name))
        };
        // Where it is conditional its file may well not be there; else the compiler says it better.
        if !file.is_file() {
            return Ok(());
        }
        let beside = file.parent().unwrap_or(&file).to_owned();
        self.file(&file, &within(folder, beside))
    }

    fn exported(&mut self, tree: &UseTree, before: &mut Vec<String>, place: &Place) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.unraw().to_string());
                self.exported(&path.tree, before, place);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.exported(tree, before, place)),
            UseTree::Name(name) => self.export(before, Some(&name.ident), Some(&name.ident), place),
            UseTree::Rename(rename) => self.export(before, Some(&rename.ident), Some(&rename.rename), place),
            UseTree::Glob(_) => self.export(before, None, None, place),
        }
    }

    fn export(&mut self, before: &[String], last: Option<&Ident>, name: Option<&Ident>, place: &Place) {
        let mut from = place.path.clone();
        for word in before.iter().cloned().chain(last.map(|ident| ident.unraw().to_string())) {
            match word.as_str() {
                "crate" => from.clear(),
                "super" => {
                    from.pop();
                }
                "self" => {}
                _ => from.push(word),
            }
        }
        let name = name.map(|ident| ident.unraw().to_string());
        self.exports.push(Export { from, within: place.path.clone(), name });
    }
}

impl Export {
    /// The path under which something is exported, if it is.
    fn path_of(&self, path: &[String]) -> Option<Vec<String>> {
        match &self.name {
            Some(name) if path == self.from => Some([&self.within[..], std::slice::from_ref(name)].concat()),
            None => {
                let (last, module) = path.split_last()?;
                (module == self.from).then(|| [&self.within[..], std::slice::from_ref(last)].concat())
            }
            Some(_) => None,
        }
    }
}

fn below(path: &[String], ident: &Ident) -> Vec<String> {
    [path, &[ident.to_string()]].concat()
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The function's name, when the attribute is `#[function]`, under whatever path.
fn name_in(attribute: &Attribute, ident: &Ident) -> Option<String> {
    if attribute.path().segments.last().is_none_or(|segment| segment.ident != "function") {
        return None;
    }
    let default = ident.unraw().to_string();
    let Meta::List(list) = &attribute.meta else { return Some(default) };
    let given = |input: ParseStream<'_>| {
        let mut name = None;
        while !input.is_empty() {
            if input.peek(Ident::peek_any) && input.call(Ident::parse_any)? == "name" && input.peek(Token![=]) {
                input.parse::<Token![=]>()?;
                name = Some(input.parse::<syn::LitStr>()?.value());
            } else if !input.is_empty() {
                // A value, a comma, or what the macro will refuse.
                input.parse::<proc_macro2::TokenTree>()?;
            }
        }
        Ok(name)
    };
    Some(given.parse2(list.tokens.clone()).ok().flatten().unwrap_or(default))
}

/// The file that `#[path = ".."]` names.
fn path_in(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    let Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) = &pair.value else { return None };
    attribute.path().is_ident("path").then(|| path.value())
}

fn has_cfg(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg"))
}

/// `#[cfg(test)]`: not in a program.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("cfg") && attribute.parse_args::<Ident>().is_ok_and(|ident| ident == "test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name path`, with a mark for what is out of reach (`!`) and what is conditional (`?`), a line each.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let found = scanned(files).unwrap();
        let line = |function: &Found| {
            let marks = [(!function.reachable, "!"), (function.conditional, "?")];
            let marks: String = marks.into_iter().filter_map(|(is, mark)| is.then_some(mark)).collect();
            format!("{}{marks} {}", function.name, function.path.join("::"))
        };
        found.iter().map(line).collect()
    }

    fn scanned(files: &[(&str, &str)]) -> Result<Vec<Found>> {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        read(&folder.path().join("lib.rs"))
    }

    #[test]
    fn functions_are_found_under_every_spelling_of_the_attribute() {
        for (text, expected) in [
            ("#[function] pub async fn a() {}", "a a"),
            ("#[functions_framework::function] pub fn a() {}", "a a"),
            ("#[::ff::function(main = false)] pub fn a() {}", "a a"),
            ("#[function(name = \"b-c\")] pub fn a() {}", "b-c a"),
            ("#[function(http, path = \"/x\", methods(GET, PUT), name = \"b\", init = name::of)] pub fn a() {}", "b a"),
            ("#[function(init = name, crate = name)] pub fn a() {}", "a a"),
            ("#[allow(dead_code)] #[function] pub fn r#type() {}", "type r#type"),
            ("#[function] fn a() {}", "a! a"),
            ("#[function] pub(crate) fn a() {}", "a! a"),
            ("#[cfg(feature = \"x\")] #[function] pub fn a() {}", "a? a"),
        ] {
            assert_eq!(found(&[("lib.rs", text)]), [expected], "{text}");
        }
        for text in [
            "pub fn a() {}",
            "#[test] fn a() {}",
            "#[cfg(test)] mod t { #[function] pub fn a() {} }",
            "#[functions] pub fn a() {}",
        ] {
            assert!(found(&[("lib.rs", text)]).is_empty(), "{text}");
        }
    }

    #[test]
    fn modules_are_followed_to_their_files() {
        let function = |name: &str| format!("#[function] pub fn {name}() {{}}");
        let files = [
            ("lib.rs", "pub mod flat; pub mod nested; pub mod inline { pub mod deep; }\n#[path = \"other/place.rs\"] pub mod placed;\n\
                        #[cfg(windows)] pub mod absent; mod hidden;".to_owned()),
            ("flat.rs", function("a") + " pub mod below;"),
            ("flat/below.rs", function("b")),
            ("nested/mod.rs", function("c") + " pub mod below;"),
            ("nested/below.rs", function("d")),
            ("inline/deep.rs", function("e")),
            ("other/place.rs", function("f") + " pub mod below;"),
            ("other/below.rs", function("g")),
            ("hidden.rs", function("h")),
        ];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        assert_eq!(
            found(&files),
            [
                "a flat::a",
                "b flat::below::b",
                "c nested::c",
                "d nested::below::d",
                "e inline::deep::e",
                "f placed::f",
                "g placed::below::g",
                "h! hidden::h"
            ]
        );
    }

    #[test]
    fn what_is_exported_can_be_reached_where_it_is() {
        const HIDDEN: &str = "mod m { #[function] pub fn a() {} }";
        for (export, expected) in [
            ("pub use m::a;", "a a"),
            ("pub use self::m::{a as b};", "a b"),
            ("pub use crate::m::*;", "a a"),
            ("pub mod api { pub use super::m::a; }", "a api::a"),
            ("pub use m::c;", "a! m::a"),
            ("use m::a;", "a! m::a"),
            ("mod api { pub use super::m::a; }", "a! m::a"),
        ] {
            assert_eq!(found(&[("lib.rs", &format!("{HIDDEN} {export}"))]), [expected], "{export}");
        }
    }

    #[test]
    fn a_file_that_is_no_rust_is_named() {
        let error = scanned(&[("lib.rs", "pub mod a;"), ("a.rs", "\nfn (")]).unwrap_err().to_string();
        assert!(error.contains("a.rs:2:") && error.contains("is no Rust"), "{error}");
    }

    fn picked(text: &str, names: &[&str]) -> std::result::Result<String, String> {
        let found = scanned(&[("lib.rs", text)]).unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let picked = pick("shop", &found, &names).map_err(|error| error.to_string())?;
        Ok(program("functions-framework", "shop", &picked).lines().last().unwrap_or_default().to_owned())
    }

    #[test]
    fn the_program_has_the_functions_that_are_named_or_all() {
        const TWO: &str = "#[function] pub fn a() {} pub mod m { #[function(name = \"b-c\")] pub fn b() {} }";
        for (text, names, expected) in [
            (TWO, &[][..], "functions_framework::main!(shop::a, shop::m::b);"),
            (TWO, &["b-c"], "functions_framework::main!(shop::m::b);"),
            ("#[function] pub fn a() {} #[function] fn b() {}", &["a"], "functions_framework::main!(shop::a);"),
            ("#[function] pub fn a() {} #[cfg(unix)] #[function] pub fn b() {}", &[], "functions_framework::main!(shop::a);"),
            (
                "#[function] pub fn a() {} #[cfg(unix)] #[function] pub fn b() {}",
                &["b"],
                "functions_framework::main!(shop::b);",
            ),
        ] {
            assert_eq!(picked(text, names), Ok(expected.to_owned()), "{text} {names:?}");
        }
    }

    #[test]
    fn what_the_program_cannot_have_is_an_error() {
        for (text, names, expected) in [
            ("pub fn a() {}", &[][..], "has no function: mark one with #[functions_framework::function]"),
            ("#[function] pub fn hello() {}", &["helo"], "no such function, did you mean `hello`?\n  functions: hello"),
            ("mod m { #[function] pub fn a() {} }", &[], "make `m::a` and the modules it is in `pub`"),
            (
                "#[function] pub fn a() {} pub mod m { #[function] pub fn a() {} }",
                &["a"],
                "two functions of library `shop` are named `a`",
            ),
            ("#[cfg(unix)] #[function] pub fn a() {}", &[], "every function of library `shop` has a #[cfg]"),
        ] {
            let error = picked(text, names).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
