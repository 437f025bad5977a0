//! Facts for the record, gathered beside the dump, not after it. A fact that cannot be had is noted and fails nothing.

use std::thread::JoinHandle;

use crate::dokku::Dokku;
use crate::domain::AppCode;

/// Facts on their way.
#[derive(Debug)]
pub struct Facts {
    apps: JoinHandle<Vec<(AppCode, Vec<String>)>>,
}

impl Facts {
    /// Begins to ask what code each of `apps` is running.
    pub fn gather(dokku: &Dokku, apps: &[String]) -> Facts {
        let (dokku, apps) = (dokku.clone(), apps.to_vec());
        Facts { apps: std::thread::spawn(move || apps.iter().map(|app| dokku.app_code(app)).collect()) }
    }

    /// What was learnt, and what was not and why.
    pub fn learnt(self) -> (Vec<AppCode>, Vec<String>) {
        match self.apps.join() {
            Ok(answers) => {
                let (apps, notes): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
                (apps, notes.into_iter().flatten().collect())
            }
            Err(_) => (Vec::new(), vec!["the code of the linked apps could not be learnt".to_owned()]),
        }
    }
}
