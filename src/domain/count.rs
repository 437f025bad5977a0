//! Numbers of things as people say them.

use std::fmt::Display;

/// `1 backup`, `2 backups`.
pub fn count<N: Number>(number: N, one: &str) -> String {
    count_of(number, one, &format!("{one}s"))
}

/// The same for a word whose plural is another: `1 copy`, `2 copies`.
pub fn count_of<N: Number>(number: N, one: &str, many: &str) -> String {
    format!("{number} {}", choose(number, one, many))
}

/// The word that goes with so many: `choose(failing, "is", "are")`.
pub fn choose<'a, N: Number>(number: N, one: &'a str, many: &'a str) -> &'a str {
    if number.is_one() { one } else { many }
}

/// A number that things are counted with.
pub trait Number: Copy + Display {
    /// Whether it is exactly one.
    fn is_one(self) -> bool;
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Number for $number {
            fn is_one(self) -> bool {
                self == 1
            }
        })*
    };
}

numbers!(u16, u32, u64, usize, i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_none_are_many() {
        assert_eq!([0u64, 1, 2].map(|n| count(n, "table")), ["0 tables", "1 table", "2 tables"]);
        assert_eq!([1usize, 3].map(|n| count_of(n, "copy", "copies")), ["1 copy", "3 copies"]);
        assert_eq!([1u32, 2].map(|n| choose(n, "is", "are")), ["is", "are"]);
    }
}
