#!/bin/bash
# The plugin's life outside of the binary: entry points, install, update, uninstall; first in a bare folder with a
# binary and a cargo that only tell what they were asked, then through the sandbox's plugin:*.
# Usage: tests/plugin_life.sh [BINARY]   (default: the newest one below target/, else the fake one)
#
# shellcheck disable=SC2016 # conditions in single quotes are run by check, where their variables hold
set -uo pipefail
cd "${BASH_SOURCE[0]%/*}/.." || exit 1
repository=$PWD
unset DOKKU_BACKUPS_RELEASE_URL DOKKU_BACKUPS_CARGO DOKKU_TRACE CARGO_TARGET_DIR
work=$(mktemp -d /tmp/plugin-life.XXXXXX)
chmod 755 "$work"
host=$work/host
finish() {
  [[ ! -d "$host" ]] || "$repository/tests/sandbox" down "$host" >/dev/null 2>&1
  rm -rf "$work"
}
trap finish EXIT
newline=$'\n' passed=0 failed=0 out='' rc=0

try() { # runs it, keeps what it said and how it ended
  out=$("$@" 2>&1 </dev/null)
  rc=$?
}
check() { # check WHAT CONDITION: the condition is shell text, so that a failure can show it
  if eval "$2"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n  %s\n  rc=%s out=%s\n' "$1" "$2" "$rc" "$out"
  fi
}

version=$(sed -n 's/^version *= *"\(.*\)" *$/\1/p' plugin.toml)
machine=$(uname -m)

# A stand-in for the binary: says its version, notes every call in calls.
fake_binary() { # FILE VERSION
  mkdir -p "${1%/*}"
  cat >"$1" <<EOF
#!/bin/sh
case \$1 in backups:version) echo "dokku-backups $2"; exit ;; esac
{ printf '<%s>' "\$@"; echo; } >>"$work/calls"
case \$1 in commands:help) echo "    backups, Manage backups" ;; esac
EOF
  chmod 755 "$1"
}

# A stand-in for cargo: "builds" a binary that says what src/main.rs says.
mkdir -p "$work/tools"
cat >"$work/tools/cargo" <<EOF
#!/bin/bash
echo "\$*" >>"$work/built"
while [[ -e "$work/cargo-waits" ]]; do sleep 0.05; done
[[ ! -e "$work/cargo-fails" ]] || exit 101
while [[ \$1 != --target-dir ]]; do shift; done
mkdir -p "\$2/release"
printf '#!/bin/sh\n[ "\$1" != backups:version ] || echo "dokku-backups %s"\necho "\$1" >>%s\n' "\$(<src/main.rs)" "$work/calls" >"\$2/release/dokku-backups"
chmod 755 "\$2/release/dokku-backups"
EOF
chmod 755 "$work/tools/cargo"
export DOKKU_BACKUPS_CARGO=none TMPDIR=$work DOKKU_BACKUPS_ETC=$work/root

plugin=$work/plugins/enabled/backups
fresh() { # a plugin folder as Dokku has it: enabled/backups is a symlink into available
  rm -rf "$work/plugins" "$work/calls" "$work/built" "$work/cargo-fails"
  mkdir -p "$work/plugins/available/backups" "$work/plugins/enabled"
  ln -s ../available/backups "$plugin"
  cp -RP plugin.toml man commands subcommands install update uninstall "$plugin/"
}
calls() { cat "$work/calls" 2>/dev/null; }
builds() { wc -l <"$work/built"; }

