//! A dump in several files, on its way to becoming one: those of a tar file come in their order, those of a folder by name.

use std::io::Read;

use crate::error::Result;

/// The files of one dump.
#[derive(Debug)]
pub enum Parts {
    /// One after the other; the first one, the engine's index, is at hand.
    InOrder(Box<dyn InOrder>),
    /// Whichever is asked for.
    ByName(Box<dyn ByName>),
}

/// Files that come one after the other.
pub trait InOrder: Read + Send + std::fmt::Debug {
    /// Goes to the next file and says its name, without the folders before it; none behind the last. What was not read of
    /// the one before is passed over.
    fn advance(&mut self) -> Result<Option<String>>;
}

/// Files that can be had in any order.
pub trait ByName: Send + std::fmt::Debug {
    /// Opens the file called `name`; none where there is none. Nothing but a regular file is opened.
    fn open(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>>;
}
