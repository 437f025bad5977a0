"""A platform's worker: makes a backup, shows that it restores, restores it. Safe to run again with the same arguments.

usage: worker.py HOST PORT USER KEY-FILE KNOWN-HOSTS SERVICE CREATED      (CREATED: 2026-04-08T14:30:00Z)
"""

import json
import sys

import paramiko

AGAIN = {5: "busy", 255: "the connection"}  # worth another attempt; whatever else failed needs a person


class Failed(Exception):
    def __init__(self, code, error):
        super().__init__(f"{error.get('kind', AGAIN.get(code, code))}: {error.get('message', '')}")
        self.code, self.error = code, error


def run(client, *words):
    """Runs `dokku WORDS --format json`, without a terminal; the answer, or the error that stands last on stderr."""
    _, out, err = client.exec_command(" ".join([*words, "--format", "json"]))
    answer, said = out.read().decode(), err.read().decode().strip()
    code = out.channel.recv_exit_status()
    if code == 0:
        return json.loads(answer)
    last = said.splitlines()[-1] if said else ""
    raise Failed(code, json.loads(last)["error"] if last.startswith("{") else {})


def create(client, service, created):
    """One time names one backup: what was delivered twice is made once."""
    try:
        return run(client, "backups:export", service, "--at", created, "--wait", "600")
    except Failed as failed:
        backup = failed.error.get("backup") or {}
        if failed.code == 9 and backup.get("status") == "success":
            return backup
        raise


def main():
    host, port, user, key, known, service, created = sys.argv[1:]
    client = paramiko.SSHClient()
    client.load_host_keys(known)
    client.connect(host, int(port), user, key_filename=key)
    backup = create(client, service, created)
    print("made", backup["id"])
    print("again", create(client, service, created)["id"])
    run(client, "backups:verify", service, "--id", backup["id"])
    listed = run(client, "backups:list", service, "--trust", "restorable", "--limit", "1")
    print("restorable", listed["backups"][0]["id"], "of", listed["total"])
    restored = run(client, "backups:import", service, "--id", backup["id"], "--force")
    print("restored; before that there was", restored["restores"][-1]["safety_backup"])
    try:
        run(client, "backups:info", service, "--id", f"{service}-1999-01-01-00-00-00")
    except Failed as failed:
        print("not there:", failed.code, failed.error["kind"])


main()
