//! The values that settings have.

use std::time::Duration;

use super::Switch;

pub(super) fn switch(text: &str) -> Option<Switch> {
    Some(match text {
        "auto" => Switch::Auto,
        "on" | "true" | "1" => Switch::On,
        "off" | "false" | "0" => Switch::Off,
        _ => return None,
    })
}

fn split_unit(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim()))
}

pub(super) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text)?;
    let seconds = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    // A century is enough, and adding it to a clock does not overflow.
    number.checked_mul(seconds).filter(|&total| total < 100 * 366 * 86_400).map(Duration::from_secs)
}

pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    number.checked_mul(match unit {
        "" | "B" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    })
}
