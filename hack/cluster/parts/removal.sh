# shellcheck shell=bash
# Taking a cluster away, whole or half made. It relies on nothing but the record of the first process and on
# paths that follow from the name.

# remove_cluster leaves nothing of it: no process, namespace, mount, interface, cgroup or file. The lock must be
# held.
remove_cluster() {
  local mount
  if FIRST=$(recorded_process); then
    # Taken off before, because the kernel takes its time to clear a namespace whose processes have ended.
    nsenter --target "$FIRST" --net -- ip link delete eth0 2>/dev/null || true
    kill -KILL "$FIRST" 2>/dev/null || true
    local deadline=$((SECONDS + 30))
    # It is gone when the kernel has ended and collected every process that began inside.
    while recorded_process >/dev/null || [[ -e /proc/$FIRST/ns/pid ]]; do
      ((SECONDS < deadline)) || fail "process $FIRST does not end"
      sleep 0.01
    done
  fi
  remove_cgroups
  # The cluster's mounts have ended with its processes. If anything else is mounted there it is not ours to delete.
  mount=$(findmnt --noheadings --list --output TARGET | grep -m 1 "^$STATE/") &&
    fail "$mount is mounted in the cluster's folder: unmount it"
  rm -rf --one-file-system "$STATE"
}

remove_cgroups() {
  local mount folder tries
  while read -r mount; do
    folder=$mount/ecs-operator-cluster/$CLUSTER
    for ((tries = 0; tries < 100; tries++)); do
      [[ -d $folder ]] || break
      find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.02
    done
    [[ ! -d $folder ]] || fail "cgroup $folder cannot be removed: is a process in it?"
    rmdir "$mount/ecs-operator-cluster" 2>/dev/null || true
  done < <(findmnt --noheadings --list --output TARGET --types cgroup,cgroup2)
}
