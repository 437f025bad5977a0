//! Sizes over time, as one small drawing: a dot a backup, by what has been shown of it.

use super::html::Html;
use crate::domain::{Listed, Status, Trust};
use crate::ui::format::{bytes, time};

/// The drawing's own measures; it is scaled to the width there is.
const WIDTH: i64 = 640;
const HEIGHT: i64 = 150;
/// Room for the dots at the edges.
const EDGE: i64 = 10;

/// How a backup is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Restorable,
    Created,
    Broken,
    Failed,
}

const MARKS: [(Mark, &str, &str); 4] = [
    (Mark::Created, "<path class=\"dot created\" d=\"", "Created"),
    (Mark::Restorable, "<path class=\"dot restorable\" d=\"", "Restorable"),
    (Mark::Broken, "<path class=\"dot broken\" d=\"", "Broken"),
    (Mark::Failed, "<path class=\"tick broken\" d=\"", "Failed"),
];

fn mark(listed: &Listed) -> Option<Mark> {
    match (listed.status, listed.trust()) {
        (Status::InProgress, _) => None,
        (Status::Failed, _) | (_, None) => Some(Mark::Failed),
        (_, Some(Trust::Restorable)) => Some(Mark::Restorable),
        (_, Some(Trust::Created | Trust::Validating)) => Some(Mark::Created),
        (_, Some(Trust::VerificationFailed | Trust::Missing | Trust::Damaged)) => Some(Mark::Broken),
    }
}

/// Draws `backups`, newest first, of which none is deleted. Nothing for fewer than two.
pub fn plot(backups: &[&Listed]) -> Option<Html> {
    let (newest, oldest) = (backups.first()?.backup.created_at, backups.last()?.backup.created_at);
    let span = (newest - oldest).num_seconds();
    let largest = backups.iter().filter_map(|listed| listed.backup.size).max()?;
    if span <= 0 || largest == 0 {
        return None;
    }
    let x = |listed: &Listed| EDGE + (listed.backup.created_at - oldest).num_seconds() * (WIDTH - 2 * EDGE) / span;
    let y = |size: u64| HEIGHT - EDGE - i64::try_from(u128::from(size) * 132 / u128::from(largest)).unwrap_or(0);
    let mut html = Html::default();
    html.raw("<figure><svg viewBox=\"0 0 640 150\" role=\"img\" aria-label=\"Sizes of ").text(backups.len());
    html.raw(" backups, the largest ").text(bytes(largest)).raw("\"><path class=\"axis\" d=\"M0 149h640\"/>");
    html.raw("<path class=\"line\" d=\"");
    let mut begin = "M";
    for listed in backups {
        if let Some(size) = listed.backup.size {
            html.raw(begin).text(x(listed)).raw(" ").text(y(size));
            begin = "L";
        }
    }
    html.raw("\"/>");
    let mut legend = Html::default();
    for (kind, open, name) in MARKS {
        let marked: Vec<&&Listed> = backups.iter().filter(|listed| mark(listed) == Some(kind)).collect();
        if marked.is_empty() {
            continue;
        }
        html.raw(open);
        for listed in &marked {
            match (kind, listed.backup.size) {
                (Mark::Failed, _) | (_, None) => html.raw("M").text(x(listed)).raw(" 149v-40"),
                (_, Some(size)) => html.raw("M").text(x(listed)).raw(" ").text(y(size)).raw("h0"),
            };
        }
        html.raw("\"/>");
        legend.raw("<span class=\"key ").text(name.to_lowercase()).raw("\">").text(name).raw(" ").text(marked.len());
        legend.raw("</span> ");
    }
    html.raw("</svg><figcaption><span>").text(&time(oldest)[..10]).raw("</span><span>up to ").text(bytes(largest));
    html.raw("</span><span>").text(&time(newest)[..10]).raw("</span></figcaption><p class=\"keys\">").piece(legend);
    html.raw("</p></figure>");
    Some(html)
}
