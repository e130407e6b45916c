//! Brokers, Prometheus and valgrind are packages of the system: apt-get installs them, and nothing of them is left running.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use tools::Tool;

use crate::Result;

/// Installs the packages named by its arguments. A machine starts a service as it is installed, unless its policy says no; a
/// policy that is there stays, else there is one for as long as this takes.
const SCRIPT: &str = r#"
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
apt-get update || echo 'the lists of packages are those of before' >&2
apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=600 "$@"
# With systemd it would run after the next start of the machine.
if [ -d /run/systemd/system ]; then
    for unit; do
        # Not every package is a service.
        if systemctl cat "$unit" > /dev/null 2>&1; then systemctl disable "$unit"; fi
    done
fi
"#;

/// Installs the packages of these tools.
pub(super) fn install(tools: &[Tool]) -> Result {
    let packages: Vec<&str> = tools.iter().map(|tool| tool.name()).collect();
    if let Some(reason) = why_not() {
        return Err(by_hand(&packages, reason).into());
    }
    eprintln!("{} to be installed", packages.join(", "));
    let cache = tools::cache()?;
    fs::create_dir_all(&cache).map_err(|error| format!("cannot make the folder {}: {error}", cache.display()))?;
    let mut command = Command::new("flock");
    // One run at a time: the policy of one must not go while another installs.
    command.arg(cache.join("apt.lock")).args(["sh", "-ec", SCRIPT, "sh"]).args(&packages);
    // What apt-get prints is progress, not what this command answers.
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stdout(std::io::stderr());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(by_hand(&packages, "apt-get failed, see above").into()),
        Err(error) => Err(by_hand(&packages, &format!("flock, which keeps two runs apart, cannot be run: {error}")).into()),
    }
}

/// Why this does not install anything itself, if it does not.
fn why_not() -> Option<&'static str> {
    if !Path::new("/usr/bin/apt-get").is_file() {
        return Some("there is no apt-get here");
    }
    let id = Command::new("id").arg("-u").stdin(Stdio::null()).output();
    let root = id.is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    (!root).then_some("only root may install packages")
}

fn by_hand(packages: &[&str], reason: &str) -> String {
    let packages = packages.join(" ");
    format!(
        "not there and not installed: {packages} ({reason})\n\
         on Debian and Ubuntu: sudo apt-get install --no-install-recommends {packages}\n\
         elsewhere: get programs of these names into PATH; they need not run"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_must_install_by_hand_is_told_what() {
        let said = by_hand(&["redis-server", "mosquitto"], "only root may install packages");
        assert!(said.contains("sudo apt-get install --no-install-recommends redis-server mosquitto"), "{said}");
    }
}
