//! What in a dump is more than data, found while the dump is read and before anything of it runs: what no consent lets
//! pass, what is on no list, what only a superuser can make, and what code will live in the database afterwards.

/// The longest statement that a superuser runs for a dump, in bytes.
const LONGEST: usize = 96 << 10;

/// What a dump from elsewhere asks for beyond making and filling its own objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForeignCode {
    /// Never passed on, whatever was allowed: it ends our transaction, switches roles, sets the server or another database,
    /// or is a command for the client program itself. Each with its place: `line 6: ...`, `entry 214: ...`.
    pub refused: Vec<String>,
    /// On no list of ours. Passed on, to a role without privileges, where `--allow-programs` says so.
    pub unlisted: Vec<Unlisted>,
    /// What only a superuser can make; made by us, in place of the role that restores the rest.
    pub privileged: Vec<Privileged>,
    /// Code that lives in the database after the restore, counted by kind for the plan: `3 triggers`.
    pub lives_on: Vec<String>,
    /// Roles that its policies and user mappings name, sorted: where one of them is missing nothing of it restores.
    pub roles: Vec<String>,
}

/// A statement that no well-known dump program writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlisted {
    /// Its place and its first words: `line 6: ...`, `entry 214: ...`.
    pub what: String,
    /// What the server would have to let the role do for it.
    pub needs: Need,
}

/// What a statement needs beyond the rights of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: if it asks for more, the server refuses it.
    Nothing,
    /// To run a program in the service's container.
    Programs,
    /// To read and write files of the server's.
    ServerFiles,
}

/// One statement that only a superuser may run, known by what it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privileged {
    /// What it makes, as `--as-superuser` names it: `extension:hstore`, `event-trigger:audit`.
    pub item: String,
    /// Its place: `line 6`, `entry 214`.
    pub place: String,
    /// The statement, exactly one, without its `;`.
    pub sql: String,
    /// When it runs.
    pub stage: Stage,
    /// Whether it has to be named in `--as-superuser`, and why; what is harmless need not.
    pub danger: Option<String>,
}

/// When a superuser's statement runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// In the empty database, before anything of the dump runs: extensions.
    Before,
    /// After types and functions are there, before the data: operator classes, casts, languages.
    Middle,
    /// When all data are in: event triggers, publications, comments on what was made here.
    After,
}

/// What was agreed to on the command line, for this one restore.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consent {
    /// `--allow-programs`: what is on no list is passed on.
    pub programs: bool,
    /// `--as-superuser ITEM,...`: the privileged statements that are named.
    pub superuser: Vec<String>,
    /// `--skip-extension NAME,...`: extensions that are left out, with what they hold.
    pub skipped: Vec<String>,
}

impl Consent {
    /// Whether `item` was named.
    pub fn names(&self, item: &Privileged) -> bool {
        self.superuser.contains(&item.item)
    }
}

impl ForeignCode {
    /// What is left of it when `extensions` are left out.
    #[must_use]
    pub fn without(mut self, extensions: &[String]) -> ForeignCode {
        let left_out = |item: &Privileged| {
            item.item.strip_prefix("extension:").is_some_and(|name| extensions.iter().any(|left| left == name))
        };
        self.privileged.retain(|item| !left_out(item));
        self
    }

    /// What stands in the way of a restore: first what nothing allows, then what `consent` does not. Empty: nothing does.
    pub fn objections(&self, consent: &Consent) -> Vec<Objection> {
        let mut found: Vec<Objection> =
            self.refused.iter().map(|what| Objection { what: what.clone(), remedy: None }).collect();
        // It becomes an argument of a program.
        let too_long = |item: &&Privileged| item.sql.len() > LONGEST || item.sql.contains('\0');
        found.extend(self.privileged.iter().filter(too_long).map(|item| Objection {
            what: format!("{}: {} is too long, or holds a NUL byte", item.place, item.item),
            remedy: None,
        }));
        if !consent.programs {
            let unlisted = |unlisted: &Unlisted| Objection {
                what: unlisted.what.clone(),
                remedy: Some("--allow-programs".to_owned()),
            };
            found.extend(self.unlisted.iter().map(unlisted));
        }
        let dangerous = self.privileged.iter().filter(|item| !consent.names(item));
        found.extend(dangerous.filter_map(|item| {
            let danger = item.danger.as_ref()?;
            let what = format!("{}: {} ({danger})", item.place, item.item);
            Some(Objection { what, remedy: Some(format!("--as-superuser {}", item.item)) })
        }));
        found
    }
}

/// One thing in a dump that stands in the way of its restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Where it is and what.
    pub what: String,
    /// The option that lets it pass; none: nothing does.
    pub remedy: Option<String>,
}
