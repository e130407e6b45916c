//! Images as folders in OCI layout: read, written, unpacked.

mod image;
mod unpack;
mod write;

use sha2::{Digest as _, Sha256};

pub use image::{Config, Image, Layer};
pub use write::{Arch, write};

/// The digest of bytes as it is written in a manifest.
pub(crate) fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |mut text, byte| {
        // To a String, it cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_digest_names_its_algorithm() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(super::digest(b""), empty);
    }
}
