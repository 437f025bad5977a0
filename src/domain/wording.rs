//! The words of a record. Each that reaches a path, a command line or a store has a form, and a record with a word of
//! another form is not followed. The rest is text for people, made fit to be seen where it is shown.

use super::{Backup, Destination, ImageRef, ServiceName, StoredAs, id_of_file, is_hidden, owner_of};

/// Longest name of an app, a branch or a database.
const LONGEST: usize = 255;
/// As much of a wrong word is shown.
const SHOWN: usize = 60;

impl Backup {
    /// The first word that does not have its form, named and shown; for people.
    pub fn wrong_word(&self) -> Option<String> {
        let wrong = |name: &str, word: &str, right: bool| (!right).then(|| tell(name, word));
        let hash = |name, word: &Option<String>| word.as_deref().and_then(|word| wrong(name, word, is_sha256(word)));
        let whom = |word: &&String| !is_key(word);
        let file = self.file.as_deref().and_then(|file| wrong("file", file, self.is_own_file(file)));
        let file = file.or_else(|| hash("sha256", &self.sha256)).or_else(|| self.wrong_archive());
        let keys = || self.encrypted_to.iter().find(whom).map(|key| tell("encrypted_to", key));
        let database = || self.database.as_deref().and_then(|word| wrong("database", word, is_name(word)));
        let schedules = || self.schedules.iter().find(|word| !is_word(word)).map(|word| tell("schedule", word));
        file.or_else(keys)
            .or_else(|| self.wrong_image())
            .or_else(database)
            .or_else(schedules)
            .or_else(|| self.wrong_app())
            .or_else(|| self.wrong_copy())
            .or_else(|| self.wrong_history())
    }

    /// Whether `file` is a name that the dump of this backup can have: its id and a known ending, and no way elsewhere.
    pub fn is_own_file(&self, file: &str) -> bool {
        !file.contains('/') && id_of_file(file).as_ref() == Some(&self.id) && StoredAs::of_file(file).is_some()
    }

    fn wrong_archive(&self) -> Option<String> {
        let archive = self.archive.as_ref()?;
        let base = archive.base.as_ref().filter(|base| base.service() != &self.service || **base == self.id);
        base.map(|base| tell("base", &base.to_string()))
            .or_else(|| (!is_sha256(&archive.sha256)).then(|| tell("sha256", &archive.sha256)))
    }

    fn wrong_image(&self) -> Option<String> {
        let (image, version) = (self.image.as_deref(), self.image_version.as_deref());
        let right = match (image, version) {
            (Some(image), Some(version)) => ImageRef::of(image, version).is_ok(),
            (Some(image), None) => image.parse::<ImageRef>().is_ok(),
            (None, Some(version)) => ImageRef::of("any", version).is_ok(),
            (None, None) => true,
        };
        let words: Vec<&str> = [image, version].into_iter().flatten().collect();
        (!right).then(|| tell("image", &words.join(":")))
    }

    fn wrong_app(&self) -> Option<String> {
        self.apps.iter().find_map(|app| {
            let sha = app.git_sha.as_deref().filter(|sha| !is_commit(sha)).map(|sha| tell("git_sha", sha));
            let branch = app.deploy_branch.as_deref().filter(|branch| !is_branch(branch));
            let name = (!is_app(&app.app)).then(|| tell("app", &app.app));
            name.or(sha).or_else(|| branch.map(|branch| tell("deploy_branch", branch)))
        })
    }

    fn wrong_copy(&self) -> Option<String> {
        let copy = self.destination.as_ref()?;
        if !copy.uri.is_empty() && !self.is_own_copy(&copy.uri) {
            return Some(tell("uri", &copy.uri));
        }
        let hash = [&copy.sha256, &copy.record].into_iter().flatten().find(|hash| !is_sha256(hash));
        let key = copy.encrypted_to.iter().find(|key| !is_key(key));
        hash.map(|hash| tell("sha256", hash)).or_else(|| key.map(|key| tell("encrypted_to", key)))
    }

    /// Whether the object at `uri` is one that a copy of this backup can be.
    fn is_own_copy(&self, uri: &str) -> bool {
        let Some((_, key)) = Destination::of_copy(uri) else { return false };
        owner_of(key).is_some_and(|(service, file)| {
            id_of_file(file).as_ref() == Some(&self.id)
                && service.name == self.service
                && service.datastore == self.datastore
        })
    }

