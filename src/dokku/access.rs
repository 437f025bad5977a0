//! Which services a caller may see: the answer of Dokku's `user-auth-service` trigger. Several plugins may implement
//! it; we only ask.

use super::Dokku;
use crate::domain::Service;
use crate::error::Result;
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
        let caller = &self.settings.caller;
        let mut args = vec!["user-auth-service", &caller.ssh_user, &caller.key_name, datastore];
        args.extend(names);
        let answer = self.trigger(&args)?;
        // A trigger that fails has allowed nothing.
        Ok(if answer.status.success() {
            answer.stdout.lines().map(|l| l.trim().to_owned()).collect()
        } else {
            Vec::new()
        })
    }

    /// Whether the caller may run `words` as a command of their own: what Dokku itself would ask.
    pub fn may(&self, words: &[&str]) -> Result<bool> {
        if !self.implements("user-auth")? {
            return Ok(true);
        }
        let caller = &self.settings.caller;
        let mut args = vec!["user-auth", &caller.ssh_user, &caller.key_name];
        args.extend(words);
        Ok(self.trigger(&args)?.status.success())
    }

    fn has_access_plugin(&self) -> Result<bool> {
        self.implements("user-auth-service")
    }

    fn implements(&self, trigger: &str) -> Result<bool> {
        let plugins = match Dir::open(&self.settings.plugins) {
            Ok(dir) => dir,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(e.into()),
        };
        // The core plugin `20_events` only logs. Enabled plugins are symlinks, so the path is asked, not the handle.
        let implements = |name: &String| name != "20_events" && self.settings.plugins.join(name).join(trigger).exists();
        Ok(plugins.names()?.iter().any(implements))
    }
}
