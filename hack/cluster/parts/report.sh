# shellcheck shell=bash
# What a user reads while something happens: one line per step with the time so far, and one line when it
# fails. Nothing here knows what a cluster is.

STARTED_AT=$EPOCHREALTIME

# seconds_so_far prints the time since the script began, like 12.3.
seconds_so_far() {
  local tenths=$(((${EPOCHREALTIME//[.,]/} - ${STARTED_AT//[.,]/}) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

step() {
  printf '%7s s  %s\n' "$(seconds_so_far)" "$*" >&2
}

# fail ends the script with one line that says what is wrong and, where it is known, what to do.
fail() {
  printf '%s: %s\n' "hack/cluster/${0##*/}" "$*" >&2
  exit 1
}
