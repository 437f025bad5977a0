//! What was granted, and the decision. There are only grants: what no grant says is denied, as soon as rights are on.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{KeyName, Right, Who};
use crate::domain::Service;

/// Rights of one key, on one service or on all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The key.
    pub key: KeyName,
    /// The service; none means all of them, also those that are yet to come.
    #[serde(default, with = "full_name", skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// What it may do; never empty.
    pub rights: BTreeSet<Right>,
}

/// All grants, and whether they count.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// Switched on by the first grant, off by `revoke --all` alone.
    pub enabled: bool,
    /// In the order of keys, what holds for all services first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
}

/// What came of taking rights away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    /// These were held until now.
    Taken(BTreeSet<Right>),
    /// Nothing was taken: these are held for all services, which no grant can take one service out of.
    HeldForAll(BTreeSet<Right>),
}

impl Grants {
    /// Adds rights, and switches rights on. Returns those that the key did not hold before in that place.
    pub fn grant(&mut self, key: &KeyName, rights: &BTreeSet<Right>, service: Option<&Service>) -> BTreeSet<Right> {
        self.enabled = true;
        let at = self.grants.iter().position(|grant| &grant.key == key && grant.service.as_ref() == service);
        let at = at.unwrap_or_else(|| {
            self.grants.push(Grant { key: key.clone(), service: service.cloned(), rights: BTreeSet::new() });
            self.grants.len() - 1
        });
        let held = &mut self.grants[at].rights;
        let new = rights.difference(held).copied().collect();
        held.extend(rights);
        self.grants.sort_by(|a, b| (&a.key, &a.service).cmp(&(&b.key, &b.service)));
        new
    }

    /// Takes rights away: on one service, or wherever the key holds them. Rights stay on when no grant is left.
    pub fn revoke(&mut self, key: &KeyName, rights: &BTreeSet<Right>, service: Option<&Service>) -> Revoked {
        if service.is_some() {
            let for_all = self.grants.iter().filter(|grant| &grant.key == key && grant.service.is_none());
            let held: BTreeSet<Right> = for_all.flat_map(|grant| grant.rights.intersection(rights)).copied().collect();
            if !held.is_empty() {
                return Revoked::HeldForAll(held);
            }
        }
        let mut taken = BTreeSet::new();
        let meant = |grant: &Grant| &grant.key == key && (service.is_none() || grant.service.as_ref() == service);
        for grant in self.grants.iter_mut().filter(|grant| meant(grant)) {
            taken.extend(grant.rights.intersection(rights));
            grant.rights.retain(|right| !rights.contains(right));
        }
        self.grants.retain(|grant| !grant.rights.is_empty());
        Revoked::Taken(taken)
    }

    /// Whether `key` holds `right`: on `service`, or, where there is none, on all services.
    pub fn holds(&self, key: &KeyName, right: Right, service: Option<&Service>) -> bool {
        let who = Who::Key { name: key.to_string(), fingerprint: None };
        self.missing(&who, &[right], service).is_empty()
    }

    /// Which of `wanted` are missing to `who`: on `service`, or, where there is none, on all services. Only keys are
    /// ever narrowed, and only once rights are on.
    pub fn missing(&self, who: &Who, wanted: &[Right], service: Option<&Service>) -> BTreeSet<Right> {
        let Who::Key { name, .. } = who else { return BTreeSet::new() };
        if !self.enabled {
            return BTreeSet::new();
        }
        let counts = |grant: &&Grant| {
            grant.key.as_str() == name && (grant.service.is_none() || grant.service.as_ref() == service)
        };
        let held: BTreeSet<Right> = self.grants.iter().filter(counts).flat_map(|grant| grant.rights.clone()).collect();
        wanted.iter().copied().filter(|right| !held.contains(right)).collect()
    }
}

mod full_name {
    //! A service by its full name, `postgres:my-db`.

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::domain::Service;

    pub fn serialize<S: Serializer>(service: &Option<Service>, serializer: S) -> Result<S::Ok, S::Error> {
        match service {
            Some(service) => serializer.serialize_str(&service.full_name()),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Service>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let service = Service::from_full_name(&text).ok_or_else(|| Error::custom("not the full name of a service"))?;
        Ok(Some(service))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Datastore;

    fn service(name: &str) -> Service {
        Service { datastore: Datastore::Postgres, name: name.parse().unwrap() }
    }

    fn rights(all: &[Right]) -> BTreeSet<Right> {
        all.iter().copied().collect()
    }

    fn key(name: &str) -> Who {
        Who::Key { name: name.to_owned(), fingerprint: None }
    }

    #[test]
    fn off_until_the_first_grant_then_denied_by_default() {
        let (a, b, alice) = (service("a"), service("b"), "alice".parse().unwrap());
        let mut policy = Grants::default();
        assert!(policy.missing(&key("bob"), Right::ALL, Some(&a)).is_empty());
        assert_eq!(policy.grant(&alice, &rights(&[Right::Read]), Some(&a)), rights(&[Right::Read]));
        assert!(policy.missing(&key("alice"), &[Right::Read], Some(&a)).is_empty());
        for (who, service) in
            [("alice", Some(&b)), ("alice", None), ("bob", Some(&a)), ("", Some(&a)), ("ALICE", Some(&a))]
        {
            assert_eq!(policy.missing(&key(who), &[Right::Read], service), rights(&[Right::Read]), "{who} {service:?}");
        }
        for never in [Who::Root, Who::Host, Who::Login("bob".into())] {
            assert!(policy.missing(&never, Right::ALL, Some(&b)).is_empty(), "{never:?}");
        }
    }

    #[test]
    fn the_last_revoke_leaves_rights_on() {
        let (a, alice) = (service("a"), "alice".parse().unwrap());
        let mut policy = Grants::default();
        policy.grant(&alice, &rights(&[Right::Read]), Some(&a));
        policy.grant(&alice, &rights(&[Right::Read, Right::Create]), None);
        assert_eq!(
            policy.revoke(&alice, &rights(&[Right::Create]), Some(&a)),
            Revoked::HeldForAll(rights(&[Right::Create]))
        );
        assert_eq!(
            policy.revoke(&alice, &rights(Right::ALL), None),
            Revoked::Taken(rights(&[Right::Read, Right::Create]))
        );
        assert_eq!(policy.grants, []);
        assert_eq!(policy.missing(&key("alice"), &[Right::Read], Some(&a)), rights(&[Right::Read]));
    }
}
