# shellcheck shell=bash
# The certificate authorities, keys and kubeconfigs of a cluster. Who uses them is in control-plane.sh and node.sh.

# make_certificates makes everything at once, in a folder that gets its name when it is whole.
make_certificates() {
  [[ ! -d $STATE/certificates ]] || return 0
  local address
  address=$(address_inside)
  rm -rf "$STATE/certificates.unfinished"
  mkdir -m 0700 "$STATE/certificates.unfinished"
  # Not `( ... ) || fail`: bash would go on after an error inside.
  local failed=0
  set +e
  (
    set -e
    cd "$STATE/certificates.unfinished" || exit
    authority ca kubernetes
    authority front-proxy-ca front-proxy
    certificate ca apiserver /CN=kube-apiserver \
      "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,DNS:localhost,IP:127.0.0.1,IP:10.96.0.1,IP:$address"
    certificate ca apiserver-kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client
    certificate front-proxy-ca front-proxy-client /CN=front-proxy-client
    certificate ca admin /O=system:masters/CN=admin
    certificate ca controller-manager /CN=system:kube-controller-manager
    certificate ca scheduler /CN=system:kube-scheduler
    certificate ca kubelet "/O=system:nodes/CN=system:node:$NODE" "DNS:$NODE,IP:$address,IP:127.0.0.1"
    certificate ca kube-proxy /CN=system:kube-proxy
    # These two come without rules of their own; what they may do is not what this cluster is there to test.
    certificate ca kube-network-policies /O=system:masters/CN=kube-network-policies
    certificate ca kwok /O=system:masters/CN=kwok
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out service-accounts.key
    openssl pkey -in service-accounts.key -pubout -out service-accounts.pub
    local user
    for user in admin controller-manager scheduler kubelet kube-proxy kube-network-policies kwok; do
      kubeconfig_of "$user" "https://$address:6443" >"$user.kubeconfig"
    done
  ) 2>"$STATE/logs/certificates.log"
  failed=$?
  set -e
  ((failed == 0)) || fail "could not make certificates: $(tail -n 1 "$STATE/logs/certificates.log") ($STATE/logs/certificates.log)"
  mv "$STATE/certificates.unfinished" "$STATE/certificates"
  ln -sf certificates/admin.kubeconfig "$STATE/kubeconfig"
}

authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$2" \
    -keyout "$1.key" -out "$1.crt"
}

# certificate AUTHORITY NAME SUBJECT [NAMES] makes a certificate for clients, and for servers if it has NAMES.
certificate() {
  local extensions=(-addext "basicConstraints=critical,CA:FALSE" -addext "keyUsage=critical,digitalSignature"
    -addext "extendedKeyUsage=clientAuth${4:+,serverAuth}")
  [[ -z ${4-} ]] || extensions+=(-addext "subjectAltName=$4")
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "$3" \
    -CA "$1.crt" -CAkey "$1.key" "${extensions[@]}" -keyout "$2.key" -out "$2.crt"
}

# kubeconfig_of USER SERVER prints a kubeconfig that holds everything and can be copied elsewhere.
kubeconfig_of() {
  cat <<END
apiVersion: v1
kind: Config
clusters:
- name: $CLUSTER
  cluster:
    server: $2
    certificate-authority-data: $(base64 --wrap 0 ca.crt)
users:
- name: $1
  user:
    client-certificate-data: $(base64 --wrap 0 "$1.crt")
    client-key-data: $(base64 --wrap 0 "$1.key")
contexts:
- name: $CLUSTER
  context:
    cluster: $CLUSTER
    user: $1
current-context: $CLUSTER
END
}
