//! One page for a browser: everything `report` and `check` know, worst first. It needs nothing but itself: no script, no
//! picture, no address, and its own rules forbid all of them.

mod html;
mod plot;
mod section;

use chrono::{DateTime, Utc};

use self::html::Html;
use super::format::{bytes, time};
use crate::domain::{Code, Finding, Level, Listed, Service, verdict};

/// Findings of one service that are told one by one.
const TOLD: usize = 10;

/// Whose finding it is, where that is not plain from its place.
#[derive(Debug, Clone, Copy)]
enum Of<'a> {
    Here,
    Host,
    Service(&'a Service),
}

/// What the page shows.
#[derive(Debug)]
pub struct Page<'a> {
    /// When it is made.
    pub now: DateTime<Utc>,
    /// The program's version.
    pub version: &'a str,
    /// How the host calls itself.
    pub host_name: &'a str,
    /// What was found on the host.
    pub host: &'a [Finding],
    /// The services.
    pub sections: Vec<Section<'a>>,
}

/// One service.
#[derive(Debug)]
pub struct Section<'a> {
    /// The service.
    pub service: &'a Service,
    /// Everything worth saying, the worst first.
    pub findings: &'a [Finding],
    /// All backups, newest first.
    pub backups: &'a [Listed],
    /// The newest to rely on.
    pub newest_good: Option<&'a Listed>,
    /// The newest that was restored and compared.
    pub newest_restorable: Option<&'a Listed>,
    /// When the next scheduled one is due.
    pub next_due: Option<DateTime<Utc>>,
    /// The newest backup that has a copy elsewhere, or is to have one.
    pub offsite: Option<&'a Listed>,
    /// The gate refuses to let it be destroyed.
    pub destroy_refused: bool,
}

impl Section<'_> {
    fn verdict(&self) -> Level {
        verdict(self.findings)
    }
}

impl Page<'_> {
    /// The whole document.
    pub fn render(&self) -> String {
        let mut order: Vec<&Section> = self.sections.iter().collect();
        order.sort_by_key(|section| std::cmp::Reverse(section.verdict()));
        let worst = order.first().map_or(Level::Ok, |section| section.verdict()).max(verdict(self.host));
        let mut html = Html::default();
        html.raw(HEAD).raw(include_str!("page.css")).raw("</style><title>").text(worst.name());
        html.raw(": Dokku backups of ")
            .text(self.host_name)
            .raw("</title></head>\n<body><header><h1>Dokku backups of ");
        html.text(self.host_name).raw("</h1><p>").piece(badge(worst));
        html.raw(" ").piece(self.counts()).raw("</p><p class=\"muted\">Generated <time>").text(time(self.now));
        html.raw("</time> by dokku-backups ").text(self.version).raw(
            ". It says how things stood then: where that is longer ago than it is made anew, ask the host.</p></header>\n<main>",
        );
        let of_host = self.host.iter().map(|finding| (Of::Host, finding));
        let of_services = order.iter().flat_map(|section| {
            let told = section.findings.iter().filter(|finding| finding.level > Level::Ok).take(TOLD);
            told.map(|finding| (Of::Service(section.service), finding))
        });
        let mut all: Vec<(Of, &Finding)> = of_host.chain(of_services).collect();
        all.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.level));
        if all.is_empty() {
            html.raw("<p class=\"all-well\">Nothing is failing, and nothing needs to be looked at.</p>");
        } else {
            html.raw("<h2 class=\"over\">What to do</h2>").piece(findings(all.into_iter()));
        }
        html.raw("<h2 class=\"over\">Services</h2>");
        if order.is_empty() {
            html.raw("<p>There is no service to back up.</p>");
        }
        html.raw("<div class=\"cards\">\n");
        for section in order {
            html.piece(section::card(section, self.now));
        }
        html.raw("</div></main></body></html>");
        html.into_string()
    }

    /// How many services stand how, and what they hold.
    fn counts(&self) -> Html {
        let mut html = Html::default();
        let is_gone = |section: &&Section| section.findings.iter().any(|finding| finding.code == Code::Destroyed);
        let gone = self.sections.iter().filter(is_gone).count();
        for level in [Level::Failing, Level::Warning, Level::Ok] {
            // One that is gone is no service that is well.
            let counts = |section: &&Section| section.verdict() == level && !(level == Level::Ok && is_gone(section));
            let count = self.sections.iter().filter(counts).count();
            if count > 0 {
                html.text(count).raw(" ").text(level.name()).raw(", ");
            }
        }
        if gone > 0 {
            html.text(gone).raw(" destroyed, ");
        }
        let live =
            || self.sections.iter().flat_map(|section| section.backups).filter(|l| l.backup.deleted_at.is_none());
        html.text(live().count()).raw(" backups, ").text(bytes(live().filter_map(|l| l.backup.size).sum()));
        html
    }
}

/// The level as a word on a ground of its colour.
fn badge(level: Level) -> Html {
    let mut html = Html::default();
    html.raw("<span class=\"badge ").text(level.name()).raw("\">").text(level.name()).raw("</span>");
    html
}

/// Findings with what mends them; those of a service lead to its card.
fn findings<'a>(list: impl Iterator<Item = (Of<'a>, &'a Finding)>) -> Html {
    let mut html = Html::default();
    let mut end = "";
    for (of, finding) in list {
        html.raw(if end.is_empty() { "<ul class=\"findings\">" } else { "" });
        end = "</ul>";
        html.raw("<li class=\"").text(finding.level.name()).raw("\">").piece(badge(finding.level)).raw(" ");
        match of {
            Of::Here => &mut html,
            Of::Host => html.raw("host: "),
            Of::Service(service) => html.raw("<a href=\"#").text(service).raw("\">").text(service).raw("</a>: "),
        };
        html.raw("<bdi>").text(&finding.message).raw("</bdi> <small class=\"muted\">(").text(finding.code);
        html.raw(")</small>");
        for remedy in &finding.remedies {
            if let Some(words) = remedy.words() {
                html.raw("<p class=\"note\">").text(&words).raw("</p>");
            }
            if let Some(command) = &remedy.command {
                html.raw("<code class=\"command\">").text(command).raw("</code>");
            }
        }
        html.raw("</li>");
    }
    html.raw(end);
    html
}

const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
<meta name=\"color-scheme\" content=\"light dark\"><meta name=\"referrer\" content=\"no-referrer\">\
<meta name=\"robots\" content=\"noindex\"><style>";
