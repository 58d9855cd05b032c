# shellcheck shell=bash
# The real node: containerd, the kubelet, Pod networking, kube-proxy and the enforcement of NetworkPolicies.

NODE=node-1
# Addresses that Services hand out but nothing answers, kept for a cluster DNS.
DNS_ADDRESS=10.96.0.10

# start_containerd starts it and loads the images that every node has.
start_containerd() {
  write_containerd_settings
  define_part containerd /usr/bin/env containerd --config "$STATE/containerd.toml"
  start_part containerd
}

write_containerd_settings() {
  mkdir -p "$STATE/cni" "$STATE/run"
  write_settings "$STATE/containerd.toml" <<END
version = 2
root = "$STATE/containerd/root"
state = "$STATE/containerd/state"
# It would make a folder in /opt.
disabled_plugins = ["io.containerd.internal.v1.opt"]

[grpc]
address = "$STATE/run/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "$SANDBOX_IMAGE"
disable_apparmor = true
# Where root lacks CAP_SYS_RESOURCE, runc could not lower the score as the kubelet asks and would start nothing.
restrict_oom_score_adj = true
enable_unprivileged_ports = true
enable_unprivileged_icmp = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$STATE/cni"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
END
  # ptp and not bridge: what goes from Pod to Pod is routed, so that it passes where NetworkPolicies act.
  write_settings "$STATE/cni/10-pods.conflist" <<END
{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [
    {
      "type": "ptp",
      "ipam": {
        "type": "host-local",
        "dataDir": "$STATE/cni-addresses",
        "ranges": [[{"subnet": "$POD_NETWORK"}]],
        "routes": [{"dst": "0.0.0.0/0"}]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
END
}

ctr_images() {
  ctr --address "$STATE/run/containerd.sock" --namespace k8s.io images "$@" 9>&-
}

# load_image ARCHIVE loads its images and prints their names as the kubelet looks for them: an OCI archive may
# call docker.io/library/web:latest just web.
load_image() {
  local line name full found=1
  while read -r line; do
    [[ $line == unpacking* ]] || continue
    name=$(cut -d ' ' -f 2 <<<"$line")
    full=$(full_image_name "$name")
    if [[ $full != "$name" ]]; then
      ctr_images tag --force "$name" "$full" >/dev/null
      ctr_images remove "$name" >/dev/null
    fi
    printf '%s\n' "$full"
    found=0
  done < <(ctr_images import "$1" 2>&1)
  return "$found"
}

full_image_name() {
  local name=$1
  [[ $name == */* ]] || name=library/$name
  [[ ${name%%/*} =~ [.:] || ${name%%/*} == localhost ]] || name=docker.io/$name
  [[ ${name##*/} == *[:@]* ]] || name=$name:latest
  printf '%s' "$name"
}

# load_first_images loads the images of images.sh once.
load_first_images() {
  [[ ! -e $STATE/images-loaded ]] || return 0
  await 30 containerd "an answer of containerd" ctr_images list --quiet
  local archive
  for archive in "${IMAGE_ARCHIVES[@]}"; do
    load_image "$archive" >/dev/null || fail_with_log containerd "could not load $archive"
  done
  touch "$STATE/images-loaded"
}

# cgroup_mounts prints where cgroup hierarchies are mounted: one with cgroup v2, one per controller with v1.
cgroup_mounts() {
  findmnt --noheadings --list --output TARGET --types cgroup,cgroup2
}

# make_cgroups makes the groups below which the kubelet keeps its Pods. Without one of its own, a kubelet takes
# those of another cluster for leftovers and removes them.
make_cgroups() {
  local mount folder setting
  while read -r mount; do
    folder=$mount/ecs-operator-cluster/$CLUSTER
    mkdir -p "$folder"
    # A cpuset of v1 begins empty and would take no process.
    for setting in cpuset.cpus cpuset.mems; do
      [[ -e $mount/tasks && -e $mount/$setting ]] || continue
      cat "$mount/$setting" >"${folder%/*}/$setting"
      cat "$mount/$setting" >"$folder/$setting"
    done
  done < <(cgroup_mounts)
}

start_node() {
  make_cgroups
  write_kubelet_settings
  define_part kubelet "$(binary kubelet)" --config "$STATE/kubelet.yaml" \
    --kubeconfig "$STATE/certificates/kubelet.kubeconfig" --root-dir "$STATE/kubelet" \
    --cert-dir "$STATE/kubelet/pki" --hostname-override "$NODE" --node-ip "$(address_inside)" \
    --node-labels topology.kubernetes.io/region=us-east-1,topology.kubernetes.io/zone=us-east-1a
  start_part kubelet

  write_kube_proxy_settings
  define_part kube-proxy "$(binary kube-proxy)" --config "$STATE/kube-proxy.yaml"
  start_part kube-proxy

  queue_new_connections
  define_part kube-network-policies "$(binary kube-network-policies)" \
    --kubeconfig "$STATE/certificates/kube-network-policies.kubeconfig" --hostname-override "$NODE" \
    --disable-nri --strict-mode=false --fail-open=false
  start_part kube-network-policies
}

write_kubelet_settings() {
  local keys=$STATE/certificates
  # No name server is known inside: image names that are not loaded fail at once.
  printf 'search cluster.local\n' | write_settings "$STATE/resolv.conf"
  write_settings "$STATE/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://$STATE/run/containerd.sock
podLogsDir: $STATE/pod-logs
volumePluginDir: $STATE/kubelet/plugins-exec
resolvConf: $STATE/resolv.conf
clusterDomain: cluster.local
clusterDNS: [$DNS_ADDRESS]
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $keys/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $keys/kubelet.crt
tlsPrivateKeyFile: $keys/kubelet.key
cgroupDriver: cgroupfs
cgroupRoot: /ecs-operator-cluster/$CLUSTER
failCgroupV1: false
failSwapOn: false
localStorageCapacityIsolation: false
# The machine's disk and memory are not this cluster's to watch.
evictionHard: {memory.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%", imagefs.inodesFree: "0%"}
imageGCHighThresholdPercent: 100
maxPods: 250
registryPullQPS: 0
serializeImagePulls: false
kubeAPIQPS: 200
kubeAPIBurst: 400
eventRecordQPS: 0
END
}

write_kube_proxy_settings() {
  # No clusterCIDR: with it kube-proxy gives what the node itself sends to a Service another source port, at random.
  # Many short connections then meet ports that a Pod still keeps closed, and have to send their first packet again.
  # Values of 0 leave the machine's connection tracking as it is.
  write_settings "$STATE/kube-proxy.yaml" <<END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $STATE/certificates/kube-proxy.kubeconfig}
hostnameOverride: $NODE
mode: iptables
iptables: {minSyncPeriod: 100ms}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s, udpTimeout: 0s, udpStreamTimeout: 0s}
END
}

# queue_new_connections hands each new connection between Pods to kube-network-policies, which makes rules of
# its own only where the kernel has nftables' queue expression. In table mangle, so that no rule of kube-proxy
# can let a connection pass before. As long as nobody answers, no connection is let through.
#
# What goes to a Service address that no Service has is refused, instead of waiting for a neighbour to answer.
queue_new_connections() {
  # shellcheck disable=SC2016 # it is the inner shell that expands
  inside bash -c '
    set -e
    once() { iptables -w "${@/#-A/-C}" 2>/dev/null || iptables -w "$@"; }
    once -t mangle -A FORWARD -m conntrack --ctstate NEW -j NFQUEUE --queue-num 100
    once -t filter -A FORWARD -d "$0" -o eth0 -j REJECT
    once -t filter -A OUTPUT -d "$0" -o eth0 -j REJECT
  ' "$SERVICE_NETWORK" || fail "could not set the rules for NetworkPolicies"
}

await_node() {
  await 60 kubelet "a ready node" node_is_ready
  await 60 kube-proxy "a healthy kube-proxy" inside iptables -w -t nat -n -L KUBE-SERVICES
  await 60 kube-network-policies "an answer on port 9080" inside bash -c '</dev/tcp/127.0.0.1/9080'
  step "$NODE is ready"
}

node_is_ready() {
  [[ $(kube get node "$NODE" --output 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') == True ]]
}
