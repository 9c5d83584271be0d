#!/usr/bin/env bash
# One sync of one account of the configuration file: sync.sh ACCOUNT
#
# INSIGHTLY_CONFIG names the configuration file, INSIGHTLY_SYNCS the folder in which each account has
# one of its own, with its state and, if you like, its catalog.json. INSIGHTLY_TARGET is the command
# that loads; it runs in that folder.
#
# It ends with the exit code of the tap or the target: 75 says that it may be tried again later, so
# does a sync of this account that is still going on.
set -euo pipefail
export INSIGHTLY_ACCOUNT=${1:?Say which account.}
folder=${INSIGHTLY_SYNCS:?Say where the states are.}/$INSIGHTLY_ACCOUNT

mkdir -p "$folder"
cd "$folder"
exec 9> lock
if ! flock --nonblock 9; then
  echo "A sync of account '$INSIGHTLY_ACCOUNT' is still going on." >&2
  exit 75
fi
[ -s state.json ] || echo '{}' > state.json
catalog=()
[ -s catalog.json ] && catalog=(--catalog catalog.json)

# A state is kept as soon as all that came before it is loaded, whatever ends the run then.
tap-insightly --config=ENV --state state.json ${catalog[@]+"${catalog[@]}"} 9>&- |
  bash -c "$INSIGHTLY_TARGET" 9>&- |
  while IFS= read -r state; do
    printf '%s\n' "$state" > state.json.new && mv state.json.new state.json
  done
