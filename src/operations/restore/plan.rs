//! The plan of a restore, before anybody is asked: what, from when, what was shown about it, and what it would change.

use std::time::Duration;

use crate::catalogue::{Detail, View};
use crate::dokku::{Dokku, Info, push};
use crate::domain::{AppCode, Listed, Origin, Service, Status, count, made_at, shown, spell_age};
use crate::engine::{Dump, Outlook};
use crate::operations::Context;
use crate::operations::select::folder_for_reading;
use crate::ui::{bytes, seconds};

/// Shows what restoring `chosen`, `dump` proven just now, into `target` would do; `before` says what becomes of the data that is
/// there now.
pub fn show_plan(
    context: &Context,
    dokku: &Dokku,
    (chosen, dump, outlook): (&Listed, &Dump, &Outlook),
    target: &Service,
    info: &Info,
    before: &[(&str, &str)],
) {
    let (ui, backup) = (context.ui, &chosen.backup);
    let version = |image: &Option<String>, version: &Option<String>| match (image, version) {
        (Some(image), Some(version)) => format!("{image}:{version}"),
        _ => "unknown".to_owned(),
    };
    let (tables, rows) = (count(backup.table_count(), "table"), count(backup.row_count(), "row"));
    ui.step(&format!("Plan: restore {} into {target}", backup.id));
    let age = spell_age(context.settings.clock.now() - made_at(backup));
    ui.detail(&format!("made:     {} ({})", backup.created_at.format("%Y-%m-%d %H:%M:%S UTC"), backup.source.name()));
    ui.detail(&format!("          that is {age} ago; what was written since then is lost"));
    ui.detail(&format!("holds:    {}, {tables}, {rows}", bytes(backup.held().unwrap_or(0))));
    ui.detail(&format!("trust:    {}", chosen.trust().map_or("-", |trust| trust.label())));
    show_origin(context, dump);
    let (then, now) = (version(&backup.image, &backup.image_version), version(&info.image, &info.image_version));
    ui.detail(&format!("versions: {then} then, {now} now"));
    for app in &info.links {
        let (now, notes) = dokku.app_code(app);
        let unknown = AppCode { app: app.clone(), ..AppCode::default() };
        let then = backup.apps.iter().find(|then| &then.app == app).unwrap_or(&unknown);
        show_code(context, dokku, then, &now);
        notes.iter().for_each(|note| ui.detail(&format!("code:     {note}")));
    }
    for (label, line) in before {
        ui.detail(&format!("{:<9} {line}", format!("{label}:")));
    }
    let verified = backup.verification.as_ref().and_then(|shown| shown.took_ms).map(Duration::from_millis);
    match (last_restore(context, target), verified) {
        (Some(took), _) => ui.detail(&format!("time:     the last restore into {target} took {}", seconds(took))),
        (None, Some(took)) => ui.detail(&format!("time:     its verification took {}", seconds(took))),
        (None, None) => {}
    }
    show_outlook(context, outlook);
}

/// How long the last restore took that went into `target` from one of its own backups.
fn last_restore(context: &Context, target: &Service) -> Option<Duration> {
    let dir = folder_for_reading(context, target).ok()??;
    let backups = View::of(&dir, target, Detail::Summary).ok()?.backups;
    let restores = backups.iter().flat_map(|listed| &listed.backup.restores);
    let ended = restores.filter(|restore| restore.status == Status::Success && restore.target == target.name.as_str());
    let last = ended.max_by_key(|restore| restore.started_at)?;
    (last.finished_at? - last.started_at).to_std().ok()
}

/// What goes with the live data, and what has to be made.
pub fn show_outlook(context: &Context, outlook: &Outlook) {
    for line in &outlook.lost {
        context.ui.detail(&format!("lost:     {line}"));
    }
    if !outlook.roles.is_empty() {
        let roles = outlook.roles.iter().map(|role| shown(role).into_owned()).collect::<Vec<_>>().join(", ");
        context
            .ui
            .detail(&format!("made:     without a login, since the dump names it and the server lacks it: {roles}"));
    }
    for line in &outlook.dangers {
        context.ui.warn(&format!("{line}; done all the same (--force)"));
    }
    for line in &outlook.notes {
        context.ui.detail(&format!("note:     {line}"));
    }
}

/// Whose dump it is; of one made elsewhere also what code comes with it, and what was agreed to.
fn show_origin(context: &Context, dump: &Dump) {
    let (ui, code) = (context.ui, &dump.content().code);
    let Origin::Foreign(why) = dump.origin() else {
        ui.detail("whose:    this host's own backup of this very service");
        if !code.lives_on.is_empty() {
            ui.detail(&format!("code:     it brings {}, as the service had it", code.lives_on.join(", ")));
        }
        return;
    };
    ui.detail(&format!("whose:    made elsewhere: {why}"));
    ui.detail("          restored by a role without privileges; its objects change hands after the exchange");
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
fn show_code(context: &Context, dokku: &Dokku, then: &AppCode, now: &AppCode) {
    let (app, branch) = (&now.app, now.deploy_branch.as_deref());
    let short = |code: &AppCode| match (&code.git_sha, &code.deploy_source) {
        (Some(sha), _) => sha.chars().take(10).collect(),
        (None, Some(_)) => "an unknown commit".to_owned(),
        (None, None) => "nothing".to_owned(),
    };
    context.ui.detail(&format!("code:     {app} ran {} then, runs {} now", short(then), short(now)));
    if let (Some(then), Some(now)) = (&then.git_sha, &now.git_sha)
        && !then.starts_with(now.as_str())
        && !now.starts_with(then.as_str())
    {
        for (commits, words) in [
            (dokku.commits_between(app, then, now), "since then"),
            (dokku.commits_between(app, now, then), "then, but not now"),
        ] {
            commits.iter().for_each(|commit| context.ui.detail(&format!("          {words}: {commit}")));
        }
        context.ui.warn(&format!(
            "{app} runs other code than when the backup was made; to bring that back, say --with-code, or:"
        ));
        let pushed = push(app, then, branch);
        context.ui.warn(&format!("{pushed}   (or dokku git:sync --build {app} REPOSITORY {then})"));
    }
}
