//! What takes long and is waited for: how far it is, here and to whoever asks.

use crate::engine::Dump;
use crate::error::Phase;
use crate::operations::Context;
use crate::ui::Progress;

/// The same dump; how much of it has been poured is told.
pub fn watched(context: &Context, dump: Dump) -> Dump {
    let mut progress = Progress::new(context.ui, Phase::Fill, dump.length());
    dump.followed(move |count| progress.add(count))
}
