//! An image as it is in a folder.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use serde::Deserialize;

use crate::{Doing, Error, Result};

/// An image in a folder in OCI layout.
#[derive(Debug)]
pub struct Image {
    folder: PathBuf,
    digest: String,
    /// What its manifest and its config take, in bytes.
    metadata: u64,
    config: Config,
    layers: Vec<Layer>,
}

/// A layer of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The digest of what is transferred.
    pub digest: String,
    /// How many bytes are transferred.
    pub size: u64,
    /// What made it, in its own words.
    pub made_by: String,
}

/// What a container of the image runs, and how.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Config {
    /// Who it runs as.
    pub user: String,
    /// Its environment, `NAME=value`.
    pub env: Vec<String>,
    /// What is run.
    pub entrypoint: Vec<String>,
    /// What is handed to the entry point.
    pub cmd: Option<Vec<String>>,
    /// Where it is run.
    pub working_dir: String,
    /// What is said about the image.
    pub labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Blob>,
}

#[derive(Deserialize)]
struct Manifest {
    config: Blob,
    layers: Vec<Blob>,
}

#[derive(Deserialize)]
struct Blob {
    digest: String,
    size: u64,
}

#[derive(Deserialize)]
struct Description {
    #[serde(default)]
    config: Config,
    #[serde(default)]
    history: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    empty_layer: bool,
}

impl Image {
    /// Reads the one image of a folder.
    ///
    /// # Errors
    /// When there is none, or more than one, or a blob is not what its digest says.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("index.json");
        let text = fs::read(&path).doing(|| format!("read {}", path.display()))?;
        let index: Index = serde_json::from_slice(&text).doing(|| format!("understand {}", path.display()))?;
        let [manifest_blob] = index.manifests.as_slice() else {
            return Err(Error::new(format!("{} lists {} images, not one", path.display(), index.manifests.len())));
        };
        let manifest: Manifest = parse(folder, manifest_blob)?;
        let Description { config, history } = parse(folder, &manifest.config)?;
        let mut made_by = history.into_iter().filter(|step| !step.empty_layer).map(|step| step.created_by);
        let layers = manifest.layers.into_iter().map(|Blob { digest, size }| Layer {
            digest,
            size,
            made_by: made_by.next().unwrap_or_default(),
        });
        Ok(Self {
            folder: folder.to_owned(),
            digest: manifest_blob.digest.clone(),
            metadata: manifest_blob.size + manifest.config.size,
            config,
            layers: layers.collect(),
        })
    }

    /// The digest of its manifest, which is that of the image.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What it runs.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Its layers, the lowest first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// What is transferred when nothing of it is there yet, in bytes: layers as they are compressed, config and manifest.
    pub fn size(&self) -> u64 {
        self.metadata + self.layers.iter().map(|layer| layer.size).sum::<u64>()
    }

    /// The value of a label that is JSON.
    ///
    /// # Errors
    /// When there is no such label, or it is not JSON.
    pub fn json_label(&self, name: &str) -> Result<serde_json::Value> {
        let text = self.config.labels.get(name).ok_or_else(|| Error::new(format!("there is no label {name}")))?;
        serde_json::from_str(text).doing(|| format!("understand the label {name}"))
    }

    /// A layer as the tar archive that it is.
    pub(super) fn archive(&self, layer: &Layer) -> Result<Vec<u8>> {
        let compressed = blob(&self.folder, &layer.digest)?;
        if !compressed.starts_with(&[0x1f, 0x8b]) {
            return Ok(compressed);
        }
        let mut archive = Vec::new();
        GzDecoder::new(compressed.as_slice()).read_to_end(&mut archive).doing(|| format!("unpack {}", layer.digest))?;
        Ok(archive)
    }
}

fn parse<T: for<'a> Deserialize<'a>>(folder: &Path, Blob { digest, .. }: &Blob) -> Result<T> {
    serde_json::from_slice(&blob(folder, digest)?).doing(|| format!("understand {digest}"))
}

/// Reads a blob, which must be what its digest says.
fn blob(folder: &Path, digest: &str) -> Result<Vec<u8>> {
    let name = digest.strip_prefix("sha256:").ok_or_else(|| Error::new(format!("{digest} is not of sha256")))?;
    let path = folder.join("blobs/sha256").join(name);
    let bytes = fs::read(&path).doing(|| format!("read {}", path.display()))?;
    if super::digest(&bytes) == digest { Ok(bytes) } else { Err(Error::new(format!("{} is another blob", path.display()))) }
}
