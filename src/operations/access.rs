//! May the caller? Asked once a service, after Dokku has been asked which of them they may see; every answer that rests
//! on rights is written down.

use super::{Context, Part, Rule, To};
use crate::answers::RightsState;
use crate::dokku::{Dokku, State, not_running};
use crate::domain::{Grants, Right, Service, Who, choose, count};
use crate::error::{Failure, Kind, Result};
use crate::rights::{self, Decision};
use crate::settings::Settings;
use crate::ui::Ui;

/// What holds for this run: the verb's rule, and what was granted.
#[derive(Debug, Clone)]
pub struct Access {
    rule: &'static Rule,
    policy: Grants,
    broken: bool,
}

/// Which of the services of a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The one that is named.
    Named,
    /// The other one: read from, or made.
    Other,
    /// The one that is named, where the verb would do more than it always does.
    Further,
}

impl Access {
    /// What holds for a run of a verb with this rule. A policy that cannot be used denies keys and logins everything.
    pub fn of(settings: &Settings, ui: Ui, rule: &'static Rule) -> Result<Access> {
        let none = Access { rule, policy: Grants::default(), broken: false };
        let To::Holder { service, .. } = &rule.to else { return Ok(none) };
        match rights::look(&settings.config_root) {
            Ok(policy) => Ok(Access { policy, ..none }),
            Err(mut failure) if settings.who.needs_whole_policy() => {
                failure.kind = Kind::Refused;
                let reason = Some(failure.reason());
                let rights = service.rights.to_vec();
                let decision = Decision { verb: rule.verb, service: None, rights, allowed: false, reason };
                write_down(settings, ui, &decision);
                Err(failure)
            }
            Err(failure) => {
                if settings.who == Who::Root {
                    ui.warn(&failure.reason());
                    ui.remedies(&failure.remedies);
                }
                Ok(Access { broken: true, ..none })
            }
        }
    }

    /// What is granted.
    pub fn policy(&self) -> &Grants {
        &self.policy
    }

    /// Whether rights count, in one word.
    pub fn state(&self) -> RightsState {
        match (self.broken, self.policy.enabled) {
            (true, _) => RightsState::Broken,
            (false, true) => RightsState::On,
            (false, false) => RightsState::Off,
        }
    }

    fn part(&self, role: Role) -> Option<&'static Part> {
        match (&self.rule.to, role) {
            (To::Holder { service, .. }, Role::Named) => Some(service),
            (To::Holder { other, .. }, Role::Other) => other.as_ref().map(|(_, part)| part),
            (To::Holder { further, .. }, Role::Further) => further.as_ref().map(|(_, part)| part),
            _ => None,
        }
    }
}

impl Context {
    /// Of `services` those that exist for the caller: the others are not there, in the same words.
    pub fn readable(&self, services: Vec<Service>) -> Vec<Service> {
        self.holding(services, &[Right::Read])
    }

    /// Of `services` those on which the caller may do what this verb does.
    pub fn permitted(&self, dokku: &Dokku, services: Vec<Service>) -> Result<Vec<Service>> {
        let Some(part) = self.access.part(Role::Named) else { return Ok(services) };
        let all = services.len();
        let mut left = self.holding(services, part.rights);
        self.decided(None, part, true, Some(format!("{} of {}", left.len(), count(all, "service"))));
        for at in (0..left.len()).rev() {
            if denied_by_dokku(dokku, &left[at], part)?.is_some() {
                left.remove(at);
            }
        }
        Ok(left)
    }

    fn holding(&self, services: Vec<Service>, rights: &[Right]) -> Vec<Service> {
        let may = |service: &Service| self.access.policy.missing(&self.settings.who, rights, Some(service)).is_empty();
        services.into_iter().filter(may).collect()
    }

    /// Refuses unless the caller may do this verb's work on `service`, which Dokku lets them see: first by our rights,
    /// then by what Dokku says about the command that does the same without us.
    pub fn permit(&self, dokku: &Dokku, service: &Service, role: Role) -> Result<()> {
        let Some(part) = self.access.part(role) else { return Ok(()) };
        self.hold(part, Some(service))?;
        let Some(command) = denied_by_dokku(dokku, service, part)? else { return Ok(()) };
        let verb = self.access.rule.verb;
        let text = format!("{} may not use backups:{verb} on {service}: it takes {command}", self.settings.who);
        Err(Failure::new(Kind::Refused, text).hint("an access plugin of this host says so; ask its administrator"))
    }

