//! One service on the page.

use chrono::{DateTime, Utc};

use super::html::Html;
use super::plot::plot;
use super::{Of, Section, badge, findings};
use crate::domain::{Level, Listed, Status, made_at, saved, spell_age};
use crate::ui::format::{bytes, source, time};

/// Backups shown in full; the others are counted and drawn.
const SHOWN: usize = 15;

/// The card of one service.
pub fn card(section: &Section, now: DateTime<Utc>) -> Html {
    let mut html = Html::default();
    html.raw("<section class=\"card\" id=\"").text(section.service).raw("\"><h2>").piece(badge(section.verdict()));
    html.raw(" <span class=\"name\">").text(section.service).raw("</span> <small>").text(section.service.datastore);
    html.raw("</small></h2>");
    html.raw("<dl>");
    fact(&mut html, "Newest good", |html| backup(html, section.newest_good, now));
    fact(&mut html, "Newest Restorable", |html| backup(html, section.newest_restorable, now));
    fact(&mut html, "Next scheduled", |html| match section.next_due {
        Some(at) => drop(html.text(time(at))),
        None => drop(html.raw("<span class=\"muted\">none</span>")),
    });
    let offsite = section.offsite.and_then(|listed| listed.copy_state().zip(listed.backup.destination.as_ref()));
    fact(&mut html, "Off-site", |html| match offsite {
        Some((state, copy)) => drop(html.text(state).raw(" ").text(&copy.uri)),
        None => drop(html.raw("<span class=\"muted\">none</span>")),
    });
    fact(&mut html, "Destroy", |html| {
        html.raw(if section.destroy_refused { "refused by the gate" } else { "allowed" });
    });
    html.raw("</dl>");
    let live: Vec<&Listed> = section.backups.iter().filter(|listed| listed.backup.deleted_at.is_none()).collect();
    if let Some(plot) = plot(&live) {
        html.piece(plot);
    }
    html.piece(findings(
        section.findings.iter().filter(|finding| finding.level == Level::Ok).map(|finding| (Of::Here, finding)),
    ));
    list(&mut html, section, &live);
    html.raw("</section>\n");
    html
}

fn fact(html: &mut Html, label: &'static str, value: impl FnOnce(&mut Html)) {
    html.raw("<div><dt>").raw(label).raw("</dt><dd>");
    value(html);
    html.raw("</dd></div>");
}

fn backup(html: &mut Html, listed: Option<&Listed>, now: DateTime<Utc>) {
    let Some(listed) = listed else {
        html.raw("<strong class=\"failing\">none</strong>");
        return;
    };
    html.raw("<strong>").text(spell_age(now - made_at(&listed.backup))).raw("</strong> old, ");
    html.text(listed.trust().map_or("-", |trust| trust.label())).raw("<br><code>").text(&listed.backup.id);
    html.raw("</code>");
}

fn list(html: &mut Html, section: &Section, live: &[&Listed]) {
    if live.is_empty() {
        return;
    }
    html.raw("<details><summary>").text(live.len()).raw(" backups, ");
    html.text(bytes(live.iter().filter_map(|listed| listed.backup.size).sum()));
    let saved = saved(live.iter().copied());
    if saved > 0 {
        html.raw(", about ").text(bytes(saved)).raw(" saved by storing differences");
    }
    html.raw("</summary><ol>");
    for listed in live.iter().take(SHOWN) {
        row(html, listed);
    }
    html.raw("</ol>");
    if live.len() > SHOWN {
        html.raw("<p>").text(live.len() - SHOWN).raw(" more: <code>dokku backups:list ").text(section.service);
        html.raw("</code></p>");
    }
    html.raw("</details>");
}

fn row(html: &mut Html, listed: &Listed) {
    let backup = &listed.backup;
    html.raw("<li><code>").text(&backup.id).raw("</code> ");
    html.text(match (listed.status, listed.trust()) {
        (Status::Success, Some(trust)) => trust.label(),
        (other, _) => other.name(),
    });
    html.raw("<span class=\"muted\">, ").text(source(backup));
    if let Some(size) = backup.size {
        html.raw(", ").text(bytes(size));
    }
    html.raw("</span>");
    if let Some(label) = &backup.label {
        // Words from outside, perhaps written from right to left: they do not reach beyond themselves.
        html.raw(" <bdi class=\"label\">").text(label).raw("</bdi>");
    }
    html.raw("</li>");
}
