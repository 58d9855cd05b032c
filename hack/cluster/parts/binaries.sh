# shellcheck shell=bash
# The binaries that are built from Go modules: which there are, where the cache has them, and building them with
# visible progress. Container images are in images.sh.

CACHE=${ECS_OPERATOR_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/ecs-operator}
CACHE=$(realpath --canonicalize-missing "$CACHE")
TOOLS=$PARTS/../tools

# Binary, module (a folder in tools/), package.
BINARIES='
pause                    pause                  .
etcd                     kubernetes             go.etcd.io/etcd/server/v3
kube-apiserver           kubernetes             k8s.io/kubernetes/cmd/kube-apiserver
kube-controller-manager  kubernetes             k8s.io/kubernetes/cmd/kube-controller-manager
kube-scheduler           kubernetes             k8s.io/kubernetes/cmd/kube-scheduler
kubectl                  kubernetes             k8s.io/kubernetes/cmd/kubectl
kubelet                  kubernetes             k8s.io/kubernetes/cmd/kubelet
kube-proxy               kubernetes             k8s.io/kubernetes/cmd/kube-proxy
kube-network-policies    kube-network-policies  sigs.k8s.io/kube-network-policies/cmd/kube-network-policies/standard
kwok                     kwok                   sigs.k8s.io/kwok/cmd/kwok
helm                     helm                   helm.sh/helm/v4/cmd/helm
'

declare -A MODULE_OF=() PACKAGE_OF=() FOLDER_OF=()
ALL_BINARIES=()
while read -r binary module package; do
  [[ -n $binary ]] || continue
  ALL_BINARIES+=("$binary")
  MODULE_OF[$binary]=$module
  PACKAGE_OF[$binary]=$package
done <<<"$BINARIES"

# The environment of every go command: the installed toolchain and the modules that go.sum pins, whatever the
# user's settings are.
run_go() {
  env -u GOOS -u GOARCH -u GOEXPERIMENT GOFLAGS=-mod=readonly GOWORK=off GOTOOLCHAIN=local CGO_ENABLED=0 go "$@"
}

# required_version MODULE PATH prints the version of a required module, like v1.37.1.
required_version() {
  sed -n "s|^\t$2 \(v[^ ]*\).*|\1|p" "$TOOLS/$1/go.mod" | head -n 1
}

# linker_flags MODULE prints what the linker gets: without it the parts of Kubernetes take themselves for v0.0.0.
linker_flags() {
  local version=
  case $1 in
    kubernetes)
      version=$(required_version kubernetes k8s.io/kubernetes)
      local major=${version#v} minor=${version#*.}
      local package=k8s.io/component-base/version
      printf '%s' "-s -w -X $package.gitVersion=$version -X $package.gitMajor=${major%%.*} -X $package.gitMinor=${minor%%.*}"
      ;;
    helm)
      version=$(required_version helm helm.sh/helm/v4)
      printf '%s' "-s -w -X helm.sh/helm/v4/internal/version.version=$version"
      ;;
    *) printf '%s' '-s -w' ;;
  esac
}

# go_version prints the version of the go command, like go1.26.8, and nothing if there is none.
go_version() {
  (cd / && run_go env GOVERSION) 2>/dev/null | cut -d ' ' -f 1 || true
}