entry_points() {
  fresh
  try env -u DOKKU_NOT_IMPLEMENTED_EXIT "$plugin/commands" apps:create
  check "a foreign command is not ours" '[[ $rc == 10 && -z "$out" ]]'
  try "$plugin/commands" help
  check "dokku help survives a missing binary, with one comma" '[[ $rc == 0 && "${out//[^,]/}" == , && "$out" == "    "* ]]'
  try "$plugin/subcommands/export" backups:export db
  check "a missing binary says what to do" '[[ $rc == 1 && "$out" == *"dokku plugin:install"* && -z "$(grep -v "^ !     " <<<"$out")" ]]'
  fake_binary "$plugin/bin/dokku-backups" "$version"
  rm -f "$work/calls"
  try "$plugin/commands" help
  check "help comes from the binary" '[[ $rc == 0 && "$(calls)" == "<commands:help>" ]]'
  rm -f "$work/calls"
  try "$plugin/commands" backups:nosuch x
  check "an unknown verb goes to the binary" '[[ "$(calls)" == "<backups:nosuch><x>" ]]'
  rm -f "$work/calls"
  try "$plugin/subcommands/default" backups
  check "dokku backups goes to the binary" '[[ "$(calls)" == "<backups>" ]]'
  rm -f "$work/calls"
  mkdir "$work/gone"
  (cd "$work/gone" && rmdir "$work/gone" && exec env -i PATH=/nowhere IFS=/ BASH_ENV=/dev/full CDPATH=/ \
    "$plugin/subcommands/import" backups:import '' 'a  b' '*' "x${newline}y" --) >/dev/null 2>&1
  check "arguments arrive untouched, whatever surrounds the call" '[[ "$(calls)" == "<backups:import><><a  b><*><x${newline}y><-->" ]]'
  rm -f "$work/calls"
  ln -s subcommands/default "$plugin/service-action"
  ln -s subcommands/default "$plugin/cron-entries"
  try "$plugin/service-action" pre-delete postgres db
  check "a trigger says its name" '[[ "$(calls)" == "<trigger:service-action><pre-delete><postgres><db>" ]]'
  for verb in "$plugin"/subcommands/*; do
    [[ "${verb##*/}" == default ]] || check "${verb##*/} is the shim" '[[ "$(readlink "$verb")" == default ]]'
  done
  # `dokku help` runs every file AND folder of this name below a plugin; a second one makes it fail for all plugins.
  try find . -name commands -not -path './.git/*' -not -path './target/*'
  check "one thing only is named commands" '[[ "$out" == ./commands ]]'
}

