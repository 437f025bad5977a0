//! What every operation is given.

use std::time::Duration;

use super::access::Access;
use crate::domain::Service;
use crate::error::Result;
use crate::properties::{Properties, RESTORE_TIMEOUT};
use crate::settings::Settings;
use crate::sys::docker::Docker;
use crate::ui::Ui;

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

    /// How long filling a database of `service` may take.
    pub fn restore_limit(&self, service: &Service) -> Result<Duration> {
        let seconds = self.properties().computed(service, &RESTORE_TIMEOUT)?;
        Ok(Duration::from_secs(seconds.parse().unwrap_or(u64::MAX / 1000)))
    }
}
