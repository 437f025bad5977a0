//! The engine: its dumps are the bytes themselves, framed so that their end can be proven.

use std::io::{Read, Write};
use std::path::PathBuf;

use dokku_backups::domain::{BackupId, DumpFormat, ForeignCode, Service, TableRows};
use dokku_backups::engine::{Content, Engine, Format, Live, Owner, Parts, Remote, Scratch, file_kind};
use dokku_backups::error::{Failure, Kind, Result, Speech};
use dokku_backups::sys::docker::Docker;
use sha2::{Digest, Sha256};

use super::live::File;
use super::scratch::Folder;

/// What a dump begins with.
const BEGINNING: &[u8] = b"BYTES 1\n";
/// A SHA-256 ends it.
const SUM: usize = 32;

/// The engine of the services below one folder.
#[derive(Debug)]
pub struct Bytes {
    pub root: PathBuf,
    /// A promise that it breaks, for a test of the tests.
    pub flaw: Option<Flaw>,
}

/// Promises to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// A dump that is cut passes.
    TakesCuts,
    /// The live data is filled.
    FillsLive,
    /// What was made stays when a replacement is undone.
    LeavesMade,
    /// What was undone is called finished.
    SettlesBlindly,
    /// The throw-away servers of other hosts are swept too.
    SweepsOthers,
    /// Nothing is compared.
    ComparesNothing,
}

/// The dump of `data`.
pub fn sealed(data: &[u8]) -> Vec<u8> {
    [BEGINNING, data, &Sha256::digest(data)].concat()
}

/// What is in a dump; fails as `damaged` unless it is whole.
pub fn opened(dump: &[u8]) -> Result<&[u8]> {
    let damaged = |why: &str| Failure::new(Kind::Damaged, "the dump is damaged").because(why.to_owned());
    let rest = dump.strip_prefix(BEGINNING).ok_or_else(|| damaged("its beginning is missing"))?;
    let (data, sum) = rest.split_at_checked(rest.len().wrapping_sub(SUM)).ok_or_else(|| damaged("it is cut"))?;
    if Sha256::digest(data)[..] != *sum {
        return Err(damaged("its end is not there"));
    }
    Ok(data)
}

/// Lines of some data.
pub fn lines(data: &[u8]) -> u64 {
    data.iter().filter(|byte| **byte == b'\n').count() as u64
}

const SPEECH: Speech = Speech { programs: &[], places: &[], is_spoken: |_| false };

impl Engine for Bytes {
    fn label(&self) -> &'static str {
        "Bytes"
    }

    fn formats(&self) -> &'static [Format] {
        &[Format { format: DumpFormat::Custom, words: "bytes" }]
    }

    fn recognise(&self, head: &[u8], name: &str) -> Result<DumpFormat> {
        if head.starts_with(BEGINNING) {
            return Ok(DumpFormat::Custom);
        }
        let text = format!("{name} is not a dump of Bytes: it looks like {}", file_kind::sniff(head));
        Err(Failure::new(Kind::Damaged, text).hint("make another with its export"))
    }

    fn index(&self) -> Option<&'static str> {
        None
    }

    fn gather(&self, _: Parts) -> Result<Box<dyn Read + Send>> {
        Err(Failure::new(Kind::Damaged, "no dump of bytes is in several files"))
    }

    fn hung_hint(&self) -> &'static str {
        "see whether the disk still answers"
    }

    fn speech(&self) -> &'static Speech {
        &SPEECH
    }

    fn unpack(&self, dump: &mut dyn Read, unpacked: &mut dyn Write) -> Result<Content> {
        let mut bytes = Vec::new();
        dump.read_to_end(&mut bytes)?;
        unpacked.write_all(&bytes)?;
        self.inspect(DumpFormat::Custom, &mut &bytes[..])
    }

    fn inspect(&self, format: DumpFormat, dump: &mut dyn Read) -> Result<Content> {
        let mut bytes = Vec::new();
        dump.read_to_end(&mut bytes)?;
        let data = match opened(&bytes) {
            Err(_) if self.flaw == Some(Flaw::TakesCuts) => &bytes[..],
            answer => answer?,
        };
        Ok(Content {
            format,
            programs: Vec::new(),
            code: ForeignCode::default(),
            ambiguous: None,
            tables: vec![TableRows {
                schema: String::new(),
                name: "lines".to_owned(),
                rows: lines(data),
                digest: None,
            }],
            server_version: String::new(),
            dump_tool_version: String::new(),
            database: String::new(),
            encoding: None,
            is_not_utf8: false,
            extensions: Vec::new(),
            extension_tables: Vec::new(),
            large_objects: 0,
            large_object_digest: None,
            objects: Vec::new().into(),
            grants: Vec::new().into(),
            data_bytes: data.len() as u64,
        })
    }

    fn attach(&self, _: &Docker, service: &Service, _: Option<&str>) -> Box<dyn Live> {
        Box::new(File { folder: self.root.join(service.name.as_str()), flaw: self.flaw })
    }

    fn disposable(
        &self,
        _: &Docker,
        _: &str,
        owner: &Owner,
        _: &str,
        _: &dyn Fn() -> Option<String>,
        removed: Box<dyn FnOnce() + Send + Sync>,
    ) -> Result<Box<dyn Scratch>> {
        Ok(Box::new(Folder::start(&self.root, owner, self.flaw, removed)?))
    }

    fn sweep(&self, _: &Docker, root: &str, is_worked_on: &dyn Fn(&Service, &BackupId) -> bool) -> Result<usize> {
        Folder::sweep(&self.root, root, self.flaw, is_worked_on)
    }

    fn remote(&self, _: &str) -> Result<Box<dyn Remote>> {
        Err(Failure::new(Kind::Usage, "Bytes has no servers elsewhere").hint("give a file: --file PATH"))
    }

    fn sweep_remote(&self, _: &Docker, _: &str, _: &Service) -> Result<()> {
        Ok(())
    }
}
