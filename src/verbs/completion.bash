# bash completion of `dokku backups:*`, written by the backups plugin at its installation; everything else that begins
# with `dokku` is left to Dokku's own completion.

_dokku_backups() {
  local line=${COMP_LINE:0:COMP_POINT} root=${DOKKU_LIB_ROOT:-/var/lib/dokku} given cur verb='' service='' previous='' words='' word
  read -ra given <<<"$line"
  if [[ "$line" == *[[:space:]] ]]; then cur=''; else cur=${given[-1]} && unset 'given[-1]'; fi
  for word in "${given[@]:1}"; do
    previous=$word
    if [[ -z "$verb" ]]; then
      [[ "$word" == --* ]] || verb=$word
    elif [[ -z "$service" && "$word" != -* ]]; then
      service=${word#*:}
    fi
  done
  if [[ -z "$verb" && "$cur" == backups:* ]]; then
    for word in @VERBS@; do words+=" backups:$word"; done
  elif [[ "$verb" == backups:* ]]; then
    _dokku_backups_words
  else
    # Dokku's own is loaded when it is first wanted; it takes the word `dokku` over, and we take it back.
    if ! declare -F _dokku >/dev/null && [[ -r /usr/share/bash-completion/completions/dokku ]]; then
      . /usr/share/bash-completion/completions/dokku
      complete -F _dokku_backups dokku
    fi
    if declare -F _dokku >/dev/null; then _dokku "$@"; fi
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
  # bash takes what stands behind the last colon for the word, unless it was told that colons are part of words.
  if [[ "$cur" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
    COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*:}"}"}")
  fi
}

# Words for the place after a verb.
_dokku_backups_words() {
  local place=$previous path
  [[ "$place" == --* && "$place" != --force ]] || place=''
  [[ "$cur" != -* ]] || place=-
  case ${verb#backups:}:$place in
    *:--id)
      for path in "$root"/data/backups/*/"$service"/"$service"-*.toml; do
        path=${path##*/}
        [[ "$path" == *'*'* ]] || words+=" ${path%.toml}"
      done
      return
      ;;
    @OPTIONS@
  esac
  [[ -z "$words" ]] || return 0
  case ${verb#backups:}:$service in
    help:*) words='@VERBS@' ;;
    set:?*) words='@KEYS@' ;;
    *)
      for path in "$root"/services/*/*/; do
        path=${path%/}
        [[ "$path" == *'*'* ]] || words+=" ${path##*/}"
      done
      ;;
  esac
}

complete -F _dokku_backups dokku
