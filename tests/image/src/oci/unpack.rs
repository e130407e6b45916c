//! What a container engine does with layers: one over the other, into a folder.

use std::{fs, io, path::Path};

use tar::{Archive, Entry};

use super::Image;
use crate::{Doing, Error, Result};

/// Begins the name of a file that says what of the layers below is gone.
const WHITEOUT: &str = ".wh.";
/// Says that nothing of the layers below is in this folder.
const OPAQUE: &str = ".wh..wh..opq";

impl Image {
    /// Unpacks its layers into a folder, with owners, permissions, times and links.
    ///
    /// # Errors
    /// When an archive is broken, or has an entry that is outside of the folder.
    pub fn unpack(&self, folder: &Path) -> Result {
        fs::create_dir_all(folder).doing(|| format!("make the folder {}", folder.display()))?;
        for layer in self.layers() {
            layer_into(&self.archive(layer)?, folder).doing(|| format!("unpack the layer {:?}", layer.made_by))?;
        }
        Ok(())
    }
}

fn layer_into(archive: &[u8], folder: &Path) -> Result {
    let mut archive = Archive::new(archive);
    archive.set_preserve_permissions(true);
    archive.set_preserve_ownerships(true);
    archive.set_preserve_mtime(true);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let place = folder.join(path.strip_prefix("/").unwrap_or(&path));
        if name == OPAQUE {
            for below in fs::read_dir(place.with_file_name(""))? {
                take_away(&below?.path())?;
            }
        } else if let Some(gone) = name.strip_prefix(WHITEOUT) {
            take_away(&place.with_file_name(gone))?;
        } else {
            make_room(&entry, &place)?;
            if !entry.unpack_in(folder)? {
                return Err(Error::new(format!("{} is not within the image", path.display())));
            }
        }
    }
    Ok(())
}

/// Takes away what is in the place of an entry; only a folder is not replaced by a folder.
fn make_room(entry: &Entry<'_, impl io::Read>, place: &Path) -> io::Result<()> {
    match fs::symlink_metadata(place) {
        Ok(there) if there.is_dir() && entry.header().entry_type().is_dir() => Ok(()),
        Ok(_) => take_away(place),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn take_away(path: &Path) -> io::Result<()> {
    let gone = if path.symlink_metadata().is_ok_and(|there| there.is_dir()) {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match gone {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        gone => gone,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use tar::{Builder, EntryType, Header};

    use super::*;
    use crate::Folder;

    fn archive(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (path, kind, content) in entries {
            let mut header = Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o640);
            // The user who runs this: others may not give files away.
            header.set_uid(rustix::process::geteuid().as_raw().into());
            header.set_gid(rustix::process::getegid().as_raw().into());
            header.set_mtime(7);
            header.set_size(0);
            match kind {
                EntryType::Regular => {
                    header.set_size(content.len() as u64);
                    builder.append_data(&mut header, path, content.as_bytes()).unwrap();
                }
                EntryType::Directory => {
                    header.set_mode(0o751);
                    builder.append_data(&mut header, path, io::empty()).unwrap();
                }
                _ => builder.append_link(&mut header, path, content).unwrap(),
            }
        }
        builder.into_inner().unwrap()
    }

    fn folder() -> Folder {
        Folder::new(&std::env::temp_dir(), "unpacked").unwrap()
    }

    #[test]
    fn a_layer_takes_away_what_it_says_is_gone() {
        let folder = folder();
        let file = EntryType::Regular;
        let below = archive(&[("a/one", file, "1"), ("a/two", file, "2"), ("b/three", file, "3"), ("c", file, "4")]);
        layer_into(&below, folder.path()).unwrap();
        let above = archive(&[("a/.wh.one", file, ""), ("b/.wh..wh..opq", file, ""), ("b/four", file, "4")]);
        layer_into(&above, folder.path()).unwrap();
        let there = |path| folder.path().join(path).exists();
        assert_eq!(["a/one", "a/two", "b/three", "b/four", "c"].map(there), [false, true, false, true, true]);
        assert!(!there("a/.wh.one") && !there("b/.wh..wh..opq"));
    }

    #[test]
    fn permissions_times_and_links_are_those_of_the_layer() {
        let folder = folder();
        let layer = archive(&[
            ("a", EntryType::Directory, ""),
            ("a/file", EntryType::Regular, "text"),
            ("a/hard", EntryType::Link, "a/file"),
            ("a/soft", EntryType::Symlink, "/elsewhere"),
        ]);
        layer_into(&layer, folder.path()).unwrap();
        let about = |path| fs::symlink_metadata(folder.path().join(path)).unwrap();
        assert_eq!(about("a").permissions().mode() & 0o7777, 0o751);
        assert_eq!((about("a/file").permissions().mode() & 0o7777, about("a/file").mtime()), (0o640, 7));
        assert_eq!(about("a/hard").ino(), about("a/file").ino());
        assert_eq!(fs::read_link(folder.path().join("a/soft")).unwrap(), Path::new("/elsewhere"));
    }

    #[test]
    fn what_is_of_another_kind_is_replaced() {
        let folder = folder();
        layer_into(&archive(&[("x/file", EntryType::Regular, "")]), folder.path()).unwrap();
        layer_into(&archive(&[("x", EntryType::Regular, "now a file")]), folder.path()).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("x")).unwrap(), "now a file");
    }
}
