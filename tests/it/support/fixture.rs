//! The data that most tests back up.

/// Five hundred items.
pub const ITEMS: &str = "create table items(id int primary key, name text);
insert into items select g, 'item ' || g from generate_series(1, 500) g;";

/// Fifty of them, where it is done hundreds of times.
pub const FEW: &str = "create table items(id int primary key, name text);
insert into items select g, 'item ' || g from generate_series(1, 50) g;";

/// How many there are.
pub const COUNT: &str = "select count(*) from items";
