//! Which addresses this host lets itself be sent to. One rule for all that anybody may name: where imports come from,
//! where notices go, where copies go.

use crate::domain::Private;
use crate::error::Result;
use crate::operations::Context;
use crate::properties::{GLOBAL, PRIVATE_ADDRESSES};
use crate::sys::reach::Reach;

/// The private addresses that may be asked. Of the whole host only: whoever may set a service's properties must not open
/// its networks.
pub fn private(context: &Context) -> Result<Private> {
    let set = context.properties().get(GLOBAL, PRIVATE_ADDRESSES.key)?;
    // Checked when it was set; whatever somebody has written there since opens nothing.
    Ok(set.and_then(|set| set.parse().ok()).unwrap_or_default())
}

/// What may be connected to.
pub fn reach(context: &Context) -> Result<Reach> {
    private(context).map(Reach::new)
}