install_and_update() {
  fresh
  try "$plugin/install"
  check "no way to a binary: fails and names the ways" \
    '[[ $rc == 1 && "$out" == *"no sources to build"* && "$out" == *"no address in"* && "$out" == *release-address* && "$out" == *"--name backups"* ]]'
  fake_binary "$plugin/bin/dokku-backups" "$version"
  try "$plugin/install"
  check "a binary laid there by hand is taken" '[[ $rc == 0 && -z "$out" && "$(calls)" == "<trigger:install>" ]]'
  check "no completion where Dokku has none" '[[ ! -e "$work/root" ]]'
  if ((EUID == 0)); then
    mkdir -p "$work/root/etc/bash_completion.d" "$work/root/usr/share/bash-completion/completions" "$work/root/usr/local/share/man"
    touch "$work/root/usr/share/bash-completion/completions/dokku"
    try "$plugin/install"
    check "completion beside Dokku's own" '[[ $rc == 0 && -e "$work/root/etc/bash_completion.d/dokku-backups" ]]'
    check "ux_337: the man page is one of the host's" 'cmp -s man/dokku-backups.1 "$work/root/usr/local/share/man/man1/dokku-backups.1"'
    try "$plugin/uninstall" backups
    check "and away with the plugin" '[[ $rc == 0 && ! -e "$work/root/etc/bash_completion.d/dokku-backups" ]]'
    check "the man page too" '[[ ! -e "$work/root/usr/local/share/man/man1/dokku-backups.1" ]]'
    rm -r "$work/root"
  fi
  fake_binary "$plugin/bin/dokku-backups" 0.0.0
  try "$plugin/install"
  check "install goes on with an old binary, warning" '[[ $rc == 0 && "$out" == *"not version $version"* ]]'
  try "$plugin/update"
  check "update does not" '[[ $rc == 1 && "$out" == *"not version $version"* ]]'

  fresh
  export DOKKU_BACKUPS_CARGO=$work/tools/cargo
  mkdir "$plugin/src"
  echo one >"$plugin/src/main.rs"
  touch "$plugin/Cargo.toml" "$plugin/Cargo.lock"
  (cd / && try "$plugin/install" && echo "$rc") >"$work/rc"
  check "cargo builds, from any folder" '[[ "$(<"$work/rc")" == 0 && "$("$plugin/bin/dokku-backups" backups:version)" == *one && $(builds) == 1 ]]'
  check "locked and optimised" 'grep -q -e "build --release --locked" "$work/built"'
  check "no build tree stays" '[[ ! -e "$plugin/target" && -z "$(compgen -G "$work/dokku-backups.*")" ]]'
  try "$plugin/install"
  check "nothing changed: nothing built, nothing said" '[[ $rc == 0 && -z "$out" && $(builds) == 1 ]]'
  echo two >"$plugin/src/main.rs"
  try "$plugin/update"
  check "update renews the binary" '[[ $rc == 0 && "$("$plugin/bin/dokku-backups" backups:version)" == *two && $(builds) == 2 ]]'
  echo half >>"$plugin/bin/dokku-backups"
  try "$plugin/install"
  check "a changed binary is made again" '[[ $rc == 0 && $(builds) == 3 ]] && ! grep -q half "$plugin/bin/dokku-backups"'
  echo three >"$plugin/src/main.rs"
  touch "$work/cargo-fails"
  try "$plugin/update"
  check "a failing build fails the update" '[[ $rc == 1 && "$out" == *"the build failed"* ]]'
  try "$plugin/install"
  check "and keeps the old binary for others' sake" '[[ $rc == 0 && "$("$plugin/bin/dokku-backups" backups:version)" == *two ]]'
  export DOKKU_BACKUPS_CARGO=none
}

downloads() {
  local name=dokku-backups-$version-$machine.tar.gz
  fresh
  fake_binary "$work/fake" "$version"
  try scripts/tarball "$work/fake" "$machine" "$work/dist"
  check "a tarball is packed" '[[ $rc == 0 && -f "$work/dist/$name" ]]'
  cp "$work/dist/$name" "$work/first"
  touch "$work/fake"
  try scripts/tarball "$work/fake" "$machine" "$work/dist"
  check "twice the same" 'cmp -s "$work/dist/$name" "$work/first"'
  check "it holds what Dokku needs, at the top" \
    '[[ -z "$(comm -13 <(tar -tf "$work/dist/$name" | sort) <(printf "%s\n" bin/dokku-backups commands install plugin.toml subcommands/export uninstall update | sort))" ]]'
  check "and nothing of this machine" '! tar -tvf "$work/dist/$name" | grep -v " 0/0 "'
  echo "file://$work/VERSION/dist" >"$plugin/release-address"
  mkdir "$work/$version" && ln -s "$work/dist" "$work/$version/dist"
  try "$plugin/install"
  check "the release address is used, with its version" '[[ $rc == 0 && -x "$plugin/bin/dokku-backups" && "$(<"$plugin/bin/origin")" == "release $version $machine "* ]]'
  try "$plugin/update"
  check "the same release is not fetched twice" '[[ $rc == 0 && -z "$out" ]]'
  sed -i 's/^release [^ ]*/release 0.0.0/' "$plugin/bin/origin"
  try "$plugin/update"
  check "another version is" '[[ $rc == 0 && "$out" == *Downloading* ]]'
  sed -i 's/ [^ ]* \([0-9a-f]*\)$/ pdp11 \1/' "$plugin/bin/origin"
  try "$plugin/install"
  check "another machine's is replaced" '[[ $rc == 0 && "$(<"$plugin/bin/origin")" == *" $machine "* ]]'
  rm -rf "${plugin:?}/bin"
  printf x | dd of="$work/dist/$name" bs=1 seek=100 conv=notrunc 2>/dev/null
  try "$plugin/install"
  check "a changed download is refused" '[[ $rc == 1 && "$out" == *"does not match"* && ! -e "$plugin/bin/dokku-backups" ]]'
  rm "$work/dist/$name.sha256"
  try "$plugin/install"
  check "so is one without a checksum" '[[ $rc == 1 && ! -e "$plugin/bin/dokku-backups" ]]'
  try env DOKKU_BACKUPS_RELEASE_URL=http://127.0.0.1:9 "$plugin/install"
  check "plain http is refused" '[[ $rc == 1 && "$out" == *"not an https"* ]]'
  rm -rf "${work:?}/$version" "$work/dist"
}

