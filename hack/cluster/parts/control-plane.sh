# shellcheck shell=bash
# etcd, the API server, the controller manager and the scheduler: how each is started and when it is there.

# kube is kubectl as the cluster's administrator. It runs inside, so that it ends with the cluster and does not
# go on asking for an address that nobody has any more.
kube() (
  use_kubeconfig
  inside "$STATE/bin/kubectl" --request-timeout 10s "$@" 9>&-
)

start_etcd_and_api_server() {
  define_part etcd "$(binary etcd)" --name node-1 --data-dir "$STATE/etcd" \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
    --initial-cluster node-1=http://127.0.0.1:2380 --unsafe-no-fsync --log-level warn
  start_part etcd

  local keys=$STATE/certificates
  # Pods reach the API server through the Service `kubernetes`, whose endpoint is the advertised address.
  # The kubelet is called by its address: there is no name server that knows the node.
  define_part kube-apiserver "$(binary kube-apiserver)" \
    --etcd-servers http://127.0.0.1:2379 \
    --advertise-address "$(address_inside)" \
    --service-cluster-ip-range "$SERVICE_NETWORK" \
    --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
    --allow-privileged=true \
    --client-ca-file "$keys/ca.crt" \
    --tls-cert-file "$keys/apiserver.crt" --tls-private-key-file "$keys/apiserver.key" \
    --kubelet-client-certificate "$keys/apiserver-kubelet-client.crt" \
    --kubelet-client-key "$keys/apiserver-kubelet-client.key" \
    --kubelet-certificate-authority "$keys/ca.crt" \
    --kubelet-preferred-address-types InternalIP \
    --service-account-issuer https://kubernetes.default.svc \
    --service-account-key-file "$keys/service-accounts.pub" \
    --service-account-signing-key-file "$keys/service-accounts.key" \
    --requestheader-client-ca-file "$keys/front-proxy-ca.crt" --requestheader-allowed-names front-proxy-client \
    --requestheader-extra-headers-prefix X-Remote-Extra- --requestheader-group-headers X-Remote-Group \
    --requestheader-username-headers X-Remote-User \
    --proxy-client-cert-file "$keys/front-proxy-client.crt" --proxy-client-key-file "$keys/front-proxy-client.key"
  start_part kube-apiserver
}

await_api_server() {
  # Much cheaper than kubectl, which would take the time that the API server needs.
  await 60 kube-apiserver "an answer on port 6443" bash -c "</dev/tcp/$(address_inside)/6443"
  await 60 kube-apiserver "a ready API server" kube get --raw /readyz
  step "the API server answers at https://$(address_inside):6443"
}

start_controllers() {
  local keys=$STATE/certificates
  # The default of 20 requests per second would set the pace of every test that makes many Pods.
  define_part kube-controller-manager "$(binary kube-controller-manager)" \
    --kubeconfig "$keys/controller-manager.kubeconfig" \
    --authentication-kubeconfig "$keys/controller-manager.kubeconfig" \
    --authorization-kubeconfig "$keys/controller-manager.kubeconfig" \
    --bind-address 127.0.0.1 --leader-elect=false \
    --kube-api-qps 500 --kube-api-burst 1000 \
    --use-service-account-credentials \
    --service-account-private-key-file "$keys/service-accounts.key" --root-ca-file "$keys/ca.crt" \
    --cluster-signing-cert-file "$keys/ca.crt" --cluster-signing-key-file "$keys/ca.key"
  start_part kube-controller-manager

  define_part kube-scheduler "$(binary kube-scheduler)" \
    --kubeconfig "$keys/scheduler.kubeconfig" \
    --authentication-kubeconfig "$keys/scheduler.kubeconfig" \
    --authorization-kubeconfig "$keys/scheduler.kubeconfig" \
    --bind-address 127.0.0.1 --leader-elect=false \
    --kube-api-qps 500 --kube-api-burst 1000
  start_part kube-scheduler
}

# await_controllers waits until namespaces get what every Pod needs, and until the scheduler listens.
await_controllers() {
  await 60 kube-controller-manager "a default ServiceAccount" kube --namespace default get serviceaccount default
  await 60 kube-controller-manager "a ConfigMap kube-root-ca.crt" kube --namespace default get configmap kube-root-ca.crt
  await 60 kube-scheduler "an answer on port 10259" inside bash -c '</dev/tcp/127.0.0.1/10259'
  step "the controller manager and the scheduler work"
}
