# shellcheck shell=bash
# Starting, watching and ending the processes of a cluster, its "parts". Each has a folder in STATE/parts with
# its command and, while it lives, its process id and start time. What the commands are is in other files.

# define_part NAME COMMAND... keeps how a part is started. It gets an environment of its own: a proxy or a
# GODEBUG of the user's must not change a cluster.
define_part() {
  local name=$1
  shift
  mkdir -p "$STATE/parts/$name"
  {
    printf 'exec env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    printf ' %q' "$@"
    printf '\n'
  } | write_settings "$STATE/parts/$name/command"
}

# write_settings FILE keeps what it reads there, and does not touch a file that says so already: kube-proxy ends
# when its settings are written again.
write_settings() {
  local text
  text=$(cat)
  [[ ! -e $1 || $(<"$1") != "$text" ]] || return 0
  printf '%s\n' "$text" >"$1.unfinished"
  mv "$1.unfinished" "$1"
}

# start_part starts a part if it does not run, in the cluster's namespaces.
start_part() {
  local name=$1
  [[ $(part_state "$name") == ended ]] || return 0
  rm -f "$STATE/parts/$name/process"
  inside bash "$PARTS/start-part.sh" "$STATE/parts/$name" "$STATE/logs/$name.log"
}

# part_state prints running, paused or ended.
part_state() {
  local pid began stat
  { read -r pid began <"$STATE/parts/$1/process"; } 2>/dev/null || pid=
  # Process ids are those inside; the first process's root shows /proc as it is there.
  stat=/proc/$FIRST/root/proc/$pid/stat
  if [[ -z $pid || $(start_time "$stat") != "$began" ]]; then
    printf ended
  elif [[ $(<"$stat") == *') T '* ]]; then
    printf paused
  else
    printf running
  fi
}

# signal_part NAME SIGNAL
signal_part() {
  local pid began
  [[ $(part_state "$1") != ended ]] || return 0
  read -r pid began <"$STATE/parts/$1/process"
  inside kill "-$2" "$pid"
}

# stop_part ends a part: gently, and after ten seconds not gently.
stop_part() {
  local deadline=$((SECONDS + 10))
  signal_part "$1" TERM
  signal_part "$1" CONT
  until [[ $(part_state "$1") == ended ]]; do
    ((SECONDS < deadline)) || signal_part "$1" KILL
    sleep 0.05
  done
}

kill_part() {
  signal_part "$1" KILL
  until [[ $(part_state "$1") == ended ]]; do
    sleep 0.01
  done
}

# parts_of_cluster prints the names of all parts that were ever started.
parts_of_cluster() {
  local folder
  for folder in "$STATE"/parts/*/; do
    [[ ! -d $folder ]] || basename "$folder"
  done
}

# await SECONDS PART WHAT COMMAND... waits until COMMAND succeeds. If any part ends meanwhile, or the time is
# over, it shows the end of that part's log.
await() {
  local deadline=$((SECONDS + $1)) part=$2 what=$3 other
  shift 3
  until "$@" >/dev/null 2>&1; do
    for other in $(parts_of_cluster); do
      [[ $(part_state "$other") != ended ]] || fail_with_log "$other" "$other has ended"
    done
    ((SECONDS < deadline)) || fail_with_log "$part" "$what did not happen in time"
    sleep 0.1
  done
}

fail_with_log() {
  local log=$STATE/logs/$1.log
  printf '%s\n' "--- the end of $log" >&2
  tail -n 15 "$log" | cut -c 1-500 >&2
  printf '%s\n' '---' >&2
  fail "$2; its whole log is $log"
}
