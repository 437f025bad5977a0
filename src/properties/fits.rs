//! What form a value has to have, property by property.

use url::Url;

/// An address of the web.
pub(super) fn is_address(value: &str) -> bool {
    Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// A size in Docker's words.
pub(super) fn is_size(value: &str) -> bool {
    value.strip_suffix(['k', 'm', 'g']).is_some_and(is_number)
}

/// A switch.
pub(super) fn is_switch(value: &str) -> bool {
    matches!(value, "on" | "off")
}

/// A switch; and why it is off.
pub(super) fn is_check(value: &str) -> bool {
    let is_off = value == "off" || value.strip_prefix("off ").is_some_and(|why| !why.trim().is_empty());
    value == "on" || is_off && value.chars().count() <= 200 && !value.chars().any(char::is_control)
}

/// Public keys of age.
pub(super) fn are_recipients(value: &str) -> bool {
    let mut words = value.split([' ', ',']).filter(|word| !word.is_empty()).peekable();
    words.peek().is_some() && words.all(|word| word.parse::<age::x25519::Recipient>().is_ok())
}

/// A word.
pub(super) fn is_word(value: &str) -> bool {
    value.len() <= 256 && value.bytes().all(|c| c.is_ascii_graphic())
}

/// An address without a user, a password, a query: none of these would be kept from messages and reports.
pub(super) fn is_endpoint(value: &str) -> bool {
    let Ok(url) = Url::parse(value) else { return false };
    let bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    matches!(url.scheme(), "http" | "https") && url.has_host() && bare && value.len() <= 255
}

/// A number that is not 0.
pub(super) fn is_number(value: &str) -> bool {
    value.parse::<u64>().is_ok_and(|number| number > 0)
}
