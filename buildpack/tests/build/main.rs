//! The buildpack as a process, with the files of its interface, on sources that real cargo builds without a network.

mod freshness;
mod image;
mod library;
mod platform;
