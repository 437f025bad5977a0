"""A platform's worker: everything it knows comes through one SSH client library, by exit code, stdout and stderr.

platform.py HOST PORT USER KEY KNOWN_HOSTS everyday SERVICE   the life of one backup, told as `ok: ...` lines
platform.py HOST PORT USER KEY KNOWN_HOSTS hold LINE          starts LINE, says `begun`, and waits to be killed
"""

import datetime
import json
import sys
import threading
import time

import paramiko


class Dokku:
    def __init__(self, host, port, user, key, known_hosts):
        self.client = paramiko.SSHClient()
        if known_hosts:
            self.client.load_host_keys(known_hosts)
        else:
            self.client.load_system_host_keys()
        self.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        self.client.connect(
            host, port=int(port), username=user, key_filename=key or None, allow_agent=not key, look_for_keys=not key
        )

    def run(self, line, stdin=b"", on_progress=None):
        """Returns exit code, stdout and the lines of stderr, which are handed on while they come."""
        channel = self.client.get_transport().open_session()
        channel.exec_command(line)
        said = []

        def listen():
            with channel.makefile_stderr("r") as stream:
                for text in stream:
                    said.append(text.rstrip("\n"))
                    if on_progress:
                        on_progress(said[-1])

        listener = threading.Thread(target=listen)
        listener.start()
        if stdin:
            channel.sendall(stdin)
        channel.shutdown_write()
        with channel.makefile("rb") as stream:
            out = stream.read()
        listener.join()
        return channel.recv_exit_status(), out, said

    def json(self, line, code=0, **more):
        got, out, said = self.run(line + " --format json", **more)
        check(got == code, f"{line}: exit {got} instead of {code}: {said}")
        if code == 0:
            return json.loads(out)
        check(out == b"", f"{line}: a failure with something on stdout: {out!r}")
        return json.loads(said[-1])["error"]


def check(holds, text):
    if not holds:
        sys.exit(f"not so: {text}")


def done(text):
    print(f"ok: {text}", flush=True)


def everyday(dokku, arguments, service):
    # The record comes first, as in a platform's database; its time names the backup.
    record = {"created": datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0), "status": "in-progress"}
    name = f"{service}-{record['created']:%Y-%m-%d-%H-%M-%S}"
    at = f"{record['created']:%Y-%m-%dT%H:%M:%SZ}"

    seen, progress = [], []

    def poll():
        # On a connection of its own, as another worker would.
        other = Dokku(*arguments)
        while True:
            code, out, _ = other.run(f"backups:info {service} --id {name} --format json")
            if code == 0:
                seen.append(json.loads(out)["status"])
                if len(seen) == 1:
                    print(f"seen: {seen[0]}", flush=True)
                if seen[-1] != "in-progress":
                    return
            time.sleep(0.1)

    poller = threading.Thread(target=poll)
    poller.start()
    made = dokku.json(f"backups:export {service} --at {at}", on_progress=progress.append)
    poller.join(60)
    check(made["id"] == name, f"the name is {made['id']}, not {name}")
    check(made["status"] == "success" and made["trust"] == "created", made)
    check(progress and progress[0].startswith("-----> Backing up"), f"progress: {progress}")
    check("in-progress" in seen and seen[-1] == "success", f"polled: {seen}")
    done(f"made, polled {len(seen)} times, {len(progress)} lines of progress")

    check(dokku.json(f"backups:export {service} --at {at}", code=9)["kind"] == "exists", "one name twice")
    check(dokku.json("backups:export no-such-service", code=4)["kind"] == "not-found", "no such service")
    check(dokku.json(f"backups:import {service} --id {name}", code=7)["kind"] == "refused", "unconfirmed")
    done("failures are told by exit code and JSON")

    check(dokku.json(f"backups:verify {service} --id {name}")["trust"] == "restorable", "verified")
    back = dokku.json(f"backups:import {service} --id {name} --force")
    check(back["restores"][-1]["status"] == "success", back["restores"])
    check(dokku.json(f"backups:import {service} --id {name}", stdin=f"{service}\n".encode())["id"] == name, "by name")
    done("verified and restored by its derived name")

    detached = dokku.json(f"backups:import {service} --id {name} --force --detach")
    check(detached["restores"][-1]["status"] == "in-progress", detached["restores"])
    ended = dokku.json(f"backups:info {service} --id {name} --wait 120")
    check([entry["status"] for entry in ended["restores"]] == ["success"] * 3, ended["restores"])
    done("restored without waiting, then waited")

    check(dokku.json(f"backups:delete {service} --id {name} --force")["backups"][0]["deleted_at"], "deleted")
    check(dokku.json(f"backups:delete {service} --id {name} --force")["backups"][0]["id"] == name, "deleted twice")
    check(name not in [entry["id"] for entry in dokku.json(f"backups:list {service}")["backups"]], "still listed")
    check(dokku.json(f"backups:import {service} --id {name} --force", code=4)["kind"] == "not-found", "deleted, restored")
    done("deleted")


def hold(dokku, line):
    channel = dokku.client.get_transport().open_session()
    channel.exec_command(line)
    channel.makefile_stderr("r").readline()
    print("begun", flush=True)
    time.sleep(600)


if __name__ == "__main__":
    arguments, (what, subject) = sys.argv[1:6], sys.argv[6:8]
    dokku = Dokku(*arguments)
    if what == "everyday":
        everyday(dokku, arguments, subject)
    else:
        hold(dokku, subject)
