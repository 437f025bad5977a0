//! A service that is up: one file. A restore writes another and lets it take the first one's name in one call; which of
//! the two is there is told by the file's number.

use std::fs;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use dokku_backups::domain::{Comparison, Consent, OwnWay, Replacement, Settled};
use dokku_backups::engine::{Compared, Content, Dump, Live, Moment, Outlook, RestoreOptions};
use dokku_backups::error::{Failure, Kind, Result};
use dokku_backups::sys::child::{Child, Start};
use dokku_backups::sys::stdin::Input;
use toml::{Table, Value};

use super::engine::{Flaw, lines, opened, sealed};

/// The live data.
pub const DATA: &str = "data";
/// No service has more room: 1 GiB.
const ROOM: u64 = 1 << 30;

/// The folder of a service.
#[derive(Debug, Clone)]
pub struct File {
    pub folder: PathBuf,
    pub flaw: Option<Flaw>,
}

impl File {
    /// The number of the file `name`; 0 where there is none.
    fn number(&self, name: &str) -> Result<i64> {
        match fs::metadata(self.folder.join(name)) {
            Ok(found) => Ok(i64::try_from(found.ino()).unwrap_or(i64::MAX)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}

/// The plan in a replacement, if it is one of this engine's.
fn plan(to: &Replacement) -> Result<&Table> {
    match to {
        Replacement::Own(way) => Ok(&way.plan),
        Replacement::Databases(_) => Err(Failure::new(Kind::Catalogue, "this is not a plan of Bytes")),
    }
}

fn word<'a>(plan: &'a Table, key: &str) -> &'a str {
    plan.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn number(plan: &Table, key: &str) -> i64 {
    plan.get(key).and_then(Value::as_integer).unwrap_or_default()
}

/// All bytes of a dump.
pub fn read(dump: Dump) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match dump.into_input() {
        Input::Nothing => {}
        Input::File(mut file) => drop(file.read_to_end(&mut bytes)?),
        Input::Stream(mut stream) => drop(stream.read_to_end(&mut bytes)?),
    }
    Ok(bytes)
}

impl Live for File {
    fn uninterruptible(&self) -> Box<dyn Live> {
        Box::new(self.clone())
    }

    fn moment(&self) -> Result<Moment> {
        Ok(Moment::default())
    }

    fn dump(&self, idle: Duration, _grants: bool) -> Result<Child> {
        let dump = sealed(&fs::read(self.folder.join(DATA))?);
        Child::start(Start {
            what: "cat".to_owned(),
            program: "/bin/cat".into(),
            args: Vec::new(),
            env: Vec::new(),
            stdin: Input::Stream(Box::new(std::io::Cursor::new(dump))),
            idle,
            interruptible: true,
        })
    }

    fn waits_for(&self) -> Result<Option<String>> {
        Ok(None)
    }

    fn end_dumps(&self, _: Range<DateTime<Utc>>) -> Result<()> {
        Ok(())
    }

    fn has_data(&self) -> Result<bool> {
        Ok(self.number(DATA)? != 0)
    }

    fn outlook(&self, _: Option<&Content>, _: &Consent) -> Result<Outlook> {
        Ok(Outlook::default())
    }

    fn has_room(&self, content: &Content) -> Result<()> {
        if content.data_bytes > ROOM {
            return Err(Failure::new(Kind::NoSpace, "there is no such room").hint("make some"));
        }
        Ok(())
    }

    fn plan(&self, mark: &str, _: bool, _: &[String], _: Option<&Replacement>) -> Result<Replacement> {
        let plan = Table::from_iter([
            ("fresh".to_owned(), Value::from(format!("{DATA}.{mark}"))),
            ("before".to_owned(), Value::from(self.number(DATA)?)),
            ("made".to_owned(), Value::from(0)),
        ]);
        Ok(Replacement::Own(OwnWay { live: DATA.to_owned(), plan }))
    }

    fn make(&self, to: &mut Replacement) -> Result<()> {
        let fresh = word(plan(to)?, "fresh").to_owned();
        fs::write(self.folder.join(&fresh), b"")?;
        if let Replacement::Own(way) = to {
            way.plan.insert("made".to_owned(), Value::from(self.number(&fresh)?));
        }
        Ok(())
    }

    fn fill(&self, to: &Replacement, dump: Option<Dump>, _: RestoreOptions) -> Result<Compared> {
        let Some(dump) = dump else {
            return Ok(Compared {
                tables: 0,
                rows: 0,
                how: Comparison::Rows,
                not_compared: Vec::new(),
                not_given: Vec::new(),
            });
        };
        let bytes = read(dump)?;
        let data = opened(&bytes)?;
        let place = if self.flaw == Some(Flaw::FillsLive) { DATA } else { word(plan(to)?, "fresh") };
        fs::write(self.folder.join(place), data)?;
        Ok(Compared {
            tables: 1,
            rows: lines(data),
            how: Comparison::Rows,
            not_compared: Vec::new(),
            not_given: Vec::new(),
        })
    }

    fn commit(&self, to: &Replacement) -> Result<()> {
        Ok(fs::rename(self.folder.join(word(plan(to)?, "fresh")), self.folder.join(DATA))?)
    }

    fn settle(&self, to: &Replacement) -> Result<Settled> {
        let plan = plan(to)?;
        let (now, before, made) = (self.number(DATA)?, number(plan, "before"), number(plan, "made"));
        if now != 0 && now == made {
            return Ok(Settled::Finished);
        }
        if self.flaw == Some(Flaw::SettlesBlindly) {
            return Ok(Settled::Finished);
        }
        if self.flaw != Some(Flaw::LeavesMade)
            && let Err(error) = fs::remove_file(self.folder.join(word(plan, "fresh")))
            && error.kind() != ErrorKind::NotFound
        {
            return Err(error.into());
        }
        Ok(match now {
            same if same == before => Settled::Undone,
            0 => Settled::Gone,
            _ => Settled::Stranger,
        })
    }
}
