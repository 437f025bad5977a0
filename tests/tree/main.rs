//! The tree itself: its walls, what is checked in because it is made from the sources, and the reader of archives. One
//! program, since each links everything that the plugin is made of.
#![allow(clippy::disallowed_methods, missing_docs)] // A test reads files.

mod architecture;
mod archive;
mod compatibility;
mod man;
mod remedies;
mod schema;