# locate_binaries sets FOLDER_OF for each module: a folder in the cache that is named after everything the
# binaries are made of. Without a go command any Go version's binaries will do.
locate_binaries() {
  GO_VERSION=$(go_version)
  local module key found
  for module in "$TOOLS"/*/; do
    module=$(basename "$module")
    key=$({
      uname -m
      linker_flags "$module"
      cat -- "$TOOLS/$module"/*
    } | sha256sum | cut -c 1-16)
    FOLDER_OF[$module]=$CACHE/bin/$module-$key-${GO_VERSION:-none}
    if [[ -z $GO_VERSION ]]; then
      found=$(find "$CACHE/bin" -maxdepth 1 -name "$module-$key-*" 2>/dev/null | head -n 1) || true
      [[ -z $found ]] || FOLDER_OF[$module]=$found
    fi
  done
}

# binary NAME prints the path at which the cache has it, or will have it when it is built.
binary() {
  printf '%s/%s' "${FOLDER_OF[${MODULE_OF[$1]}]}" "$1"
}

# need_binaries builds those that the cache does not have.
need_binaries() {
  local name number=0
  need_means_to_build "$@"
  ((${#MISSING[@]})) || return 0
  lock_builds
  for name in "${MISSING[@]}"; do
    number=$((number + 1))
    [[ -x $(binary "$name") ]] || build_binary "$name" "[$number/${#MISSING[@]}]"
  done
  exec 8>&-
}

# need_means_to_build fails if those that the cache does not have, which it notes in MISSING, cannot be built.
need_means_to_build() {
  local name
  ((${#FOLDER_OF[@]})) || locate_binaries
  MISSING=()
  for name in "$@"; do
    [[ -n ${MODULE_OF[$name]-} ]] || fail "there is no binary named '$name': ${ALL_BINARIES[*]}"
    [[ -x $(binary "$name") ]] || MISSING+=("$name")
  done
  ((${#MISSING[@]})) || return 0
  need_go
  # What all of them took with empty caches, divided by their number.
  need_disk "$CACHE" $((${#MISSING[@]} * 100)) "keeping ${#MISSING[@]} binaries"
  need_disk "$(run_go env GOCACHE)" $((${#MISSING[@]} * 800)) "building ${#MISSING[@]} binaries"
}

need_go() {
  local wanted
  wanted=$(sed -n 's/^go //p' "$TOOLS/kubernetes/go.mod")
  [[ -n $GO_VERSION ]] || fail "Go $wanted or newer is needed to build Kubernetes, and there is no go in PATH"
  [[ $(printf '%s\n' "$wanted" "${GO_VERSION#go}" | sort --version-sort | head -n 1) == "$wanted" ]] ||
    fail "Go $wanted or newer is needed to build Kubernetes; this is ${GO_VERSION#go}"
}

# lock_builds waits until no other command builds into this cache.
lock_builds() {
  mkdir -p "$CACHE/bin"
  exec 8>"$CACHE/bin/.lock"
  if ! flock --nonblock 8; then
    step "waiting for another build"
    flock 8
  fi
  find "$CACHE/bin" -name '.unfinished-*' -delete
}

# build_binary NAME NUMBER builds into a file of its own and moves it into place when it is whole.
build_binary() {
  local name=$1 number=$2 module=${MODULE_OF[$1]} target unfinished log began=$SECONDS
  target=$(binary "$name")
  unfinished=$(dirname "$target")/.unfinished-$name-$$
  log=$(mktemp)
  mkdir -p "$(dirname "$target")"
  (
    exec 8>&-
    cd "$TOOLS/$module" || exit
    run_go build -v -trimpath -ldflags="$(linker_flags "$module")" -o "$unfinished" "${PACKAGE_OF[$name]}"
  ) >"$log" 2>&1 &
  local build=$!
  show_progress "$build" "$log" "$number $name" "$began"
  if ! wait "$build"; then
    fail "$name does not build: $(grep -v -e '^[[:alnum:]._/~-]*$' -e '^go: downloading' "$log" | head -n 3 | tr '\n' ' ')($log)"
  fi
  [[ $name != kwok ]] || write_stages "$(dirname "$target")"
  mv "$unfinished" "$target"
  step "$number $name built in $((SECONDS - began)) s, $(($(stat -c %s "$target") / 1000000)) MB"
  rm "$log"
}

# show_progress tells, while process PID lives, how far a build is: on a terminal all the time, elsewhere every
# 15 seconds.
show_progress() {
  local pid=$1 log=$2 what=$3 began=$4 said=$SECONDS compiled downloaded
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    if [[ -t 2 ]] || ((SECONDS - said >= 15)); then
      said=$SECONDS
      compiled=$(grep -c -v '^go: ' "$log" || true)
      downloaded=$(grep -c '^go: downloading' "$log" || true)
      printf '%7s s  %s: %d packages compiled, %d s' \
        "$(seconds_so_far)" "$what (${downloaded} modules downloaded)" "$compiled" $((SECONDS - began)) >&2
      if [[ -t 2 ]]; then printf '\r' >&2; else printf '\n' >&2; fi
    fi
  done
  [[ ! -t 2 ]] || printf '\033[K' >&2
}

# write_stages puts kwok's rules for the life of a node and a Pod beside it. They lie in its module, which need
# not be there any more when a cluster starts.
write_stages() {
  local stage source
  source=$(cd "$TOOLS/kwok" && run_go list -m -f '{{.Dir}}' sigs.k8s.io/kwok)/kustomize/stage
  for stage in pod/fast/pod-ready pod/fast/pod-complete pod/fast/pod-delete node/fast/node-initialize \
    node/heartbeat-with-lease/node-heartbeat-with-lease; do
    printf -- '---\n'
    cat "$source/$stage.yaml"
  done >"$1/stages.yaml"
}
