//! Where a foreign dump comes from: a file of this host, stdin, an address, a server elsewhere.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::catalogue::LockedCatalogue;
use crate::dokku::Info;
use crate::domain::{Datastore, is_hidden};
use crate::engine::{self, Remote};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::addresses::{private, reach};
use crate::operations::intake::Bytes;
use crate::operations::intake::folder::dump_in_folder;
use crate::properties::IMPORT_TIMEOUT;
use crate::sys::fetch::{Bounds, fetch};
use crate::sys::incoming::{self, Named, Stdin, Within};
use crate::sys::secret;

/// Where it comes from.
#[derive(Debug)]
pub enum Foreign {
    /// A file of this host.
    File(PathBuf),
    /// Whatever is poured in.
    Stdin,
    /// An address; it may hold a password or a token.
    Url(String),
    /// A database of a server elsewhere.
    Server(Box<dyn Remote>),
}

/// A dump on its way.
pub struct Coming {
    /// Its bytes.
    pub bytes: Bytes,
    /// What messages and the record call it: never the whole address.
    pub name: String,
    /// How large it is as it comes, where that is known.
    pub size: Option<u64>,
}

impl Foreign {
    /// From the words `--file`, `--url` and `--from`, of which at most one is there.
    pub fn of(
        context: &Context,
        datastore: Datastore,
        file: Option<&Path>,
        url: Option<&str>,
        server: Option<&str>,
    ) -> Result<Option<Foreign>> {
        // Said once, for whoever does not know that the arguments of a program are public on its host.
        let open = |what: &str, flag: &str| {
            context
                .ui
                .warn(&format!("the {what} stands among this command's arguments, for all users of the host to see"));
            context.ui.warn(&format!("next time, with it on stdin: {flag} -"));
        };
        let engine = engine::of(datastore);
        Ok(match (file, url, server) {
            (Some(file), ..) if file == Path::new("-") => Some(Foreign::Stdin),
            (Some(file), ..) if !file.is_absolute() => {
                return Err(Failure::new(Kind::Usage, format!("{} is no absolute path", file.display()))
                    .hint("dokku stands in another folder than you: give the whole path, or pour it in: --file -"));
            }
            (Some(file), ..) => Some(Foreign::File(file.to_owned())),
            (_, Some("-"), _) => Some(Foreign::Url(secret::stdin()?.trim().to_owned())),
            (_, Some(url), _) => {
                if url::Url::parse(url).is_ok_and(|url| url.password().is_some()) {
                    open("password", "--url");
                }
                Some(Foreign::Url(url.to_owned()))
            }
            (_, _, Some("-")) => Some(Foreign::Server(engine.remote(&secret::stdin()?)?)),
            (_, _, Some(text)) => {
                let dsn = engine.remote(text)?;
                if dsn.has_password() {
                    open("password", "--from");
                }
                Some(Foreign::Server(dsn))
            }
            (None, None, None) => None,
        })
    }

    /// Begins to read it, for the catalogue `into`.
    pub fn open(&self, context: &Context, into: &LockedCatalogue, info: &Info) -> Result<Coming> {
        let settings = &context.settings;
        // The service's lock is held until all of it is here.
        let seconds = context.properties().computed(into.service(), &IMPORT_TIMEOUT)?;
        let total = Duration::from_secs(seconds.parse().unwrap_or(u64::MAX / 1000));
        match self {
            Foreign::File(path) => file(context, into.service().datastore, path, total),
            Foreign::Stdin => {
                let bytes = Box::new(Stdin::take(settings.idle, total)?);
                Ok(Coming { bytes, name: "stdin".to_owned(), size: None })
            }
            Foreign::Url(url) => {
                let private = private(context)?;
                let bounds = Bounds { idle: settings.idle, total, private };
                let download = fetch(url, &bounds)?;
                let (name, size) = (download.host().to_owned(), download.size);
                Ok(Coming { bytes: Box::new(download), name, size })
            }
            Foreign::Server(dsn) => {
                let service = into.service();
                let dsn = dsn.at(addresses(context, &**dsn)?);
                let image = info.image.as_ref().zip(info.image_version.as_ref());
                let (image, version) = image.ok_or_else(|| {
                    Failure::new(Kind::Config, format!("the image of {service} could not be learnt"))
                        .remedy("see", format!("dokku {}:info {service}", service.datastore))
                })?;
                let root = settings.data_root.display().to_string();
                let docker = context.docker()?;
                let image = format!("{image}:{version}");
                context.ui.step(&format!("Dumping {} with {image}", dsn.words()));
                let bytes = dsn.dump(&docker, &image, &root, service, settings.idle, total)?;
                Ok(Coming { bytes, name: dsn.words(), size: None })
            }
        }
    }
}

/// Where the server is: what its name stands for now, as far as it may be asked. Its container is told these numbers, and
/// does not ask for the name again.
fn addresses(context: &Context, dsn: &dyn Remote) -> Result<Vec<IpAddr>> {
    reach(context)?
        .addresses(dsn.host())?
        .ok_or_else(|| Failure::new(Kind::Child, format!("{} could not be dumped: its host is not known", dsn.words())))
}

fn file(context: &Context, datastore: Datastore, path: &Path, total: Duration) -> Result<Coming> {
    let settings = &context.settings;
    let named = incoming::open(path)?;
    // What lies below Dokku's own folders belongs to services and apps that the caller may not be allowed to see.
    for own in [&settings.lib_root, &settings.apps_root] {
        let own = own.canonicalize().unwrap_or_else(|_| own.clone());
        if named.truly().starts_with(&own) {
            let text = format!("{} lies below {}, in Dokku's own folders", path.display(), own.display());
            return Err(Failure::new(Kind::Refused, text)
                .hint("a backup of another service: --from-service SERVICE --id ID")
                .hint("another file: move it elsewhere first"));
        }
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name: String = name.chars().map(|c| if is_hidden(c) { '?' } else { c }).take(200).collect();
    Ok(match named {
        Named::File(file, _) => {
            Coming { size: Some(file.size()?), bytes: Box::new(Within::new(file, &name, total)), name }
        }
        Named::Folder(dir) => {
            let bytes = dump_in_folder(engine::of(datastore), dir)?;
            Coming { size: None, bytes: Box::new(Within::new(bytes, &name, total)), name }
        }
    })
}

impl std::fmt::Debug for Coming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}
