# shellcheck shell=bash
# Which cluster is meant, where its files are, whether it lives, and the lock that lets one command at a time
# change it. Starting and removing clusters is in other files.

# Where `ip` and `iptables` are is not in the PATH of everybody who becomes root.
PATH=$PATH:/usr/sbin:/sbin

CLUSTER=dev
CLUSTERS=/var/lib/ecs-operator-cluster

# name_cluster sets CLUSTER and STATE. Names are short because sockets lie below STATE, and the path of a
# socket has at most 107 characters.
name_cluster() {
  [[ $1 =~ ^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$ ]] ||
    fail "'$1' is not a cluster name: at most 24 lower case letters, digits and '-'"
  CLUSTER=$1
  STATE=$CLUSTERS/$CLUSTER
}

# take_name reads a leading `--name N` (or `--name=N`) and leaves the other arguments in ARGUMENTS.
take_name() {
  local name=$CLUSTER
  case ${1-} in
    --name)
      [[ $# -ge 2 ]] || fail "--name needs a value"
      name=$2
      shift 2
      ;;
    --name=*)
      name=${1#--name=}
      shift
      ;;
  esac
  name_cluster "$name"
  # shellcheck disable=SC2034 # read by the scripts that call this
  ARGUMENTS=("$@")
}

# show_usage prints the comment at the top of the script that was called.
show_usage() {
  sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"
}

need_root() {
  [[ $EUID -eq 0 ]] || fail "must run as root: it makes network namespaces and mounts"
}

# lock_cluster waits until no other command changes this cluster. `down` removes the lock file while it holds
# it, so whoever got the lock of a file that is no longer there tries again. File descriptor 9 is closed for
# everything that outlives the command, with one exception that is explained in namespaces.sh.
lock_cluster() {
  local file=$CLUSTERS/.$CLUSTER.lock
  mkdir -p "$CLUSTERS"
  while true; do
    exec 9>"$file"
    if ! flock --nonblock 9; then
      step "waiting for another command that changes cluster $CLUSTER"
      flock 9
    fi
    [[ $file -ef /proc/self/fd/9 ]] && return
  done
}

# start_time prints when the process behind a /proc/PID/stat file began, in clock ticks since boot. A process
# id together with it is never used twice before the next boot. Prints nothing for a process that has ended.
start_time() {
  local stat fields
  { IFS= read -r -d '' stat <"$1" || [[ -n $stat ]]; } 2>/dev/null || return 0
  # The second field is the name in parentheses, which may hold blanks: count from behind it.
  read -r -a fields <<<"${stat##*) }"
  [[ ${fields[0]} != [ZX] ]] && printf '%s' "${fields[19]}"
  return 0
}

# recorded_process prints the process id of the cluster's first process, the one that all others end with, also while
# it is ending. Fails if it is gone.
recorded_process() {
  local pid began boot
  { read -r pid began boot <"$STATE/first-process"; } 2>/dev/null || return 1
  [[ $boot == "$(</proc/sys/kernel/random/boot_id)" ]] || return 1
  [[ $(start_time "/proc/$pid/stat") == "$began" ]] || return 1
  printf '%s' "$pid"
}

# first_process prints the same as long as the cluster runs: when it ends, its network is gone before the process is.
first_process() {
  local pid
  pid=$(recorded_process) && [[ -e /proc/$pid/ns/net ]] && printf '%s' "$pid"
}

# need_cluster sets FIRST to the first process of a cluster that runs.
need_cluster() {
  FIRST=$(first_process) || fail "no cluster named $CLUSTER is running: hack/cluster/up --name $CLUSTER"
}

# inside runs a command with the cluster's network, mounts and process ids.
inside() {
  nsenter --target "$FIRST" --net --mount --pid -- "$@"
}

# address_inside prints the address of the node, where the API server listens.
address_inside() {
  cat "$STATE/address"
}

# use_kubeconfig makes kubectl and Helm talk to this cluster, whatever the user's settings are.
use_kubeconfig() {
  export KUBECONFIG=$STATE/kubeconfig
  # Several clusters have the same address one after another: what kubectl remembers goes with the cluster.
  export KUBECACHEDIR=$STATE/kubectl-cache
  NO_PROXY=$(address_inside)${NO_PROXY:+,$NO_PROXY}
  export NO_PROXY no_proxy=$NO_PROXY
}
