//! What somebody asks at night, and what the program itself says to that (ux, "Done when").

use super::support::{Host, SHOP};

/// All that `args` says, to people.
fn said(host: &Host, args: &[&str], code: i32) -> String {
    let run = host.dokku(args).expect(code);
    format!("{}{}", run.out(), run.stderr)
}

#[track_caller]
fn answers(question: &str, said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{question}: {word:?} is not in\n{said}");
    }
}

#[test]
fn ux_301_345_ten_questions_are_answered_by_what_the_program_shows() {
    let host = Host::up();
    host.database("shop", SHOP);
    let (id, unverified) = (host.export("shop"), host.export("shop"));
    answers(
        "will destroying it pass?",
        &said(&host, &["backups:report", "shop"], 0),
        &["Backups destroy:                   refused by the gate, until a backup is Restorable"],
    );
    host.dokku(&["backups:delete", "shop", "--id", &unverified, "--force"]).expect(0);
    let verified = said(&host, &["backups:verify", "shop", "--latest"], 0);
    answers(
        "what does Restorable mean?",
        &verified,
        &["3 tables", "dumped again, every definition and every row is that of the backup"],
    );
    let report = said(&host, &["backups:report", "shop"], 0);
    answers("will it now?", &report, &["Backups destroy:                   allowed"]);
    answers("who is alarmed?", &report, &["Backups told of failures:          nobody: neither notify-url"]);
    answers("where are the copies?", &report, &["Backups off-site:                  none"]);
    answers("how much lies there?", &report, &["Backups stored:                    1 backup, "]);
    let plan = said(&host, &["backups:import", "shop", "--latest", "--dry-run"], 0);
    answers("how long will it take?", &plan, &["time:     its verification took "]);
    answers("what will be lost?", &plan, &[" ago; what was written since then is lost", "a backup is taken first"]);
    let done = said(&host, &["--force", "backups:import", "shop", "--latest"], 0);
    let safety = host.list("shop")[0]["id"].as_str().expect("a safety backup").to_owned();
    let back = format!("dokku backups:import shop --id {safety}");
    answers("how is it undone?", &done, &["what was there before is in ", &back]);
    let pruned = said(&host, &["backups:prune", "shop", "--dry-run"], 0);
    answers("what goes next?", &pruned, &[&id]);
    host.fault("postgres:export/hang");
    let running = host.dokku(&["backups:export", "shop", "--detach"]).expect(0).id();
    let info = said(&host, &["backups:info", "shop", "--last"], 0);
    answers("what is going on?", &info, &["At work:", "export since ", "received 0 B"]);
    answers("how is it stopped?", &said(&host, &["backups:cancel", "shop"], 0), &[&running]);
    host.fault("");
    let gone = said(&host, &["backups:help", "sync"], 0);
    answers("the host is gone?", &gone, &["--take-over"]);
}
