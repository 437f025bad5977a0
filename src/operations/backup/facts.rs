//! Facts for the record, gathered beside the dump, not after it. A fact that cannot be had is noted and fails nothing.

use std::io;
use std::thread::{Builder, JoinHandle};

use crate::dokku::{Dokku, Info};
use crate::domain::{AppCode, Session};
use crate::engine::{Live, Moment};

const UNKNOWN: &str = "the code of the linked apps could not be learnt";

/// Each app's code, and what could not be learnt of it.
type Answers = Vec<(AppCode, Vec<String>)>;

/// Facts on their way. An asker that could not even be started is an answer that is missing.
#[derive(Debug)]
pub struct Facts {
    apps: io::Result<JoinHandle<Answers>>,
    moment: io::Result<JoinHandle<Option<Moment>>>,
}

/// What was learnt, and what was not and why.
#[derive(Debug, Default)]
pub struct Learnt {
    /// Code of the linked apps.
    pub apps: Vec<AppCode>,
    /// What could not be learnt.
    pub notes: Vec<String>,
    /// Somebody was restoring into the database when the dump began.
    pub suspicious: Option<String>,
    /// By what values in it are written.
    pub session: Session,
}

impl Facts {
    /// Begins to ask what code each linked app is running, and who else is writing into the database.
    pub fn gather(dokku: &Dokku, info: &Info, live: Option<Box<dyn Live>>) -> Facts {
        let (dokku, apps) = (dokku.clone(), info.links.clone());
        let moment = move || live.and_then(|live| live.moment().ok());
        Facts {
            apps: Builder::new().spawn(move || apps.iter().map(|app| dokku.app_code(app)).collect()),
            moment: Builder::new().spawn(moment),
        }
    }

    /// Waits for the answers.
    pub fn learnt(self) -> Learnt {
        let mut learnt = Learnt::default();
        match self.apps.map(JoinHandle::join) {
            Ok(Ok(answers)) => {
                let (apps, notes): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
                learnt.apps = apps;
                learnt.notes = notes.into_iter().flatten().collect();
            }
            Ok(Err(_)) => learnt.notes.push(UNKNOWN.to_owned()),
            Err(error) => learnt.notes.push(format!("{UNKNOWN}: {error}")),
        }
        let moment = self.moment.ok().and_then(|asked| asked.join().ok().flatten()).unwrap_or_default();
        (learnt.suspicious, learnt.session) = (moment.writers, moment.session);
        learnt
    }
}
