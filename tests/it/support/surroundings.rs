//! What lies around the program in a sandbox: the binary itself, its users, other plugins, files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Host;

impl Host {
    /// The plugin's folder.
    pub fn plugin(&self) -> PathBuf {
        Path::new(self.var("PLUGIN_PATH")).join("available/backups")
    }

    /// Where dokku-postgres keeps its services.
    pub fn services(&self) -> PathBuf {
        Path::new(self.var("DOKKU_LIB_ROOT")).join("services/postgres")
    }

    /// The number of the user that everything in the sandbox belongs to.
    pub fn owner(&self) -> u32 {
        fs::metadata(self.data_root()).expect("the data root").uid()
    }

    /// That user, when it is not the one that runs the tests.
    pub fn other_user(&self) -> Option<u32> {
        Some(self.owner()).filter(|uid| *uid != nix::unistd::geteuid().as_raw())
    }

    /// The binary itself with ARGS, without Dokku before it.
    pub fn binary(&self, args: &[&str]) -> Command {
        let mut command = self.command(self.plugin().join("bin/dokku-backups"));
        command.args(args);
        command
    }

    /// The same as the user `uid`; only root can do that.
    pub fn binary_as(&self, uid: u32, args: &[&str]) -> Command {
        // The sandbox's own folder is closed to others; what lies below it decides for itself.
        fs::set_permissions(self.dir(), fs::Permissions::from_mode(0o755)).expect("modes");
        let mut command = self.command("setpriv");
        command.args([&format!("--reuid={uid}"), &format!("--regid={uid}"), "--clear-groups", "--"]);
        command.arg(self.plugin().join("bin/dokku-backups")).args(args);
        command
    }

    /// Adds a plugin that has one trigger.
    pub fn add_trigger(&self, plugin: &str, trigger: &str, script: &str) {
        let dir = Path::new(self.var("PLUGIN_PATH")).join("enabled").join(plugin);
        fs::create_dir_all(&dir).expect("a plugin");
        fs::write(dir.join(trigger), script).expect("a trigger");
        fs::set_permissions(dir.join(trigger), fs::Permissions::from_mode(0o755)).expect("modes");
    }

    /// From now on nobody may see `service`: an access plugin says so.
    pub fn hide(&self, service: &str) {
        let script = format!("#!/bin/sh\nshift 3\nfor name; do [ \"$name\" = {service} ] || echo \"$name\"; done\n");
        self.add_trigger("access", "user-auth-service", &script);
    }

    /// Every regular file below the data root, by path, as text.
    pub fn files(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        walk(&self.data_root(), &mut |path, meta| {
            if meta.is_file() {
                let bytes = fs::read(path).expect("a file");
                found.insert(path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned());
            }
        });
        found
    }

    /// Path, kind, owner, mode, size and time of everything below the data root.
    pub fn snapshot(&self) -> Vec<String> {
        let mut found = Vec::new();
        walk(&self.data_root(), &mut |path, meta| {
            let (sec, nsec) = (meta.mtime(), meta.mtime_nsec());
            found.push(format!("{} {} {:o} {} {sec}.{nsec}", path.display(), meta.uid(), meta.mode(), meta.len()));
        });
        found.sort();
        found
    }
}

/// Calls `see` for a path and everything below it.
pub fn walk(path: &Path, see: &mut dyn FnMut(&Path, &fs::Metadata)) {
    let Ok(meta) = fs::symlink_metadata(path) else { return };
    see(path, &meta);
    if meta.is_dir() {
        for entry in fs::read_dir(path).expect("a folder").flatten() {
            walk(&entry.path(), see);
        }
    }
}
