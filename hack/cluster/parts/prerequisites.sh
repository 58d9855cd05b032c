# shellcheck shell=bash
# What must be on the machine before anything starts: Debian packages and free disk. Whatever is missing is one
# line. Binaries that are built are in binaries.sh.

# need_packages installs the Debian packages whose files are not there. Arguments: FILE=PACKAGE, where FILE is a
# command or an absolute path.
need_packages() {
  local missing=() need
  for need in "$@"; do
    [[ -n $(PATH=$PATH:/usr/sbin:/sbin type -P "${need%%=*}") || -e ${need%%=*} ]] || missing+=("${need#*=}")
  done
  ((${#missing[@]})) || return 0
  type -P apt-get >/dev/null || fail "missing, and there is no apt-get to install it: ${missing[*]}"
  step "installing Debian packages: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    fail "could not install ${missing[*]}: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log") ($log)"
  fi
  rm "$log"
}

need_packages_of_api() {
  need_packages ip=iproute2 nsenter=util-linux flock=util-linux openssl=openssl
}

need_packages_of_node() {
  # busybox-static leaves its documentation as the only file that tells it from the dynamic busybox.
  need_packages containerd=containerd runc=runc /usr/lib/cni/ptp=containernetworking-plugins buildah=buildah \
    iptables=iptables /usr/share/doc/busybox-static=busybox-static
}

# need_disk fails if there are less than MEGABYTES free where FOLDER is or will be.
need_disk() {
  local folder=$1 megabytes=$2 why=$3 free
  while [[ ! -d $folder ]]; do
    folder=$(dirname "$folder")
  done
  free=$(df --output=avail --block-size=M "$folder" | tail -n 1)
  free=${free//[!0-9]/}
  ((free >= megabytes)) || fail "not enough disk: $why needs $megabytes MB in $folder, free are $free MB"
}