    fn wrong_history(&self) -> Option<String> {
        let verified = self.verification.as_ref().map(|verification| verification.sha256.as_str());
        let verified = verified.filter(|hash| !hash.is_empty() && !is_sha256(hash)).map(|hash| tell("sha256", hash));
        verified.or_else(|| {
            let wrong = self.restores.iter().find(|restore| restore.target.parse::<ServiceName>().is_err());
            wrong.map(|restore| tell("target", &restore.target))
        })
    }

    /// Makes the record one that is read again: what other programs answered and does not have its form is left out, and
    /// a note says so.
    pub fn drop_wrong_words(&mut self) {
        if self.wrong_word().is_none() {
            return;
        }
        let mut lost = Vec::new();
        if let Some(wrong) = self.wrong_image() {
            (self.image, self.image_version) = (None, None);
            lost.push(wrong);
        }
        if let Some(database) = self.database.take_if(|word| !is_name(word)) {
            lost.push(tell("database", &database));
        }
        self.apps.retain(|app| {
            let right = is_app(&app.app);
            lost.extend((!right).then(|| tell("app", &app.app)));
            right
        });
        for app in &mut self.apps {
            lost.extend(app.git_sha.take_if(|sha| !is_commit(sha)).map(|sha| tell("git_sha", &sha)));
            lost.extend(app.deploy_branch.take_if(|word| !is_branch(word)).map(|word| tell("deploy_branch", &word)));
        }
        self.notes.extend(lost.into_iter().map(|word| format!("not recorded, because of its form: {word}")));
    }
}

fn tell(name: &str, word: &str) -> String {
    let shown: String = word.chars().take(SHOWN).collect();
    format!("{name} = {shown:?}")
}

fn is_sha256(word: &str) -> bool {
    word.len() == 64 && word.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
}

/// A public key: it is only compared and shown.
fn is_key(word: &str) -> bool {
    (1..=2000).contains(&word.len()) && word.bytes().all(|c| c.is_ascii_alphanumeric())
}

fn is_commit(word: &str) -> bool {
    (4..=64).contains(&word.len()) && word.bytes().all(|c| c.is_ascii_hexdigit())
}

fn is_word(word: &str) -> bool {
    let inside = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    (1..=32).contains(&word.len()) && !word.starts_with('-') && word.bytes().all(inside)
}

fn is_app(word: &str) -> bool {
    let inside = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_');
    let first = word.bytes().next().is_some_and(|c| c.is_ascii_alphanumeric() || c == b'_');
    first && word.len() <= LONGEST && word.bytes().all(inside)
}

/// As `git check-ref-format` has it, and no option.
fn is_branch(word: &str) -> bool {
    let forbidden = |c: char| is_hidden(c) || c.is_whitespace() || "~^:?*[\\".contains(c);
    (1..=LONGEST).contains(&word.len())
        && !word.starts_with(['-', '/', '.'])
        && !word.ends_with(['/', '.'])
        && !["..", "//", "@{", "/."].iter().any(|part| word.contains(part))
        && !word.chars().any(forbidden)
}

