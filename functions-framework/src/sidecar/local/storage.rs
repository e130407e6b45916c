//! `bindings.localstorage`: files in a folder, and never outside of it.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;

use super::chance;
use crate::sidecar::{Reply, SidecarCode, SidecarError};

/// A folder for files.
#[derive(Debug, Clone)]
pub(super) struct Root(PathBuf);

/// Where nobody keeps files, and something may be that a function has no business with.
const FORBIDDEN: [&str; 4] = ["/proc", "/sys", "/boot", "/var/run/secrets"];

impl Root {
    /// Takes a folder, which is made when it is not there.
    pub(super) fn open(path: &str) -> Result<Self, String> {
        if path.is_empty() {
            return Err("rootPath: expected a folder".to_owned());
        }
        let told = |error: io::Error| format!("rootPath {path}: {error}");
        let check = |real: PathBuf| match FORBIDDEN.iter().find(|place| real.starts_with(place)) {
            Some(place) => Err(format!("rootPath {path}: {place} is no place for files")),
            None => Ok(real),
        };
        // As it is written before anything is made, and again as it turns out to be.
        let written = std::path::absolute(path).map_err(told).and_then(check)?;
        fs::create_dir_all(&written).map_err(told)?;
        fs::canonicalize(written).map_err(told).and_then(check).map(Self)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Does what the binding is asked for; it may wait for the disk.
    pub(super) fn invoke(&self, operation: &str, name: Option<&str>, data: &Bytes) -> Result<Reply, SidecarError> {
        match operation {
            "create" => self.create(name, data),
            "get" => fs::read(self.file(name)?).map(reply).map_err(|error| failed("read", name, &error)),
            "delete" => {
                fs::remove_file(self.file(name)?).map_err(|error| failed("delete", name, &error))?;
                Ok(Reply::default())
            }
            "list" => self.list(name),
            other => {
                let text = format!("bindings.localstorage knows create, get, list and delete, not {other:?}");
                Err(SidecarError::new(SidecarCode::InvalidArgument, text))
            }
        }
    }

    fn create(&self, name: Option<&str>, data: &Bytes) -> Result<Reply, SidecarError> {
        let made = name.map_or_else(chance::uuid, str::to_owned);
        let path = self.file(Some(&made))?;
        let write = || {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&path, unwrapped(data))
        };
        write().map_err(|error| failed("write", Some(&made), &error))?;
        let relative = path.strip_prefix(&self.0).unwrap_or(&path).display().to_string();
        Ok(reply(serde_json::json!({ "fileName": relative }).to_string().into_bytes()))
    }

    fn list(&self, name: Option<&str>) -> Result<Reply, SidecarError> {
        let folder = match name {
            None => self.0.clone(),
            Some(name) => self.within(name)?,
        };
        let mut files = Vec::new();
        walk(&folder, &mut files).map_err(|error| failed("list", name, &error))?;
        files.sort();
        let files: Vec<_> = files.iter().map(|path| path.display().to_string()).collect();
        Ok(reply(serde_json::Value::from(files).to_string().into_bytes()))
    }

    fn file(&self, name: Option<&str>) -> Result<PathBuf, SidecarError> {
        let name = name.ok_or_else(|| SidecarError::new(SidecarCode::InvalidArgument, "metadata fileName is missing"))?;
        let path = self.within(name)?;
        if path == self.0 {
            return Err(SidecarError::new(SidecarCode::InvalidArgument, format!("fileName {name:?} names no file")));
        }
        Ok(path)
    }

    /// The place of a name within the folder. What leads out of it is refused, be it by `..` or by a link.
    fn within(&self, name: &str) -> Result<PathBuf, SidecarError> {
        let outside = |why: &str| {
            let text = format!("fileName {name:?} {why} {}", self.0.display());
            SidecarError::new(SidecarCode::PermissionDenied, text)
        };
        let mut path = self.0.clone();
        for part in Path::new(name).components() {
            match part {
                // As for Dapr, a name that begins with a slash begins at the folder.
                Component::RootDir | Component::CurDir => continue,
                Component::Normal(part) => path.push(part),
                Component::ParentDir | Component::Prefix(_) => return Err(outside("leads out of")),
            }
            match fs::canonicalize(&path) {
                Ok(real) if real.starts_with(&self.0) => path = real,
                Ok(_) => return Err(outside("is a link out of")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    // A link to what is not there would be made by writing to it.
                    if fs::symlink_metadata(&path).is_ok() {
                        return Err(outside("is a link to nothing in"));
                    }
                }
                Err(error) => return Err(failed("reach", Some(name), &error)),
            }
        }
        Ok(path)
    }
}

/// The bytes to write. As for Dapr, a text in quotes is written without them, and Base64 as the bytes it stands for.
fn unwrapped(data: &Bytes) -> Bytes {
    let text = serde_json::from_slice::<String>(data).map_or_else(|_| data.clone(), Bytes::from);
    BASE64_STANDARD.decode(&text).map_or(text, Bytes::from)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // A link is listed and not followed.
        if entry.file_type()?.is_dir() { walk(&entry.path(), files)? } else { files.push(entry.path()) }
    }
    Ok(())
}