# Dokku asks a plugin's triggers before its install trigger has run, and after one that failed.
without_a_binary() {
  local trigger
  fresh
  for trigger in service-action builder-release cron-entries; do ln -s subcommands/default "$plugin/$trigger"; done
  export DOKKU_LIB_ROOT=$work/lib
  for trigger in "service-action pre-create postgres db" "service-action pre-delete postgres db" "service-action" \
    "builder-release herokuish web latest" "cron-entries docker-local"; do
    # shellcheck disable=SC2086 # words
    try "$plugin/"$trigger
    check "host_202 $trigger stops nobody" '[[ $rc == 0 && "$out" == " !     "*"no binary yet"* && "$(wc -l <<<"$out")" == 1 ]]'
    # shellcheck disable=SC2086 # words
    check "host_202 $trigger prints nothing on stdout" '[[ -z "$("$plugin/"$trigger 2>/dev/null)" ]]'
  done
  mkdir -p "$work/lib/config/backups" && touch "$work/lib/config/backups/.dokku-backups"
  try "$plugin/service-action" pre-delete postgres db
  check "host_202 the gate holds where backups are made" '[[ $rc == 7 && "$out" == *plugin:install* && "$out" == *--skip-backup-check* ]]'
  try "$plugin/service-action" pre-delete redis db
  check "host_202 not for what is never backed up" '[[ $rc == 0 ]]'
  try "$plugin/service-action" pre-create postgres db
  check "host_202 nor for what destroys nothing" '[[ $rc == 0 ]]'
  try env DOKKU_GLOBAL_FLAGS="--force --skip-backup-check" "$plugin/service-action" pre-delete postgres db
  check "host_202 and it opens when told to" '[[ $rc == 0 ]]'
  unset DOKKU_LIB_ROOT
  rm -rf "${work:?}/lib"
}

# The same on a host, while cargo takes its time and then fails: others create, deploy, destroy and install.
while_it_builds() {
  local pid
  mkdir "$work/sources"
  cp -RP plugin.toml commands subcommands install update uninstall service-action builder-release cron-entries "$work/sources/"
  mkdir "$work/sources/src" && echo slow >"$work/sources/src/main.rs" && touch "$work/sources/Cargo.toml" "$work/sources/Cargo.lock"
  git -C "$work/sources" init -q && git -C "$work/sources" add -A
  git -C "$work/sources" -c user.name=t -c user.email=t@example.org commit -qm x
  rm -f "$work/built" && touch "$work/cargo-fails" "$work/cargo-waits"
  export DOKKU_BACKUPS_CARGO=$work/tools/cargo
  dokku plugin:install "file://$work/sources" --name backups >"$work/install.out" 2>&1 </dev/null &
  pid=$!
  until [[ -e "$work/built" ]]; do sleep 0.05; done
  others_work "while it builds"
  mkdir "$work/third" && cp "$work/other/plugin.toml" "$work/third/"
  git -C "$work/third" init -q && git -C "$work/third" add -A
  git -C "$work/third" -c user.name=t -c user.email=t@example.org commit -qm x
  try dokku plugin:install "file://$work/third" --name third
  check "host_202 another plugin is installed meanwhile, without a second build" \
    '[[ $rc == 0 && "$out" == *"going on without it"* && $(builds) == 1 ]]'
  rm "$work/cargo-waits"
  wait "$pid"
  rc=$? out=$(<"$work/install.out")
  check "host_202 the failing build is said to whoever installs" '[[ $rc == 1 && "$out" == *"the build failed"* ]]'
  others_work "after a failed build"
  try dokku plugin:trigger install
  check "host_202 and not with its exit code to others" '[[ $rc == 0 && "$out" == *"the build failed"* ]]'
  rm "$work/cargo-fails"
  try dokku plugin:install
  check "host_202 plugin:install mends it" '[[ $rc == 0 && -x "$plugin/bin/dokku-backups" && ! -e "$plugin/bin/failed" ]]'
  dokku plugin:uninstall third >/dev/null
  export DOKKU_BACKUPS_CARGO=none
}

