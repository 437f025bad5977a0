//! From what was set to the store that copies go to.

use crate::domain::{Destination, Service};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::properties::{
    DESTINATION, DESTINATION_ENDPOINT, DESTINATION_KEY_ID, DESTINATION_REGION, DESTINATION_SECRET, GLOBAL,
    PRIVATE_ADDRESSES, Property, folder,
};
use crate::store::{self, Place, Secret, Store};
use crate::sys::reach::Reach;

/// The place that `value` of each property describes; `None` where there is no destination. `scope` is what the person
/// would type in `backups:set`.
pub fn place(context: &Context, scope: &str, value: &dyn Fn(&Property) -> Result<String>) -> Result<Option<Place>> {
    let destination = value(&DESTINATION)?;
    if destination == "none" || destination.is_empty() {
        return Ok(None);
    }
    let destination = destination.parse().map_err(|e| Failure::new(Kind::Config, "the destination").because(e))?;
    place_at(context, scope, value, destination).map(Some)
}

/// The same for a destination that is known: how to be let in there.
fn place_at(
    context: &Context,
    scope: &str,
    value: &dyn Fn(&Property) -> Result<String>,
    destination: Destination,
) -> Result<Place> {
    let (key_id, secret) = (value(&DESTINATION_KEY_ID)?, value(&DESTINATION_SECRET)?);
    let access = [(DESTINATION_KEY_ID, &key_id, "KEY-ID"), (DESTINATION_SECRET, &secret, "- < FILE")];
    for (property, value, form) in access.into_iter().filter(|_| destination.scheme().takes_a_key()) {
        if value.is_empty() {
            let text = format!("{} is not set; without it {destination} lets nobody in", property.key);
            return Err(Failure::new(Kind::Config, text)
                .hint(format!("set it first: dokku backups:set {scope} {} {form}", property.key)));
        }
    }
    Ok(Place {
        destination,
        endpoint: Some(value(&DESTINATION_ENDPOINT)?).filter(|endpoint| !endpoint.is_empty()),
        region: value(&DESTINATION_REGION)?,
        key_id: Secret::new(key_id),
        secret: Secret::new(secret),
        patience: context.settings.idle,
        reach: Reach::new(value(&PRIVATE_ADDRESSES)?.parse().unwrap_or_default()),
    })
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
        // What is not reached with a key is no place that one would be sent to.
        let takes_a_key = |own: &String| own.parse().map_or(true, |place: Destination| place.scheme().takes_a_key());
        let set = own(property)?.filter(|own| own != property.default && takes_a_key(own));
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
                .remedy("or go to where all services go", format!("dokku backups:set {scope} {elsewhere}")));
        }
    }
    Ok(())
}

fn bare(address: &str) -> &str {
    address.trim_end_matches('/')
}

/// The place for copies of `service`.
pub fn place_of(context: &Context, service: &Service) -> Result<Option<Place>> {
    let destination = context.properties().computed(service, &DESTINATION)?;
    if destination == DESTINATION.default || destination.is_empty() {
        return Ok(None);
    }
    let destination = destination.parse().map_err(|e| Failure::new(Kind::Config, "the destination").because(e))?;
    place_for(context, service, destination).map(Some)
}

/// `destination`, with what is set for `service` to be let in.
fn place_for(context: &Context, service: &Service, destination: Destination) -> Result<Place> {
    let (properties, scope) = (context.properties(), service.name.as_str());
    if destination.scheme().takes_a_key() {
        let own = |property: &Property| properties.get(&folder(service), property.key);
        let global = |property: &Property| properties.get(GLOBAL, property.key);
        has_own_key(scope, &own, &global)?;
    }
    place_at(context, scope, &|property| properties.computed(service, property), destination)
}

/// The store for copies of `service`, where one is set.
pub fn store_of(context: &Context, service: &Service) -> Result<Option<Box<dyn Store>>> {
    place_of(context, service)?.map(store::open).transpose()
}

/// The store for copies of every service that has none of its own.
pub fn global_store(context: &Context) -> Result<Option<Box<dyn Store>>> {
    let value = |property: &Property| {
        let set = context.properties().get(GLOBAL, property.key)?;
        Ok(set.unwrap_or_else(|| property.default.to_owned()))
    };
    place(context, GLOBAL, &value)?.map(store::open).transpose()
}

/// The store that has the copy at `uri`, and its key there. It is the destination that it was put into; the way there is
/// what is set now.
pub fn store_with<'a>(context: &Context, service: &Service, uri: &'a str) -> Result<(Box<dyn Store>, &'a str)> {
    let set = context.properties().computed(service, &DESTINATION)?;
    if set == DESTINATION.default || set.is_empty() {
        return Err(Failure::new(Kind::Config, format!("no destination is set for {service}; its copy lies at {uri}"))
            .hint(format!("set it: dokku backups:set {service} destination s3://BUCKET/PREFIX or file:///FOLDER")));
    }
    let (destination, key) = Destination::of_copy(uri)
        .ok_or_else(|| Failure::new(Kind::Catalogue, format!("{uri} is not the address of a copy")))?;
    Ok((store::open(place_for(context, service, destination)?)?, key))
}