/// The name of a database: nearly any text, and no option.
fn is_name(word: &str) -> bool {
    (1..=LONGEST).contains(&word.len()) && !word.starts_with('-') && !word.chars().any(|c| is_hidden(c) || c == '\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AppCode, BackupId, CopyRecord, Datastore, Restore, Source, Status};

    fn backup() -> Backup {
        let id: BackupId = "my-db-2026-04-08-14-30-00".parse().unwrap();
        let mut backup = Backup::draft(id.clone(), Datastore::Postgres, Source::Manual, id.at(), "me");
        backup.file = Some(format!("{id}.dump.zst"));
        backup.sha256 = Some("0a".repeat(32));
        (backup.image, backup.image_version) = (Some("postgres".to_owned()), Some("17.11".to_owned()));
        backup.database = Some("my db \u{e9}".to_owned());
        backup.apps.push(AppCode {
            app: "my-app".to_owned(),
            git_sha: Some("0a1b2c3d".to_owned()),
            deploy_branch: Some("feature/x-1".to_owned()),
            ..AppCode::default()
        });
        backup.destination = Some(CopyRecord::pending(format!("s3://bucket/a/postgres/my-db/{id}.dump.zst.age")));
        backup
    }

    fn wrong(change: impl Fn(&mut Backup)) -> Option<String> {
        let mut changed = backup();
        change(&mut changed);
        changed.wrong_word()
    }

    #[test]
    fn attack_419_a_record_names_its_own_file() {
        assert_eq!(backup().wrong_word(), None);
        for file in [
            "../../.dokku-backups",
            "/etc/passwd",
            "my-db-2026-04-08-14-30-01.dump",
            "my-db-2026-04-08-14-30-00.toml",
            "my-db-2026-04-08-14-30-00.dump/../../x.dump",
            "my-db-2026-04-08-14-30-00",
            "index.toml",
            "",
        ] {
            let said = wrong(|b| b.file = Some(file.to_owned())).unwrap_or_default();
            assert!(said.starts_with("file = "), "{file}: {said}");
        }
        let elsewhere = |uri: &str| wrong(|b| b.destination.as_mut().unwrap().uri = uri.to_owned());
        for uri in [
            "s3://bucket/a/postgres/other/my-db-2026-04-08-14-30-00.dump",
            "s3://bucket/a/postgres/my-db/my-db-2026-04-08-14-30-01.dump",
            "s3://bucket/my-db-2026-04-08-14-30-00.dump",
            "file:///etc/passwd",
        ] {
            assert!(elsewhere(uri).is_some(), "{uri}");
        }
        assert_eq!(elsewhere(""), None, "it could not be learnt");
    }

    #[test]
    fn attack_420_every_word_has_its_form() {
        let app = |change: &dyn Fn(&mut AppCode)| wrong(|b| change(&mut b.apps[0]));
        let some = |word: &str| Some(word.to_owned());
        for word in ["--output=/tmp/x", "HEAD", "abc", "0a1b2c3d..", "0a1b2c3d\n", ""] {
            assert!(app(&|a| a.git_sha = some(word)).is_some_and(|said| said.starts_with("git_sha = ")), "{word}");
        }
        for word in ["--upload-pack=x", "a..b", "a b", "a\u{1b}[31m", "/a", "a:b", "", "a\u{202e}b"] {
            assert!(app(&|a| a.deploy_branch = some(word)).is_some(), "{word}");
        }
        for word in ["../other", "-x", "a/b", "", "a b", "."] {
            assert!(app(&|a| a.app = word.to_owned()).is_some(), "{word}");
        }
        assert!(wrong(|b| b.image = some("--privileged")).is_some_and(|said| said.starts_with("image = ")));
        assert!(wrong(|b| b.image_version = some("1 -v /:/x")).is_some());
        assert!(wrong(|b| (b.image, b.image_version) = (None, some("-x"))).is_some());
        assert!(wrong(|b| b.database = some("--host=x")).is_some());
        assert!(wrong(|b| b.database = some("a\u{1b}b")).is_some());
        assert!(wrong(|b| b.schedules = vec!["dai\u{1b}ly".to_owned()]).is_some());
        assert!(wrong(|b| b.sha256 = some("x")).is_some());
        assert!(wrong(|b| b.encrypted_to = vec!["age1\u{1b}".to_owned()]).is_some());
        let restore = |target: &str| {
            let (started_at, by) = (backup().created_at, "me".to_owned());
            let (status, target) = (Status::Success, target.to_owned());
            let (finished_at, safety_backup, reason) = (None, None, None);
            Restore {
                started_at,
                finished_at,
                status,
                target,
                by,
                safety_backup,
                roles: Vec::new(),
                not_given: Vec::new(),
                reason,
            }
        };
        assert!(wrong(|b| b.restores = vec![restore("../x")]).is_some());
        assert_eq!(wrong(|b| b.restores = vec![restore("my-db")]), None);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut backup = backup();
        backup.image_version = Some("-x".to_owned());
        backup.database = Some("-x".to_owned());
        backup.apps[0].git_sha = Some("--output=x".to_owned());
        backup.apps[0].deploy_branch = Some("a b".to_owned());
        backup.apps.push(AppCode { app: "../x".to_owned(), ..AppCode::default() });
        backup.drop_wrong_words();
        assert_eq!((backup.wrong_word(), backup.notes.len(), backup.apps.len()), (None, 5, 1));
        assert!(backup.notes[0].contains("image = \"postgres:-x\""), "{:?}", backup.notes);
    }
}
