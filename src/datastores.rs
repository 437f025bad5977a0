//! The datastores that there are: one line each, its type and its folder below `engine`. The folder is called like the
//! datastore's Dokku plugin. From these lines come the names in `domain` and the engines in `engine`.

/// Hands the lines to the macro `make`.
macro_rules! datastores {
    ($make:ident) => {
        $make! {
            Postgres postgres,
        }
    };
}

pub(crate) use datastores;
