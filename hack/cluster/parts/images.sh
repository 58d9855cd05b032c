# shellcheck shell=bash
# The container images that a node starts with, made from nothing: the Pods' sandbox, and a busybox for tests and
# as a client. They are kept in the cache as archives; loading them into a node is in node.sh.

SANDBOX_IMAGE=ecs-operator.dev/pause:1
# Debian's busybox under the name that manifests use; its version is Debian's.
BUSYBOX_IMAGE=docker.io/library/busybox:1.37

# need_images sets IMAGE_ARCHIVES, and makes those that the cache does not have.
need_images() {
  local recipe sandbox busybox
  recipe=$(sha256sum "$PARTS/images.sh")
  sandbox=$CACHE/images/pause-$(archive_key "$recipe" "$(binary pause)").tar
  busybox=$CACHE/images/busybox-$(archive_key "$recipe" /bin/busybox).tar
  # shellcheck disable=SC2034 # read by node.sh
  IMAGE_ARCHIVES=("$sandbox" "$busybox")
  [[ -e $sandbox && -e $busybox ]] && return
  lock_builds
  mkdir -p "$CACHE/images"
  find "$CACHE/images" -name '.unfinished-*' -delete
  [[ -e $sandbox ]] || make_sandbox_image "$sandbox"
  [[ -e $busybox ]] || make_busybox_image "$busybox"
  exec 8>&-
}

# archive_key RECIPE FILE prints a name for what comes out when RECIPE is followed with FILE.
archive_key() {
  { printf '%s' "$1" && cat "$2"; } | sha256sum | cut -c 1-16
}

make_sandbox_image() {
  local root
  root=$(mktemp -d)
  install -m 0755 "$(binary pause)" "$root/pause"
  make_image "$1" "$SANDBOX_IMAGE" "$root" --entrypoint '["/pause"]'
  rm -r "$root"
}

make_busybox_image() {
  local root applet
  root=$(mktemp -d)
  chmod 0755 "$root"
  mkdir -p "$root"/{bin,etc,root,tmp,home,var/www}
  chmod 1777 "$root/tmp"
  cp /bin/busybox "$root/bin/busybox"
  for applet in $("$root/bin/busybox" --list); do
    [[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
  done
  printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'nobody:x:65534:65534:nobody:/home:/bin/false' >"$root/etc/passwd"
  printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' >"$root/etc/group"
  make_image "$1" "$BUSYBOX_IMAGE" "$root" --env PATH=/bin --cmd sh
  rm -r "$root"
}

# make_image ARCHIVE NAME ROOT CONFIG... writes an image with the files below ROOT. buildah keeps what it needs
# for that in a folder that goes away again.
make_image() {
  local archive=$1 name=$2 root=$3 storage container unfinished log
  shift 3
  storage=$(mktemp -d)
  log=$(mktemp)
  unfinished=$(dirname "$archive")/.unfinished-$$
  run_buildah() {
    buildah --root "$storage/root" --runroot "$storage/run" --storage-driver vfs "$@" 2>>"$log"
  }
  if ! { container=$(run_buildah from scratch) &&
    tar --create --directory "$root" --owner 0 --group 0 --file "$storage/root.tar" . &&
    run_buildah add --quiet "$container" "$storage/root.tar" / >>"$log" &&
    run_buildah config "$@" "$container" &&
    run_buildah commit --quiet "$container" "oci-archive:$unfinished:$name" >>"$log"; }; then
    fail "could not make the image $name: $(tail -n 1 "$log") ($log)"
  fi
  mv "$unfinished" "$archive"
  rm -rf "$storage" "$log"
  step "image $name made"
}
