# shellcheck shell=bash
# Nodes that only exist in the API server, played by kwok: for scale. Their Pods are Running at once and run nothing.

# start_fake_nodes COUNT TAINT starts kwok and makes the nodes that are missing. TAINT is empty, or anything to
# keep ordinary Pods away from them.
start_fake_nodes() {
  local count=$1 taint=$2
  # A node renews its lease after a quarter of this time; with the usual 40 seconds a thousand nodes would make
  # a hundred writes per second.
  define_part kwok "$(binary kwok)" --kubeconfig "$STATE/certificates/kwok.kubeconfig" \
    --config "$(dirname "$(binary kwok)")/stages.yaml" --v WARN \
    --manage-all-nodes=false --manage-nodes-with-annotation-selector kwok.x-k8s.io/node=fake \
    --node-lease-duration-seconds 120 --cidr 10.245.0.0/16
  start_part kwok
  create_fake_nodes "$count" "$taint"
  await 300 kwok "$count ready nodes of kwok" fake_nodes_are_ready "$count"
  step "$count nodes of kwok are ready"
}

# create_fake_nodes makes the missing nodes, by several clients at once: one waits more than it sends.
create_fake_nodes() {
  local count=$1 taint=$2 folder=$STATE/kwok-nodes number version name client clients=()
  local -A exists=()
  version=$(required_version kubernetes k8s.io/kubernetes)
  for name in $(kube get nodes --selector type=kwok --output 'jsonpath={.items[*].metadata.name}'); do
    exists[$name]=yes
  done
  rm -rf "$folder"
  mkdir "$folder"
  for ((number = 1; number <= count; number++)); do
    [[ -n ${exists[kwok-$number]-} ]] || fake_node "$number" "$version" "$taint" >>"$folder/$((number % 8)).yaml"
  done
  for name in "$folder"/*.yaml; do
    [[ -e $name ]] || continue
    kube create --validate=false --filename "$name" >"$name.log" 2>&1 &
    clients+=($!)
  done
  for client in "${clients[@]}"; do
    wait "$client" || fail "could not create the nodes of kwok: $(cat "$folder"/*.log | grep -v created | head -n 1)"
  done
}

# fake_node NUMBER VERSION TAINT prints a node. The version is that of the real ones, for whoever looks at what
# the nodes of a cluster are capable of.
fake_node() {
  local zones=(a b c) taints='[]'
  [[ -z $3 ]] || taints='[{key: kwok.x-k8s.io/node, value: fake, effect: NoSchedule}]'
  printf '%s\n' \
    '---' \
    'apiVersion: v1' \
    'kind: Node' \
    'metadata:' \
    "  name: kwok-$1" \
    '  annotations: {kwok.x-k8s.io/node: fake, node.alpha.kubernetes.io/ttl: "0"}' \
    '  labels:' \
    '    type: kwok' \
    "    kubernetes.io/hostname: kwok-$1" \
    '    kubernetes.io/os: linux' \
    '    kubernetes.io/arch: amd64' \
    '    topology.kubernetes.io/region: us-east-1' \
    "    topology.kubernetes.io/zone: us-east-1${zones[$1 % 3]}" \
    "spec: {taints: $taints}" \
    'status:' \
    '  allocatable: {cpu: "32", memory: 256Gi, pods: "250"}' \
    '  capacity: {cpu: "32", memory: 256Gi, pods: "250"}' \
    "  nodeInfo: {kubeletVersion: $2, operatingSystem: linux, architecture: amd64}"
}

fake_nodes_are_ready() {
  local ready
  ready=$(kube get nodes --selector type=kwok \
    --output 'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}' | grep -c '^True$')
  ((ready >= $1))
}
