//! Which services a caller may see: the answer of Dokku's `user-auth-service` trigger. Several plugins may implement
//! it; we only ask.

use super::{Dokku, SHORT};
use crate::domain::Service;
use crate::error::{Failure, Kind, Result};
use crate::sys::ask::ask;
use crate::sys::dir::Dir;

impl Dokku {
    /// Keeps of `services` those the caller may see. Without an access plugin these are all, and nothing is asked.
    pub fn visible(&self, services: Vec<Service>) -> Result<Vec<Service>> {
        if services.is_empty() || !self.has_access_plugin()? {
            return Ok(services);
        }
        let mut seen = Vec::new();
        for datastore in crate::domain::Datastore::ALL {
            let names: Vec<&str> =
                services.iter().filter(|s| s.datastore == *datastore).map(|s| s.name.as_str()).collect();
            let allowed = self.allowed(datastore.name(), &names)?;
            seen.extend(
                services.iter().filter(|s| s.datastore == *datastore && allowed.contains(&s.name.to_string())).cloned(),
            );
        }
        Ok(seen)
    }

    fn allowed(&self, datastore: &str, names: &[&str]) -> Result<Vec<String>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let program = which::which_in("plugn", Some(self.settings.path()), "/").map_err(|e| {
            Failure::new(Kind::Config, "could not ask who may see the service: plugn is missing").because(e)
        })?;
        let caller = &self.settings.caller;
        let mut args = vec!["trigger", "user-auth-service", &caller.ssh_user, &caller.key_name, datastore];
        args.extend(names);
        let mut env = self.settings.child_env.clone();
        env.push(("PLUGIN_PATH".into(), self.settings.plugins.parent().unwrap_or(&self.settings.plugins).into()));
        let answer = ask(&program, &args, &env, SHORT, true)?;
        // A trigger that fails has allowed nothing.
        Ok(if answer.status.success() {
            answer.stdout.lines().map(|l| l.trim().to_owned()).collect()
        } else {
            Vec::new()
        })
    }

    fn has_access_plugin(&self) -> Result<bool> {
        let plugins = match Dir::open(&self.settings.plugins) {
            Ok(dir) => dir,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(e.into()),
        };
        // The core plugin `20_events` only logs. Enabled plugins are symlinks, so the path is asked, not the handle.
        let implements =
            |name: &String| name != "20_events" && self.settings.plugins.join(name).join("user-auth-service").exists();
        Ok(plugins.names()?.iter().any(implements))
    }
}
