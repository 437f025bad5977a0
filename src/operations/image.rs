//! The image that a backup is tried in, or forked into. A record names the one it was made with; a stranger's record names
//! whatever it likes, and only what a service of this host has is started for it.

use crate::dokku::Dokku;
use crate::domain::{Backup, ImageRef, Service};
use crate::error::{Failure, Kind, Result};

/// Name and version of the image for `backup` of `service`; `None` where neither its record nor the service tells.
pub fn image_of(dokku: &Dokku, service: &Service, backup: &Backup) -> Option<(String, String)> {
    let recorded = backup.image.clone().zip(backup.image_version.clone()).filter(|_| !backup.is_stranger());
    let live = || dokku.info(service).ok().and_then(|info| info.image.zip(info.image_version));
    recorded.or_else(live)
}

/// The same in one word, to be started.
pub fn image(dokku: &Dokku, service: &Service, backup: &Backup) -> Result<ImageRef> {
    let (name, version) = image_of(dokku, service, backup).ok_or_else(|| {
        let id = &backup.id;
        if backup.is_stranger() {
            Failure::new(
                Kind::Config,
                format!("{id} was made elsewhere, and there is no service {service} to take an image from"),
            )
            .remedy("make the service first", format!("dokku {}:create {service}", service.datastore))
        } else {
            Failure::new(Kind::Config, format!("the image of {id} is neither recorded nor to be learnt"))
                .remedy("start the service and try again", format!("dokku {}:start {service}", service.datastore))
        }
    })?;
    ImageRef::of(&name, &version)
        .map_err(|error| Failure::new(Kind::Config, format!("{:?}", format!("{name}:{version}"))).because(error))
}
