//! The catalogues of two services, locked one after the other in the order of their names, whichever the command line
//! names first: two commands that want the same two never wait for each other.

use crate::catalogue::LockedCatalogue;
use crate::domain::Service;
use crate::error::Result;
use crate::operations::Context;
use crate::operations::recover::lock_and_recover;

/// The catalogue of the service that data goes into, and of the one whose backup it is. They may be the same.
#[derive(Debug)]
pub struct LockedPair {
    target: LockedCatalogue,
    source: Option<LockedCatalogue>,
}

impl LockedPair {
    /// Locks both and recovers them, waiting `wait` seconds at most for each.
    pub fn lock(context: &Context, target: &Service, source: &Service, wait: u32, doing: &str) -> Result<LockedPair> {
        let (target, source) = in_order(target, source, |service| lock_and_recover(context, service, wait, doing))?;
        Ok(LockedPair { target, source })
    }

    /// The catalogue of the service that data goes into.
    pub fn target(&self) -> &LockedCatalogue {
        &self.target
    }

    /// The catalogue of the service whose backup it is.
    pub fn source(&self) -> &LockedCatalogue {
        self.source.as_ref().unwrap_or(&self.target)
    }
}

/// How long a command that has locked `first` may wait for `second`: not at all against the order of their names.
pub fn patience(first: &Service, second: &Service, wait: u32) -> u32 {
    if second < first { 0 } else { wait }
}

/// Opens the lower of the two first, and one only once.
fn in_order<T>(
    target: &Service,
    source: &Service,
    mut open: impl FnMut(&Service) -> Result<T>,
) -> Result<(T, Option<T>)> {
    if target == source {
        return Ok((open(target)?, None));
    }
    if source < target {
        let source = open(source)?;
        return Ok((open(target)?, Some(source)));
    }
    Ok((open(target)?, Some(open(source)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Datastore;
    use crate::error::{Failure, Kind};

    fn service(name: &str) -> Service {
        Service { datastore: Datastore::Postgres, name: name.parse().unwrap() }
    }

    /// What was opened, in order, and what came of it.
    fn opened(target: &str, source: &str) -> (Vec<String>, (String, Option<String>)) {
        let mut order = Vec::new();
        let pair = in_order(&service(target), &service(source), |service| {
            order.push(service.name.to_string());
            Ok(service.name.to_string())
        });
        (order, pair.unwrap())
    }

    #[test]
    fn the_order_of_the_names_whichever_way_they_are_given() {
        assert_eq!(opened("a", "b"), (vec!["a".into(), "b".into()], ("a".into(), Some("b".into()))));
        assert_eq!(opened("b", "a"), (vec!["a".into(), "b".into()], ("b".into(), Some("a".into()))));
        assert_eq!(opened("a", "a"), (vec!["a".into()], ("a".into(), None)));
    }

    #[test]
    fn the_first_that_cannot_be_had_ends_it() {
        let mut asked = 0;
        let failed = in_order(&service("b"), &service("a"), |_| {
            asked += 1;
            Err::<(), _>(Failure::new(Kind::Busy, "busy"))
        });
        assert!(failed.is_err() && asked == 1);
    }

    #[test]
    fn nobody_waits_against_the_order() {
        assert_eq!(patience(&service("a"), &service("b"), 60), 60);
        assert_eq!(patience(&service("b"), &service("a"), 60), 0);
    }
}
