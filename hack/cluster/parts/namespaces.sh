# shellcheck shell=bash
# The namespaces in which a cluster lives: network, mounts and process ids. They exist as long as their first
# process does, so ending that one process ends every other, unmounts everything and takes the network away,
# wherever `up` was when it died. Nothing that runs inside is known here.

# start_namespaces starts the first process, if it does not run, and sets FIRST.
#
# The first process inherits the lock of the command that starts it and lets go of it only when it has written
# down its own id. So whoever gets the lock next finds either no process or its id, even if this command is
# killed in between.
start_namespaces() {
  if FIRST=$(first_process); then
    return
  fi
  mkdir -p "$STATE/logs"
  setsid unshare --net --mount --pid --propagation slave -- \
    bash -c '"$@" &' first-process \
    bash "$PARTS/first-process.sh" "$STATE" "$(binary pause)" >"$STATE/logs/first-process.log" 2>&1 </dev/null
  local deadline=$((SECONDS + 10))
  until [[ -e $STATE/first-process-ready ]]; do
    if ((SECONDS > deadline)) || { [[ -e $STATE/first-process ]] && ! first_process >/dev/null; }; then
      fail "the namespaces could not be made: $(tail -n 1 "$STATE/logs/first-process.log") ($STATE/logs/first-process.log)"
    fi
    sleep 0.01
  done
  # shellcheck disable=SC2034 # read by everything that runs inside
  FIRST=$(first_process) || fail "the first process has ended ($STATE/logs/first-process.log)"
}
