//! An image of one layer, written as a folder in OCI layout.

use std::{fs, io::Write as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::digest;
use crate::{Doing, Error, Result, folder};

/// The media type of an image's manifest.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The name of a processor architecture in images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arch(&'static str);

impl Arch {
    /// That of this machine.
    ///
    /// # Errors
    /// When images are not made for it.
    pub fn here() -> Result<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Ok(Self("amd64")),
            "aarch64" => Ok(Self("arm64")),
            other => Err(Error::new(format!("images are made for x86_64 and aarch64, not for {other}"))),
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// Writes an image of one layer, which is a tar archive. The same arguments make the same bytes.
///
/// # Errors
/// When it cannot be written.
pub fn write(folder: &Path, archive: &[u8], config: &Value, arch: Arch) -> Result {
    const CREATED: &str = "1980-01-01T00:00:01Z";

    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(archive)?;
    let layer = blob(folder, &encoder.finish()?, "application/vnd.oci.image.layer.v1.tar+gzip")?;
    let description = json!({
        "architecture": arch.name(),
        "os": "linux",
        "created": CREATED,
        "config": config,
        "rootfs": { "type": "layers", "diff_ids": [digest(archive)] },
        "history": [{ "created": CREATED, "created_by": "run image" }],
    });
    let config = blob(folder, description.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json")?;
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
    let mut manifest = blob(folder, manifest.to_string().as_bytes(), MANIFEST)?;
    manifest["platform"] = json!({ "os": "linux", "architecture": arch.name() });
    // One manifest and no more: with several the lifecycle finds none that fits.
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [manifest],
    });
    folder::write(&folder.join("index.json"), index.to_string())?;
    folder::write(&folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)
}

/// Writes a blob; answers what a manifest says of it.
fn blob(folder: &Path, bytes: &[u8], media_type: &str) -> Result<Value> {
    let digest = digest(bytes);
    let path = folder.join("blobs").join(digest.replace(':', "/"));
    fs::create_dir_all(path.with_file_name("")).doing(|| format!("make a folder for {digest}"))?;
    folder::write(&path, bytes)?;
    Ok(json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() }))
}
