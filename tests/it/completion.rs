//! Completion in a real bash: `dokku backups:exp<TAB>` and what may follow.

use super::support::{Host, Run, finish};

/// What bash would offer for `line`, one a line. `_dokku` stands for the completion that Dokku brings.
fn offered(host: &Host, line: &str) -> Vec<String> {
    let script = "source <(\"$1\" commands:completion)
_dokku() { COMPREPLY=(own \"$2\"); }
COMP_LINE=$2 COMP_POINT=${#2}
[[ $(complete -p dokku) == 'complete -F _dokku_backups dokku' ]] || exit 9
_dokku_backups dokku word
printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut command = host.command("bash");
    command.args(["--norc", "-c", script, "bash"]).arg(host.plugin().join("bin/dokku-backups")).arg(line);
    let run: Run = finish(command).expect(0);
    assert_eq!(run.stderr, "", "{line}");
    run.out().lines().filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_verbs_options_services_and_ids() {
    let (host, id) = Host::with_backup();
    host.dokku(&["postgres:create", "till"]).expect(0);
    // Behind a colon bash wants only the rest of the word.
    assert_eq!(offered(&host, "dokku backups:exp"), ["export"]);
    let verbs = offered(&host, "dokku backups:");
    for verb in ["export", "import", "cancel", "list", "info"] {
        assert!(verbs.iter().any(|offer| offer == verb), "{verb}: {verbs:?}");
    }
    assert!(!verbs.iter().any(|verb| verb.contains("trigger") || verb.contains("commands")), "{verbs:?}");
    assert_eq!(offered(&host, "dokku --quiet backups:canc"), ["cancel"]);
    assert_eq!(offered(&host, "dokku backups:export "), ["shop", "till"]);
    assert_eq!(offered(&host, "dokku backups:export s"), ["shop"]);
    assert_eq!(offered(&host, "dokku backups:import shop --from-service t"), ["till"]);
    assert_eq!(offered(&host, "dokku backups:export shop --det"), ["--detach"]);
    assert_eq!(offered(&host, "dokku backups:list --status "), ["in-progress", "success", "failed"]);
    assert_eq!(offered(&host, "dokku backups:info shop --format j"), ["json"]);
    assert_eq!(offered(&host, "dokku backups:info shop --id "), [id.as_str()]);
    assert!(offered(&host, "dokku backups:export shop --at ").is_empty());
    assert_eq!(offered(&host, "dokku backups:set shop ga"), ["gate"]);
    assert_eq!(offered(&host, "dokku backups:help canc"), ["cancel"]);
    // Everything else is Dokku's own.
    for line in ["dokku ", "dokku postgres:cre", "dokku postgres:create x ", "dokku back"] {
        assert_eq!(offered(&host, line), ["own", "word"], "{line}");
    }
}
