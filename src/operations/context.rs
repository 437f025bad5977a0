//! What every operation is given.

use std::time::Duration;

use super::access::Access;
use crate::domain::Service;
use crate::engine::RestoreOptions;
use crate::error::Result;
use crate::properties::{Properties, RESTORE_JOBS, RESTORE_TIMEOUT};
use crate::settings::Settings;
use crate::sys::docker::Docker;
use crate::ui::Ui;

/// Clients of a restore where nothing was set: a live database has others to serve.
const MOST_BY_ITSELF: usize = 4;

/// What every command is given.
#[derive(Debug, Clone)]
pub struct Context {
    /// What the environment says.
    pub settings: Settings,
    /// Where to speak.
    pub ui: Ui,
    /// What the caller may.
    pub access: Access,
}

impl Context {
    /// The host's Docker.
    pub fn docker(&self) -> Result<Docker> {
        Docker::find(&self.settings.docker, &self.settings.path(), self.settings.child_env.clone())
    }

    /// The values that were set.
    pub fn properties(&self) -> Properties<'_> {
        Properties::at(&self.settings.config_root)
    }

    /// What filling a database of `service` may take.
    pub fn restore_options(&self, service: &Service) -> Result<RestoreOptions> {
        let seconds = self.properties().computed(service, &RESTORE_TIMEOUT)?;
        let jobs = self.properties().computed(service, &RESTORE_JOBS)?;
        // `auto`: as many as there are processors.
        let cores = || std::thread::available_parallelism().map_or(1, usize::from).min(MOST_BY_ITSELF);
        Ok(RestoreOptions {
            timeout: Duration::from_secs(seconds.parse().unwrap_or(u64::MAX / 1000)),
            jobs: jobs.parse().unwrap_or_else(|_| cores()),
            always: jobs != RESTORE_JOBS.default,
        })
    }
}
