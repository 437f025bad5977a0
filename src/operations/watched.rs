//! What takes long and is waited for: a bar, and how long it still takes.

use crate::domain::Service;
use crate::engine::Dump;
use crate::operations::Context;
use crate::ui::Progress;

/// The same dump of `service`; on a terminal a bar shows how much of it has been poured.
pub fn watched(context: &Context, service: &Service, dump: Dump) -> Dump {
    if !context.ui.is_watched() {
        return dump;
    }
    let mut progress = Progress::new(context.ui, service.name.as_str(), dump.length());
    dump.followed(move |count| progress.add(count))
}
