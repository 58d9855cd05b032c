#!/bin/bash
# Starts one process of a cluster, inside its namespaces, and returns when its id is written down. Run by
# processes.sh, as start-part.sh FOLDER LOG.

set -euo pipefail
folder=$1 log=$2

# The new process keeps the lock on the cluster (file descriptor 9) until it has written down its id, so that a
# command that is killed here cannot leave a process that the next one does not know.
# shellcheck disable=SC2016 # it is the new shell that expands
setsid --fork bash -c '
  set -euo pipefail
  read -r stat </proc/self/stat
  read -r -a fields <<<"${stat##*) }"
  printf "%s %s\n" "${stat%% *}" "${fields[19]}" >"$0/process.unfinished"
  mv "$0/process.unfinished" "$0/process"
  exec 9>&-
  source "$0/command"
' "$folder" >>"$log" 2>&1 </dev/null
for ((tries = 0; tries < 500; tries++)); do
  [[ ! -e $folder/process ]] || exit 0
  sleep 0.01
done
echo "hack/cluster: ${folder##*/} did not start; its log is $log" >&2
exit 1
