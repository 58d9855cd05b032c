# shellcheck shell=bash
# The link between the host and a cluster's network: a veth pair with addresses of its own. Pods' network
# interfaces are made by CNI plugins (node.sh).

# shellcheck disable=SC2034 # read by node.sh
POD_NETWORK=10.244.0.0/16
SERVICE_NETWORK=10.96.0.0/16

# connect_network gives the cluster a link to the host, the first 10.200.N.0/30 that is free: .1 is the host's
# end, .2 the node. The name of the host's end is the claim on N: only one cluster can create it.
#
# There is no default route inside. What a test sends to an address that is not the cluster's fails at once and
# never leaves the machine.
connect_network() {
  [[ ! -e $STATE/address ]] || return 0
  inside ip link delete eth0 2>/dev/null || true
  local number link error
  for ((number = 0; number < 256; number++)); do
    link=ecsop-$number
    [[ ! -e /sys/class/net/$link && -z $(ip -4 route show table all root "10.200.$number.0/24") ]] || continue
    if error=$(ip link add "$link" type veth peer name eth0 netns "$FIRST" 2>&1); then
      break
    fi
    [[ $error == *exists* ]] || fail "cannot make a network link: $error"
  done
  ((number < 256)) || fail "no free network in 10.200.0.0/16"

  ip -batch - <<END
address add 10.200.$number.1/30 dev $link
link set $link up
END
  # The route to the Services' addresses is never used to send: kube-proxy has replaced the address by then.
  # Without it local processes would find no way to them.
  inside ip -batch - <<END
link set lo up
address add 10.200.$number.2/30 dev eth0
link set eth0 up
route add $SERVICE_NETWORK dev eth0 src 10.200.$number.2
END
  inside bash -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
  printf '10.200.%s.2\n' "$number" >"$STATE/address.unfinished"
  mv "$STATE/address.unfinished" "$STATE/address"
}
