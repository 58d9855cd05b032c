// The definitions of the Gateway API's kinds, for tests. Nothing is built of it.
module ecs-operator.dev/hack/cluster/tools/gateway-api

go 1.26.0

require (
	sigs.k8s.io/gateway-api v1.6.3
)
