//! The plan of a restore, before anybody is asked: what, from when, what was shown about it, and what it would change.

use crate::dokku::{Dokku, Info};
use crate::domain::{Listed, Origin, Service};
use crate::engine::Dump;
use crate::ui::bytes;
use crate::verbs::Context;

/// Shows what restoring `chosen`, `dump` proven just now, into `target` would do; `before` says what becomes of the data that is
/// there now.
pub fn show_plan(
    context: &Context,
    dokku: &Dokku,
    (chosen, dump): (&Listed, &Dump),
    target: &Service,
    info: &Info,
    before: &[&str],
) {
    let (ui, backup) = (context.ui, &chosen.backup);
    let version = |image: &Option<String>, version: &Option<String>| match (image, version) {
        (Some(image), Some(version)) => format!("{image}:{version}"),
        _ => "unknown".to_owned(),
    };
    let rows = backup.row_count();
    ui.step(&format!("Plan: restore {} into {target}", backup.id));
    ui.detail(&format!("made:     {} ({})", backup.created_at.format("%Y-%m-%d %H:%M:%S UTC"), backup.source.name()));
    ui.detail(&format!("holds:    {}, {} tables, {rows} rows", bytes(backup.size.unwrap_or(0)), backup.table_count()));
    ui.detail(&format!("trust:    {}", chosen.trust().map_or("-", |trust| trust.label())));
    show_origin(context, dump);
    let (then, now) = (version(&backup.image, &backup.image_version), version(&info.image, &info.image_version));
    ui.detail(&format!("versions: {then} then, {now} now"));
    for app in &info.links {
        let now = dokku.app_code(app).0.git_sha;
        let then = backup.apps.iter().find(|then| &then.app == app).and_then(|then| then.git_sha.clone());
        show_code(context, dokku, app, then.as_deref(), now.as_deref());
    }
    for line in before {
        ui.detail(&format!("to data:  {line}"));
    }
}

/// Whose dump it is; of one made elsewhere also what code comes with it, and what was agreed to.
fn show_origin(context: &Context, dump: &Dump) {
    let (ui, code) = (context.ui, &dump.content().code);
    let Origin::Foreign(why) = dump.origin() else {
        ui.detail("whose:    this host's own backup of this very service");
        return;
    };
    ui.detail(&format!("whose:    made elsewhere: {why}"));
    ui.detail("          restored by a role without privileges, which is gone before the databases are exchanged");
    if !code.lives_on.is_empty() {
        ui.detail(&format!("code:     it brings {}", code.lives_on.join(", ")));
        ui.detail("          that code lives in the database afterwards: whoever uses its tables runs it");
    }
    let made: Vec<&str> = code.privileged.iter().map(|item| item.item.as_str()).collect();
    if !made.is_empty() {
        ui.detail(&format!("made by the superuser: {}", made.join(", ")));
    }
    code.unlisted.iter().for_each(|unlisted| ui.detail(&format!("allowed:  {}", unlisted.what)));
}

/// The code an app ran then and runs now, and how to bring the one then back.
fn show_code(context: &Context, dokku: &Dokku, app: &str, then: Option<&str>, now: Option<&str>) {
    let short = |sha: Option<&str>| sha.map_or_else(|| "nothing".to_owned(), |sha| sha.chars().take(10).collect());
    context.ui.detail(&format!("code:     {app} ran {} then, runs {} now", short(then), short(now)));
    if let (Some(then), Some(now)) = (then, now)
        && !then.starts_with(now)
        && !now.starts_with(then)
    {
        for (commits, words) in [
            (dokku.commits_between(app, then, now), "since then"),
            (dokku.commits_between(app, now, then), "then, but not now"),
        ] {
            commits.iter().for_each(|commit| context.ui.detail(&format!("          {words}: {commit}")));
        }
        context.ui.warn(&format!("{app} runs other code than when the backup was made; to bring that back:"));
        context.ui.warn(&format!(
            "git push dokku@HOST:{app} {then}:refs/heads/BRANCH   (or dokku git:sync --build {app} REPOSITORY {then})"
        ));
    }
}