others_work() { # WHEN
  try dokku postgres:create "other$passed"
  check "host_202 a service is created $1" '[[ $rc == 0 && "$out" == *"no binary yet"* ]]'
  [[ -d "$DOKKU_ROOT/web" ]] || dokku apps:create web >/dev/null 2>&1
  try dokku sandbox:deploy web "file=$passed"
  check "host_202 an app is pushed $1" '[[ $rc == 0 && "$out" == *"no binary yet"* ]]'
  try dokku ps:restart web
  check "host_202 and restarted $1" '[[ $rc == 0 ]]'
}

uninstalling() {
  fresh
  try env DOKKU_LIB_ROOT="$work/lib" "$plugin/uninstall" postgres
  check "another plugin's uninstall is none of ours" '[[ $rc == 0 && -z "$out" ]]'
  try env DOKKU_LIB_ROOT="$work/lib" "$plugin/uninstall" backups
  check "ours tells where the data is" '[[ $rc == 0 && "$out" == *"$work/lib/data/backups"* ]]'
}

# The same through a Dokku: ownership, order of triggers, and names are Dokku's here.
in_the_sandbox() {
  local binary=${1:-} name=dokku-backups-$version-$machine.tar.gz file exports
  if [[ -z "$binary" ]]; then
    for file in target/*/dokku-backups; do
      [[ ! -x "$file" || (-n "$binary" && "$binary" -nt "$file") ]] || binary=$file
    done
  fi
  if [[ -z "$binary" ]]; then
    fake_binary "$work/fake" "$version"
    binary=$work/fake
    touch "$work/calls" && chmod 666 "$work/calls"
  fi
  exports=$(tests/sandbox up "$host" --no-plugin) || { check "the sandbox starts" false && return; }
  eval "$exports"
  export DOKKU_SANDBOX_ROOT=1
  plugin=$PLUGIN_ENABLED_PATH/backups
  scripts/tarball "$binary" "$machine" "$work/dist" >/dev/null

  try dokku plugin:install "file://$work/dist/$name" --name backups
  check "plugin:install takes the tarball" '[[ $rc == 0 && -x "$plugin/bin/dokku-backups" ]]'
  try dokku backups:version
  check "and the plugin answers" '[[ $rc == 0 && "$out" == *"$version"* ]]'
  check "Dokku's user owns its files" '[[ "$(stat -c %U "$plugin/bin/dokku-backups")" == "$DOKKU_SYSTEM_USER" ]]'
  try dokku help
  check "dokku help lists it" '[[ $rc == 0 && "$out" == *backups* ]]'
  if [[ "$binary" != "$work/fake" ]]; then
    for file in data config; do
      check "$file/backups is Dokku's, closed to others" \
        '[[ "$(stat -c "%U %a" "$DOKKU_LIB_ROOT/$file/backups")" == "$DOKKU_SYSTEM_USER 700" ]]'
    done
  fi
  try dokku plugin:trigger install
  check "a second install trigger says nothing" '[[ $rc == 0 && -z "$out" ]]'

  mkdir "$work/other" && printf '[plugin]\ndescription = "x"\nversion = "1"\n[plugin.config]\n' >"$work/other/plugin.toml"
  git -C "$work/other" init -q && git -C "$work/other" add -A
  git -C "$work/other" -c user.name=t -c user.email=t@example.org commit -qm x
  try dokku plugin:install "file://$work/other" --name other
  check "another plugin installs beside us" '[[ $rc == 0 && "$out" != *ackups* ]]'
  try dokku plugin:uninstall other
  check "and leaves" '[[ $rc == 0 && -x "$plugin/bin/dokku-backups" && "$out" != *"backups and their"* ]]'

  [[ -d "$DOKKU_LIB_ROOT/data/backups" ]] || mkdir -p "$DOKKU_LIB_ROOT/data/backups"
  echo precious >"$DOKKU_LIB_ROOT/data/backups/kept"
  try dokku plugin:uninstall backups
  check "uninstall keeps the data and says where" \
    '[[ $rc == 0 && ! -e "$plugin" && -s "$DOKKU_LIB_ROOT/data/backups/kept" && "$out" == *"$DOKKU_LIB_ROOT/data/backups"* ]]'

  rm -rf "${DOKKU_LIB_ROOT:?}"/{data,config}/backups # a host on which no backup was ever made
  while_it_builds
  [[ ! -e "$plugin" ]] || dokku plugin:uninstall backups >/dev/null 2>&1
  mkdir -p "$DOKKU_LIB_ROOT/data/backups" && echo precious >"$DOKKU_LIB_ROOT/data/backups/kept"

  # From a repository, with the binary from a release address; then a new version.
  mkdir "$work/repository"
  cp -RP plugin.toml commands subcommands install update uninstall "$work/repository/"
  git -C "$work/repository" init -q && git -C "$work/repository" add -A
  git -C "$work/repository" -c user.name=t -c user.email=t@example.org commit -qm one
  export DOKKU_BACKUPS_RELEASE_URL=file://$work/nowhere
  try dokku plugin:install "file://$work/repository" --name backups
  check "a failed install says so and stays enabled" '[[ $rc == 1 && -e "$plugin" && "$out" == *"cannot get"* ]]'
  try dokku backups:list
  check "its commands say what to do" '[[ $rc == 1 && "$out" == *"plugin:install"* ]]'
  export DOKKU_BACKUPS_RELEASE_URL=file://$work/dist
  try dokku plugin:install
  check "plugin:install without arguments mends it" '[[ $rc == 0 && -x "$plugin/bin/dokku-backups" ]]'
  check "the data was taken up again" '[[ -s "$DOKKU_LIB_ROOT/data/backups/kept" ]]'
  (
    cd "$work/repository" && sed -i "s/^version = .*/version = \"99.0.0\"/" plugin.toml &&
      git -c user.name=t -c user.email=t@example.org commit -qam two
  )
  mkdir "$work/next" && cp -RP scripts plugin.toml commands subcommands install update uninstall "$work/next/"
  sed -i "s/^version = .*/version = \"99.0.0\"/" "$work/next/plugin.toml"
  "$work/next/scripts/tarball" "$(realpath "$binary")" "$machine" "$work/dist" >/dev/null
  try dokku plugin:update backups
  check "plugin:update renews the binary" '[[ $rc == 0 && "$(<"$plugin/bin/origin")" == "release 99.0.0 "* ]]'
}

entry_points
without_a_binary
install_and_update
downloads
uninstalling
if [[ -x tests/sandbox ]]; then in_the_sandbox "$@"; fi
echo "plugin_life: $passed passed, $failed failed"
((failed == 0))
