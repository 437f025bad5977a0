//! Facts for the record, gathered beside the dump, not after it. A fact that cannot be had is noted and fails nothing.

use std::io;
use std::thread::{Builder, JoinHandle};

use crate::dokku::{Dokku, Info};
use crate::domain::AppCode;
use crate::engine::Live;

const UNKNOWN: &str = "the code of the linked apps could not be learnt";

/// Each app's code, and what could not be learnt of it.
type Answers = Vec<(AppCode, Vec<String>)>;

/// Facts on their way. An asker that could not even be started is an answer that is missing.
#[derive(Debug)]
pub struct Facts {
    apps: io::Result<JoinHandle<Answers>>,
    writers: io::Result<JoinHandle<Option<String>>>,
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
}

impl Facts {
    /// Begins to ask what code each linked app is running, and who else is writing into the database.
    pub fn gather(dokku: &Dokku, info: &Info, live: Option<Box<dyn Live>>) -> Facts {
        let (dokku, apps) = (dokku.clone(), info.links.clone());
        let writers = move || live.and_then(|live| live.writers().ok().flatten());
        Facts {
            apps: Builder::new().spawn(move || apps.iter().map(|app| dokku.app_code(app)).collect()),
            writers: Builder::new().spawn(writers),
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
        learnt.suspicious = self.writers.ok().and_then(|asked| asked.join().ok().flatten());
        learnt
    }
}
