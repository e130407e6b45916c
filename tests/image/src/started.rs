//! An image, started.

use std::{ffi::OsString, fs, os::unix::fs::PermissionsExt as _, path::Path};

use black_box_tests::{Ended, Program, Start, Starting};

use crate::{Doing, Error, Folder, Result, oci::Image};

/// Makes the root read-only, and goes inside as the image's user. Nothing else is mounted: neither `/proc` nor `/dev`, and `/tmp` is
/// as read-only as the rest. Where there is a word on standard input to wait for, it says that it is ready and waits.
pub(crate) const INSIDE: &str = r#"
root=$1 waits=$2
shift 2
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
cd /
if [ "$waits" = yes ]; then echo ready; read -r word; fi
exec env -i "$@"
"#;

/// A container of an image, as near as it comes without an engine: its root, read-only, as its user and with its environment.
#[derive(Debug)]
pub struct Started {
    program: Program,
    _root: Folder,
}

impl Started {
    /// Starts it with these variables besides those of the image, and waits until it listens.
    ///
    /// # Errors
    /// When it cannot be unpacked. That it does not listen is a panic, which shows its log.
    pub fn new(image: &Image, folder: &Path, variables: &[(&str, &str)]) -> Result<Self> {
        let root = unpacked(image, folder)?;
        let program = start(image, root.path(), &[&[("PORT", "0")], variables].concat())?.listening();
        Ok(Self { program, _root: root })
    }

    /// The function: the launcher has become it.
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// Asks it to end, as a platform does, and waits until it has.
    pub fn terminate(self) -> Ended {
        self.program.terminate()
    }
}

/// Starts an image that ends by itself with these variables besides its own.
///
/// # Errors
/// When it cannot be unpacked.
pub fn end(image: &Image, folder: &Path, variables: &[(&str, &str)]) -> Result<Ended> {
    let root = unpacked(image, folder)?;
    Ok(start(image, root.path(), variables)?.ended())
}

fn start(image: &Image, root: &Path, variables: &[(&str, &str)]) -> Result<Starting> {
    let mut start = Start::bare("unshare").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    for word in ["--mount", "--propagation", "private", "sh", "-euc", INSIDE, "sh"] {
        start = start.arg(word);
    }
    start = start.arg(root).arg("no");
    for word in words(image, root, variables)? {
        start = start.arg(word);
    }
    Ok(start.start())
}

/// The image's layers, in a folder.
pub(crate) fn unpacked(image: &Image, folder: &Path) -> Result<Folder> {
    let root = Folder::new(folder, "root")?;
    image.unpack(root.path())?;
    // A root is for everybody to enter.
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).doing(|| "open the root".to_owned())?;
    Ok(root)
}

/// The command line behind `env -i`: variables, and what is run in the root.
pub(crate) fn words(image: &Image, root: &Path, variables: &[(&str, &str)]) -> Result<Vec<OsString>> {
    let config = image.config();
    if config.entrypoint.is_empty() {
        return Err(Error::new("the image has no entry point"));
    }
    let mut words: Vec<OsString> = config.env.iter().map(OsString::from).collect();
    words.extend(variables.iter().map(|(name, value)| format!("{name}={value}").into()));
    words.extend(["/usr/sbin/chroot".into(), format!("--userspec={}", config.user).into(), "--groups=".into(), root.into()]);
    words.extend(config.entrypoint.iter().chain(config.cmd.iter().flatten()).map(OsString::from));
    Ok(words)
}