    /// Refuses unless the caller may do this verb's work on all services at once.
    pub fn permit_global(&self) -> Result<()> {
        self.access.part(Role::Named).map_or(Ok(()), |part| self.hold(part, None))
    }

    /// Refuses unless the caller may do on `service`, or on all of them, also what the verb does only sometimes.
    pub fn permit_further(&self, service: Option<&Service>) -> Result<()> {
        self.access.part(Role::Further).map_or(Ok(()), |part| self.hold(part, service))
    }

    /// Writes down that a service was asked for that is not there, or not for this caller as Dokku says.
    pub fn missed(&self, service: &Service, role: Role) {
        if let Some(part) = self.access.part(role) {
            let reason = "there is no such service, or none for this caller".to_owned();
            self.decided(Some(service.full_name()), part, false, Some(reason));
        }
    }

    fn hold(&self, part: &'static Part, service: Option<&Service>) -> Result<()> {
        let who = &self.settings.who;
        let missing = self.access.policy.missing(who, part.rights, service);
        let words: Vec<&str> = missing.iter().map(|right| right.name()).collect();
        let (words, plural) = (words.join(", "), choose(words.len(), "is", "are"));
        let place = service.map_or_else(|| "*".to_owned(), Service::full_name);
        let reason = Some(format!("{words} {plural} missing")).filter(|_| !missing.is_empty());
        self.decided(Some(place), part, missing.is_empty(), reason);
        if missing.is_empty() {
            return Ok(());
        }
        if let Some(service) = service.filter(|_| missing.contains(&Right::Read)) {
            return Err(absent(service));
        }
        let (on, place) = service.map_or_else(
            || ("all services".to_owned(), String::new()),
            |service| (service.to_string(), format!(" {service}")),
        );
        let verb = self.access.rule.verb;
        Err(Failure::new(Kind::Refused, format!("{who} may not use backups:{verb} on {on}: {words} {plural} missing"))
            .remedy("root can grant it with", format!("dokku backups:grant {who} {}{place}", words.replace(", ", ","))))
    }

    fn decided(&self, service: Option<String>, part: &Part, allowed: bool, reason: Option<String>) {
        if self.access.policy.enabled {
            let (verb, rights) = (self.access.rule.verb, part.rights.to_vec());
            write_down(&self.settings, self.ui, &Decision { verb, service, rights, allowed, reason });
        }
    }

    /// Refuses everybody but root at this host's shell; the attempt is written down either way.
    pub fn root_only(&self, service: Option<&Service>, rights: Vec<Right>, what: String) -> Result<()> {
        let (verb, allowed) = (self.access.rule.verb, self.settings.who == Who::Root);
        let service = Some(service.map_or_else(|| "*".to_owned(), Service::full_name));
        write_down(&self.settings, self.ui, &Decision { verb, service, rights, allowed, reason: Some(what) });
        if allowed {
            return Ok(());
        }
        Err(Failure::new(Kind::Refused, format!("{} may not use backups:{verb}: only root may", self.settings.who))
            .hint(format!("at a shell of this host: sudo dokku backups:{verb} ...")))
    }
}

/// The command that Dokku does not let the caller run on `service`, and without which this is not to be had.
fn denied_by_dokku(dokku: &Dokku, service: &Service, part: &Part) -> Result<Option<String>> {
    let Some(stock) = part.stock else { return Ok(None) };
    let command = format!("{}:{stock}", service.datastore);
    Ok(if dokku.may(&[&command, service.name.as_str()])? { None } else { Some(command) })
}

/// The failure of a service that is not there, or not for this caller.
pub fn absent(service: &Service) -> Failure {
    not_running(service, &State::Absent)
        .unwrap_or_else(|| Failure::new(Kind::NotFound, format!("service {service} does not exist")))
}

/// Says aloud when it cannot, and goes on: see `rights::note`.
fn write_down(settings: &Settings, ui: Ui, decision: &Decision<'_>) {
    if let Err(error) = rights::note(&settings.audit_log, settings.clock.now(), &settings.who, decision) {
        ui.warn(&format!("this is not in the audit log: {error}"));
    }
}
