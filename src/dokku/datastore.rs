//! Dumping and restoring through the datastore plugin's own commands.

use std::time::Duration;

use super::{Dokku, State};
use crate::domain::{Datastore, Service};
use crate::error::{Failure, Kind, Result};
use crate::sys::child::{Child, Start};
use crate::sys::stdin::Input;

impl Dokku {
    /// Starts `postgres:export`: the dump comes on its stdout, and its end is proof.
    pub fn export(&self, service: &Service) -> Result<Child> {
        Child::start(self.start(format!("{}:export", service.datastore), service))
    }

    /// Pours `dump` into the live service with the stock `postgres:import`. Signals do not end it: it drops tables
    /// before it has read their data, so stopping half-way is the one thing that must not happen (contract 1.2).
    pub fn import(&self, service: &Service, dump: Input, limit: Duration) -> Result<()> {
        let mut start = self.start(format!("{}:import", service.datastore), service);
        start.stdin = dump;
        start.interruptible = false;
        // It says nothing while it works, however long that takes.
        start.idle = limit;
        Child::start(start)?.finish()
    }

    fn start(&self, verb: String, service: &Service) -> Start {
        Start {
            what: format!("{verb} {service}"),
            program: self.program.clone(),
            args: vec![verb, service.name.to_string()],
            env: self.settings.child_env.clone(),
            stdin: Input::Nothing,
            idle: self.settings.idle,
            interruptible: true,
        }
    }

    /// Makes a service, of this image and version where they are known.
    pub fn create(&self, service: &Service, image: Option<&str>, version: Option<&str>) -> Result<()> {
        let mut start = self.start(format!("{}:create", service.datastore), service);
        for (flag, value) in [("--image", image), ("--image-version", version)] {
            if let Some(value) = value {
                start.args.extend([flag.to_owned(), value.to_owned()]);
            }
        }
        Child::start(start)?.finish()
    }

    /// Destroys a service that we made and that nobody has used yet; the gate has nothing to protect there.
    pub fn destroy(&self, service: &Service) -> Result<()> {
        let mut start = self.start(format!("{}:destroy", service.datastore), service);
        start.args.extend(["--force", "--skip-backup-check"].map(str::to_owned));
        start.interruptible = false;
        Child::start(start)?.finish()
    }

    /// Services of `datastore` that `app` is linked to.
    pub fn linked_services(&self, datastore: Datastore, app: &str) -> Result<Vec<Service>> {
        let verb = format!("{datastore}:app-links");
        let answer = self.ask(&[&verb, app])?;
        if !answer.status.success() {
            return Err(crate::sys::child::failed(&format!("{verb} {app}"), answer.status, &answer.stderr));
        }
        let names = answer.stdout.lines().filter_map(|line| line.trim().parse().ok());
        Ok(names.map(|name| Service { datastore, name }).collect())
    }

    /// Every service of `datastore` the caller may see.
    pub fn services(&self, datastore: Datastore) -> Result<Vec<Service>> {
        let verb = format!("{datastore}:list");
        let answer = self.ask(&[&verb])?;
        if !answer.status.success() {
            return Err(crate::sys::child::failed(&verb, answer.status, &answer.stderr));
        }
        // Headers are kept back by DOKKU_QUIET_OUTPUT; a line that is no name is none of ours.
        let names = answer.stdout.lines().filter_map(|line| line.trim().parse().ok());
        Ok(names.map(|name| Service { datastore, name }).collect())
    }
}

/// Whether a datastore plugin's message says that there is no such service.
pub fn is_absent(stderr: &str) -> bool {
    stderr.contains("service") && stderr.contains("does not exist")
}

/// The failure of a service that is absent or not up; `None` when it is running.
pub fn not_running(service: &Service, state: &State) -> Option<Failure> {
    let command = |verb: &str| format!("dokku {}:{verb} {service}", service.datastore);
    match state {
        State::Running => None,
        State::Absent => Some(
            Failure::new(Kind::NotFound, format!("{} service {service} does not exist", service.datastore))
                .remedy("list them with", format!("dokku {}:list", service.datastore)),
        ),
        State::Not(word) => {
            let failure =
                Failure::new(Kind::Config, format!("{} service {service} is not running ({word})", service.datastore));
            Some(match word.as_str() {
                "paused" => failure.command(format!("docker unpause dokku.{}.{service}", service.datastore)),
                _ => failure.remedy("start it with", command("start")),
            })
        }
    }
}
