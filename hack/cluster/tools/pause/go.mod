// The process that waits: first process of a cluster and of each Pod.
module ecs-operator.dev/hack/cluster/tools/pause

go 1.26.0
