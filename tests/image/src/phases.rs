//! The phases one by one, as platforms run them that trust a builder less.

use crate::{
    BuildEnvironment, Creation, Ended, IMAGE, Result,
    creation::VARIABLES,
    environment::{SOURCE, USER},
};

impl BuildEnvironment<'_> {
    /// Runs the five phases, each in a process of its own, until one fails; answers how each ended that ran.
    ///
    /// # Errors
    /// When one cannot be run.
    pub fn phases(&self, creation: &Creation<'_>) -> Result<Vec<(&'static str, Ended)>> {
        self.prepare(creation)?;
        let app = format!("-app=/{SOURCE}");
        let (uid, gid) = (format!("-uid={USER}"), format!("-gid={USER}"));
        let whose = [uid.as_str(), gid.as_str()];
        let layout = ["-layout", "-layout-dir=/layout"];
        let (layers, platform, cache, run) =
            ("-layers=/layers", "-platform=/platform", "-cache-dir=/cache", "-run=/cnb/run.toml");
        let phases: [(&'static str, Vec<&str>); 5] = [
            ("analyzer", [&layout[..], &whose, &[layers, run, IMAGE]].concat()),
            ("detector", vec![&app, layers, platform]),
            ("restorer", [&layout[..], &whose, &[layers, cache]].concat()),
            ("builder", vec![&app, layers, platform]),
            ("exporter", [&layout[..], &whose, &[&app, layers, cache, run, "-process-type=web", IMAGE]].concat()),
        ];
        let mut ended = Vec::new();
        for (name, flags) in phases {
            let program = format!("/cnb/lifecycle/{name}");
            let words = [&[program.as_str(), "-no-color"], &flags[..]].concat();
            let end = self.run(creation.user(), creation.network(), VARIABLES, &words)?;
            let failed = end.code != Some(0);
            ended.push((name, end));
            if failed {
                break;
            }
        }
        Ok(ended)
    }
}