fn reply(data: Vec<u8>) -> Reply {
    Reply { data: data.into(), ..Reply::default() }
}

fn failed(what: &str, name: Option<&str>, error: &io::Error) -> SidecarError {
    let code = match error.kind() {
        io::ErrorKind::NotFound => SidecarCode::NotFound,
        io::ErrorKind::PermissionDenied => SidecarCode::PermissionDenied,
        io::ErrorKind::StorageFull => SidecarCode::ResourceExhausted,
        _ => SidecarCode::Internal,
    };
    SidecarError::new(code, format!("cannot {what} {}: {error}", name.unwrap_or("the folder")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sidecar::local::tests::Folder;

    fn root() -> (Folder, Root) {
        let folder = Folder::new();
        let root = Root::open(folder.path().join("files").to_str().unwrap()).unwrap();
        (folder, root)
    }

    fn text(reply: Result<Reply, SidecarError>) -> String {
        String::from_utf8(reply.unwrap().data.into()).unwrap()
    }

    #[test]
    fn files_are_made_read_listed_and_deleted() {
        let (_folder, root) = root();
        let created = root.invoke("create", Some("a/b.txt"), &Bytes::from("hello"));
        assert_eq!(text(created), r#"{"fileName":"a/b.txt"}"#);
        assert_eq!(text(root.invoke("get", Some("/a/b.txt"), &Bytes::new())), "hello");
        let unnamed: serde_json::Value = serde_json::from_str(&text(root.invoke("create", None, &Bytes::from("x")))).unwrap();
        assert_eq!(unnamed["fileName"].as_str().unwrap().len(), 36);
        let listed: Vec<String> = serde_json::from_str(&text(root.invoke("list", None, &Bytes::new()))).unwrap();
        assert_eq!((listed.len(), listed.iter().any(|path| path.ends_with("files/a/b.txt"))), (2, true));
        let listed: Vec<String> = serde_json::from_str(&text(root.invoke("list", Some("a"), &Bytes::new()))).unwrap();
        assert_eq!(listed.len(), 1);
        root.invoke("delete", Some("a/b.txt"), &Bytes::new()).unwrap();
        for operation in ["get", "delete"] {
            let missing = root.invoke(operation, Some("a/b.txt"), &Bytes::new()).unwrap_err();
            assert_eq!(missing.code(), SidecarCode::NotFound);
        }
        for (operation, name) in [("query", Some("a")), ("get", None), ("get", Some("/")), ("create", Some("."))] {
            let wrong = root.invoke(operation, name, &Bytes::new()).unwrap_err();
            assert_eq!(wrong.code(), SidecarCode::InvalidArgument, "{operation} {name:?}");
        }
    }

    #[test]
    fn quotes_and_base64_are_taken_off_as_dapr_does() {
        for (data, written) in [
            (&br#""hello, world""#[..], &b"hello, world"[..]),
            (b"\"aGVsbG8=\"", b"hello"),
            (b"aGVsbG8=", b"hello"),
            (br#"{"a":1}"#, br#"{"a":1}"#),
            (&[0, 255], &[0, 255]),
        ] {
            assert_eq!(unwrapped(&Bytes::copy_from_slice(data)), written);
        }
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        let (folder, root) = root();
        fs::write(folder.path().join("outside"), "secret").unwrap();
        for name in ["../outside", "a/../../outside", "..", "a/../b"] {
            for operation in ["create", "get", "delete", "list"] {
                let refused = root.invoke(operation, Some(name), &Bytes::from("x")).unwrap_err();
                assert_eq!(refused.code(), SidecarCode::PermissionDenied, "{operation} {name}");
            }
        }
        assert_eq!(fs::read(folder.path().join("outside")).unwrap(), b"secret");
    }

    #[cfg(unix)]
    #[test]
    fn no_link_leads_out_of_the_folder() {
        use std::os::unix::fs::symlink;

        let (folder, root) = root();
        fs::write(folder.path().join("outside"), "secret").unwrap();
        symlink(folder.path(), root.path().join("up")).unwrap();
        symlink(folder.path().join("outside"), root.path().join("file")).unwrap();
        symlink(folder.path().join("not there"), root.path().join("dangling")).unwrap();
        symlink(root.path(), root.path().join("self")).unwrap();
        for name in ["up/outside", "up/new", "file", "dangling"] {
            for operation in ["create", "get", "delete"] {
                let refused = root.invoke(operation, Some(name), &Bytes::from("x")).unwrap_err();
                assert_eq!(refused.code(), SidecarCode::PermissionDenied, "{operation} {name}");
            }
        }
        assert!(!folder.path().join("not there").exists() && !folder.path().join("new").exists());
        root.invoke("create", Some("self/inside"), &Bytes::from("x")).unwrap();
        assert!(root.path().join("inside").exists());
    }

    #[test]
    fn some_places_are_no_place_for_files() {
        assert!(Root::open("").unwrap_err().contains("expected a folder"));
        assert!(Root::open("/proc/self").unwrap_err().contains("no place for files"));
        let folder = Folder::new();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(Root::open(folder.path().join("file").to_str().unwrap()).is_err());
    }
}
