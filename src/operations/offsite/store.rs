//! From what was set to the store that copies go to.

use crate::destination::{Place, Secret, Store};
use crate::domain::{Bucket, Service};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::properties::{
    DESTINATION, DESTINATION_ENDPOINT, DESTINATION_KEY_ID, DESTINATION_REGION, DESTINATION_SECRET, GLOBAL,
    PRIVATE_ADDRESSES, Property, folder,
};
use crate::sys::reach::Reach;

/// The place that `value` of each property describes; `None` where there is no destination. `scope` is what the person
/// would type in `backups:set`.
pub fn place(context: &Context, scope: &str, value: &dyn Fn(&Property) -> Result<String>) -> Result<Option<Place>> {
    let destination = value(&DESTINATION)?;
    if destination == "none" || destination.is_empty() {
        return Ok(None);
    }
    let bucket: Bucket = destination.parse().map_err(|e| Failure::new(Kind::Config, "the destination").because(e))?;
    let (key_id, secret) = (value(&DESTINATION_KEY_ID)?, value(&DESTINATION_SECRET)?);
    for (property, value, form) in [(DESTINATION_KEY_ID, &key_id, "KEY-ID"), (DESTINATION_SECRET, &secret, "- < FILE")]
    {
        if value.is_empty() {
            let text = format!("{} is not set; without it {bucket} lets nobody in", property.key);
            return Err(Failure::new(Kind::Config, text)
                .hint(format!("set it first: dokku backups:set {scope} {} {form}", property.key)));
        }
    }
    Ok(Some(Place {
        bucket,
        endpoint: Some(value(&DESTINATION_ENDPOINT)?).filter(|endpoint| !endpoint.is_empty()),
        region: value(&DESTINATION_REGION)?,
        key_id: Secret::new(key_id),
        secret: Secret::new(secret),
        patience: context.settings.idle,
        reach: Reach::new(value(&PRIVATE_ADDRESSES)?.parse().unwrap_or_default()),
    }))
}

/// Refuses to sign with the host's own key for another store than the host's: whoever may set a service's properties would
/// reach with it whatever it opens. `own` and `global` are what is set in either scope.
pub fn has_own_key(
    scope: &str,
    own: &dyn Fn(&Property) -> Result<Option<String>>,
    global: &dyn Fn(&Property) -> Result<Option<String>>,
) -> Result<()> {
    let mut elsewhere = None;
    for property in [&DESTINATION, &DESTINATION_ENDPOINT] {
        let set = own(property)?.filter(|own| own != property.default);
        let same = |global: Option<String>| global.as_deref().map(bare) == set.as_deref().map(bare);
        if set.is_some() && !same(global(property)?) {
            elsewhere = Some(property.key);
        }
    }
    let Some(elsewhere) = elsewhere else { return Ok(()) };
    for (property, form) in [(&DESTINATION_KEY_ID, "KEY-ID"), (&DESTINATION_SECRET, "- < FILE")] {
        if own(property)?.is_none() && global(property)?.is_some() {
            let text = format!(
                "{scope} has {elsewhere} of its own, which takes a key of its own: {} is not set for it",
                property.key
            );
            return Err(Failure::new(Kind::Refused, text)
                .hint(format!("set it first: dokku backups:set {scope} {} {form}", property.key))
                .hint(format!("or all in one go, KEY VALUE, one a line: dokku backups:set {scope} - < FILE"))
                .hint(format!("or go to where all services go: dokku backups:set {scope} {elsewhere}")));
        }
    }
    Ok(())
}

fn bare(address: &str) -> &str {
    address.trim_end_matches('/')
}

/// The place for copies of `service`.
pub fn place_of(context: &Context, service: &Service) -> Result<Option<Place>> {
    let properties = context.properties();
    if properties.computed(service, &DESTINATION)? != DESTINATION.default {
        let own = |property: &Property| properties.get(&folder(service), property.key);
        let global = |property: &Property| properties.get(GLOBAL, property.key);
        has_own_key(service.name.as_str(), &own, &global)?;
    }
    place(context, service.name.as_str(), &|property| context.properties().computed(service, property))
}

/// The store for copies of `service`, where one is set.
pub fn store_of(context: &Context, service: &Service) -> Result<Option<Store>> {
    place_of(context, service)?.map(Store::open).transpose()
}

/// The store for copies of every service that has none of its own.
pub fn global_store(context: &Context) -> Result<Option<Store>> {
    let value = |property: &Property| {
        let set = context.properties().get(GLOBAL, property.key)?;
        Ok(set.unwrap_or_else(|| property.default.to_owned()))
    };
    place(context, GLOBAL, &value)?.map(Store::open).transpose()
}

/// The store that has the copy at `uri`, and its key there. The bucket is the one it was put into; the way there is
/// what is set now.
pub fn store_with(context: &Context, service: &Service, uri: &str) -> Result<(Store, String)> {
    let unset = || {
        Failure::new(Kind::Config, format!("no destination is set for {service}; its copy lies at {uri}"))
            .hint(format!("set it: dokku backups:set {service} destination s3://BUCKET/PREFIX"))
    };
    let place = place_of(context, service)?.ok_or_else(unset)?;
    let object: Bucket = uri.parse().map_err(|e| Failure::new(Kind::Catalogue, uri.to_owned()).because(e))?;
    let Bucket { name, prefix: key } = object;
    let bucket = if name == place.bucket.name { place.bucket.clone() } else { Bucket { name, prefix: String::new() } };
    Ok((Store::open(Place { bucket, ..place })?, key))
}
