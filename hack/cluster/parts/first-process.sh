#!/bin/bash
# The first process of a cluster: writes down who it is, makes the mounts that the cluster alone sees, and then
# waits as `pause`. Run by namespaces.sh, as first-process.sh STATE PAUSE, in namespaces that are still empty.

set -euo pipefail
state=$1 pause=$2

# /proc is still the host's: it shows the process id by which the host knows this process.
read -r stat </proc/self/stat
read -r -a fields <<<"${stat##*) }"
printf '%s %s %s\n' "${stat%% *}" "${fields[19]}" "$(</proc/sys/kernel/random/boot_id)" >"$state/first-process.unfinished"
mv "$state/first-process.unfinished" "$state/first-process"

mount -t proc proc /proc

# Folders whose paths are fixed in containerd, its CNI library, iptables and the kubelet: each cluster has its own.
mkdir -p /var/lib/cni
for folder in /run /var/log /var/lib/cni; do
  mount -t tmpfs tmpfs "$folder"
done

# The kubelet sets these for the whole machine if it finds other values. It finds what it wants, and the
# machine keeps its own.
while read -r setting value; do
  printf '%s\n' "$value" >"/run/${setting##*/}"
  mount --bind "/run/${setting##*/}" "/proc/sys/$setting"
done <<'END'
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
END

# Pods with mountPropagation need shared mounts; they are shared inside, and nothing goes back to the host.
mount --make-rshared /

touch "$state/first-process-ready"
# The argument is for whoever lists the processes of the machine.
exec "$pause" "$state" 9>&-
