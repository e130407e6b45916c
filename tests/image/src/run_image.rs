//! The image that functions run on: next to nothing.

use std::{fs, io, path::Path};

use serde_json::json;
use tar::{Builder, EntryType, Header};

use crate::{
    Doing, Result,
    oci::{self, Arch},
};

/// Certificates of authorities, as Debian keeps them.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Writes it to a folder in OCI layout. The same certificates make the same image.
pub(crate) fn write(folder: &Path) -> Result {
    let certificates = fs::read(CERTIFICATES)
        .doing(|| format!("read {CERTIFICATES} (on Debian and Ubuntu: apt-get install ca-certificates)"))?;
    let mut archive = Builder::new(Vec::new());
    for path in ["etc", "etc/ssl", "etc/ssl/certs", "home"] {
        folder_of(&mut archive, path, 0o755, 0)?;
    }
    folder_of(&mut archive, "tmp", 0o1777, 0)?;
    folder_of(&mut archive, "home/cnb", 0o755, 1000)?;
    file(&mut archive, "etc/passwd", PASSWD.as_bytes())?;
    file(&mut archive, "etc/group", GROUP.as_bytes())?;
    file(&mut archive, "etc/os-release", OS_RELEASE.as_bytes())?;
    file(&mut archive, &CERTIFICATES[1..], &certificates)?;
    let config = json!({
        "User": "1000:1000",
        "Env": [
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            format!("SSL_CERT_FILE={CERTIFICATES}"),
        ],
        "Labels": {
            "io.buildpacks.base.distro.name": "openfunction-tiny",
            "io.buildpacks.base.distro.version": "1",
        },
    });
    oci::write(folder, &archive.into_inner()?, &config, Arch::here()?)
}

/// The users of the run image that operators make, and of the build image here too.
pub(crate) const PASSWD: &str = include_str!("../../../buildpack/builder/run/etc/passwd");
/// The groups of both.
pub(crate) const GROUP: &str = include_str!("../../../buildpack/builder/run/etc/group");
const OS_RELEASE: &str = include_str!("../../../buildpack/builder/run/etc/os-release");

fn folder_of(archive: &mut Builder<Vec<u8>>, path: &str, mode: u32, owner: u64) -> io::Result<()> {
    let mut header = header(EntryType::Directory, mode, owner);
    archive.append_data(&mut header, path, io::empty())
}

fn file(archive: &mut Builder<Vec<u8>>, path: &str, content: &[u8]) -> io::Result<()> {
    let mut header = header(EntryType::Regular, 0o644, 0);
    header.set_size(content.len() as u64);
    archive.append_data(&mut header, path, content)
}

fn header(kind: EntryType, mode: u32, owner: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(owner);
    header.set_gid(owner);
    header.set_mtime(0);
    header.set_size(0);
    header
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;
    use crate::{Folder, oci::Image};

    #[test]
    fn it_is_the_same_image_every_time_and_has_what_a_function_needs() {
        let folder = Folder::new(&std::env::temp_dir(), "run-image").unwrap();
        let [one, two] = ["one", "two"].map(|name| {
            write(&folder.path().join(name)).unwrap();
            Image::open(&folder.path().join(name)).unwrap()
        });
        assert_eq!(one.digest(), two.digest());
        assert_eq!(one.config().user, "1000:1000");
        assert!(one.size() < 200_000, "{}", one.size());

        let root = folder.path().join("root");
        one.unpack(&root).unwrap();
        assert!(fs::read(root.join(&CERTIFICATES[1..])).unwrap().starts_with(b"-----BEGIN CERTIFICATE"));
        assert_eq!(fs::metadata(root.join("tmp")).unwrap().permissions().mode() & 0o7777, 0o1777);
        assert_eq!(fs::metadata(root.join("home/cnb")).unwrap().uid(), 1000);
        assert_eq!(fs::read_to_string(root.join("etc/passwd")).unwrap(), PASSWD);
    }
}
