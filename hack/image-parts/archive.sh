# shellcheck shell=bash
# From a folder with files to an image archive in the cache, the same bytes for the same files. What is in an image
# is decided by the scripts that source this: hack/image and hack/demo-image. They run as root, as buildah must.
# The caller's options are in IMAGE and OUTPUT, a folder for unfinished things that goes away at the end in WORK.

CACHE=${ECS_OPERATOR_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/ecs-operator}

step() {
  printf '%5d s  %s\n' "$SECONDS" "$*" >&2
}

fail() {
  printf 'hack/%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# read_options DEFAULT-NAME OPTIONS... sets IMAGE and OUTPUT.
read_options() {
  IMAGE=$1 OUTPUT=
  shift
  while (($#)); do
    case $1 in
      # The comment at the top of the script that was called.
      -h | --help) sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0" && exit ;;
      --output=* | --tag=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
    esac
    [[ $# -ge 2 ]] || fail "'$1' is not an option, or lacks its value (--help)"
    case $1 in
      --output) OUTPUT=$2 ;;
      --tag) IMAGE=$2 ;;
      *) fail "'$1' is not an option (--help)" ;;
    esac
    shift 2
  done
  # containerd keeps a name as it is written, but the kubelet asks for the whole one.
  [[ $IMAGE =~ ^[a-z0-9.-]+[.:][a-z0-9.:-]*/[a-z0-9._/-]+:[A-Za-z0-9._-]+$ ]] ||
    fail "'$IMAGE' is not a whole image name, like registry.example/name:tag"
}

# need_packages installs the Debian packages whose command is not there. Arguments: COMMAND=PACKAGE.
need_packages() {
  local missing=() need
  for need in "$@"; do
    [[ -n $(PATH=$PATH:/usr/sbin:/sbin type -P "${need%%=*}") ]] || missing+=("${need#*=}")
  done
  ((${#missing[@]})) || return 0
  type -P apt-get >/dev/null || fail "missing, and there is no apt-get to install it: ${missing[*]}"
  step "installing Debian packages: ${missing[*]}"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"; } \
    >"$WORK/apt.log" 2>&1 || fail "could not install ${missing[*]}: $(grep -m 1 '^E:' "$WORK/apt.log")"
}

# open_cache KIND KEY sets FOLDER, for what is made of these inputs, and ARCHIVE in it, which is whole when it is
# there. It waits until nobody else builds this kind.
open_cache() {
  [[ $EUID -eq 0 ]] || fail "must run as root: buildah gives the files in the image their owners"
  FOLDER=$CACHE/$1/$2
  ARCHIVE=$FOLDER/${IMAGE//[\/:]/-}.tar
  mkdir -p "$FOLDER"
  exec 8>"$CACHE/$1/.lock"
  if ! flock --nonblock 8; then
    step "waiting for another build"
    flock 8
  fi
  # Beside the result, and not in /tmp: what a killed run leaves there would stay.
  rm -rf "$CACHE/$1"/.work-*
  WORK=$(mktemp -d "$CACHE/$1/.work-XXXXXX")
  trap 'rm -rf "$WORK"' EXIT
}

# write_archive MEGABYTES ROOT CONFIG... makes ARCHIVE, smaller than that, of the files below ROOT. CONFIG are options
# of buildah config.
write_archive() {
  local limit=$1 root=$2 container
  shift 2
  need_packages buildah=buildah
  run_buildah() {
    buildah --root "$WORK/storage" --runroot "$WORK/run" --storage-driver vfs "$@" 2>>"$WORK/buildah.log"
  }
  { container=$(run_buildah from scratch) &&
    tar --create --directory "$root" --sort name --mtime @0 --owner 0 --group 0 --numeric-owner \
      --file "$WORK/root.tar" . &&
    run_buildah add --quiet "$container" "$WORK/root.tar" / >/dev/null &&
    run_buildah config "$@" "$container" &&
    run_buildah commit --quiet --timestamp 0 "$container" "oci-archive:$WORK/oci.tar:$IMAGE" >/dev/null; } ||
    fail "could not make the image: $(tail -n 1 "$WORK/buildah.log")"
  # buildah gives the files of the archive the current time.
  mkdir "$WORK/oci"
  tar --extract --directory "$WORK/oci" --file "$WORK/oci.tar"
  tar --create --directory "$WORK/oci" --sort name --mtime @0 --owner 0 --group 0 --numeric-owner \
    --file "$WORK/image.tar" .
  need_less_than "$limit" "$WORK/image.tar"
  mv "$WORK/image.tar" "$ARCHIVE"
}

# forget_old_ones leaves the three images of this kind that were used last.
forget_old_ones() {
  local old
  touch "$FOLDER"
  find "${FOLDER%/*}" -mindepth 1 -maxdepth 1 -type d -name '[!.]*' -printf '%T@ %p\n' | sort --reverse --numeric-sort |
    tail -n +4 | while read -r _ old; do rm -r "$old"; done
}

# megabytes FILE prints its size, like 2.3 MB.
megabytes() {
  local tenths=$((($(stat --dereference --format %s "$1") + 50000) / 100000))
  printf '%d.%d MB' $((tenths / 10)) $((tenths % 10))
}

need_less_than() {
  (($(stat --format %s "$2") < $1 * 1000000)) || fail "${2##*/} has $(megabytes "$2"), and the limit is $1 MB"
}

# hand_over prints what there is, and copies it to where the caller wants it.
hand_over() {
  forget_old_ones
  local file=$ARCHIVE
  if [[ -n $OUTPUT ]]; then
    cp "$file" "$OUTPUT" || fail "could not write $OUTPUT"
    file=$OUTPUT
  fi
  printf 'file    %s\nimage   %s\nsize    %s\n' "$file" "$IMAGE" "$(megabytes "$file")"
}
