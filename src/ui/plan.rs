//! A plan of retention.

use super::format::bytes;
use crate::domain::Decision;

const COLUMNS: [&str; 4] = ["Name", "Action", "Size", "Reason"];

/// The table of one service's decisions.
pub fn plan(decisions: &[&Decision]) -> Vec<String> {
    let cells = |decision: &&Decision| {
        let size = decision.size.map_or_else(|| "-".to_owned(), bytes);
        [decision.id.to_string(), decision.action.name().to_owned(), size, decision.reason.clone()]
    };
    let rows: Vec<[String; 4]> =
        std::iter::once(COLUMNS.map(str::to_owned)).chain(decisions.iter().map(cells)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (name, action, size) = (width(0), width(1), width(2));
    let line = |[a, b, c, d]: &[String; 4]| format!("{a:<name$}  {b:<action$}  {c:<size$}  {d}");
    rows.iter().map(line).collect()
}
