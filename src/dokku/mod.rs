//! Everything we ask of Dokku, through its own command line and as the caller: nobody gains through us what they could
//! not do without us.

mod access;
mod app;
mod cron;
mod datastore;
mod deploy;
mod info;
mod plugin;
mod repository;
mod ssh_keys;

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Failure, Kind, Result};
use crate::settings::Settings;
use crate::sys::capture::{Answer, capture};

pub use cron::{CRON_WRITE, cron_entry, write_crontab};
pub use datastore::{is_absent, not_running};
pub use deploy::{Redeployed, push};
pub use info::{Info, State};
pub use ssh_keys::key_names;

/// How long a short question may take.
const SHORT: Duration = Duration::from_secs(60);

/// The host's `dokku`.
#[derive(Debug, Clone)]
pub struct Dokku {
    program: PathBuf,
    settings: Settings,
}

impl Dokku {
    /// Finds `dokku` in the caller's PATH.
    pub fn find(settings: &Settings) -> Result<Dokku> {
        let path = settings.path();
        let program = which::which_in("dokku", Some(&path), "/").map_err(|e| {
            Failure::new(Kind::Config, "could not start dokku: it is missing or not executable")
                .because(e)
                .hint(format!("PATH is {}", path.to_string_lossy()))
        })?;
        Ok(Dokku { program, settings: settings.clone() })
    }

    /// Fires one of Dokku's triggers, `args` being its name and its arguments.
    fn trigger(&self, args: &[&str]) -> Result<Answer> {
        trigger(&self.settings, args)
    }

    fn ask(&self, args: &[&str]) -> Result<Answer> {
        capture(&self.program, args, &self.settings.child_env, SHORT.min(self.settings.idle), true)
    }
}

fn trigger(settings: &Settings, args: &[&str]) -> Result<Answer> {
    let program = which::which_in("plugn", Some(settings.path()), "/").map_err(|e| {
        Failure::new(Kind::Config, "could not fire a trigger of Dokku: plugn is missing or not executable").because(e)
    })?;
    let mut env = settings.child_env.clone();
    env.extend(settings.trigger_env.iter().cloned());
    let words: Vec<&str> = ["trigger"].into_iter().chain(args.iter().copied()).collect();
    capture(&program, &words, &env, SHORT.min(settings.idle), true)
}
