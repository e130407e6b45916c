//! What the fuzz targets call; built only by cargo-fuzz.
#![allow(missing_docs)]
