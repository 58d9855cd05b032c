//! Security groups: a service's own, and those that users make.

use serde_json::{Value, json};

use crate::{
    connection,
    scene::{Scene, definition, service, text},
    turns::together,
};

fn ingress(policy: &Value) -> Value {
    policy["spec"]["ingress"].clone()
}

#[test]
fn a_service_that_names_an_unknown_group_waits_for_it() {
    together(async |scene| {
        scene.make_cluster().await;
        let mut awsvpc = definition("nginx:1", &[80]);
        awsvpc["networkMode"] = json!("awsvpc");
        scene.apply("TaskDefinition", "web", awsvpc).await;
        let mut guarded = service(1);
        guarded["networkConfiguration"] =
            json!({"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["guard"]}});
        scene.apply("EcsService", "web", guarded).await;
        let refused = scene.condition("EcsService", "web", "Accepted", "False", "SecurityGroupNotFound").await;
        assert!(text(&refused["message"]).starts_with("The security group 'guard' does not exist."), "{refused}");
        assert!(scene.get("Deployment", "web").await.is_null());
        // One that breaks a rule has no policy, so nothing starts behind it.
        scene
            .apply(
                "EcsSecurityGroup",
                "guard",
                json!({"ingress": [{"ipProtocol": "tcp", "fromPort": 90, "toPort": 80}]}),
            )
            .await;
        scene.condition("EcsSecurityGroup", "guard", "Accepted", "False", "Invalid").await;
        scene.condition("EcsService", "web", "Ready", "False", "Waiting").await;
        assert!(scene.get("Deployment", "web").await.is_null());
        scene
            .apply(
                "EcsSecurityGroup",
                "guard",
                json!({"ingress": [{"ipProtocol": "tcp", "fromPort": 80}], "egress": []}),
            )
            .await;
        let steady = scene.steady("web", "web:1", 1).await;
        assert_eq!(steady["status"]["securityGroups"], json!(["guard"]));
        assert!(
            scene.get("EcsSecurityGroup", "web").await.is_null(),
            "a service that names groups gets none of its own"
        );
        let outcomes = text(&json!(steady["status"]["fieldOutcomes"].to_string()));
        assert!(outcomes.contains("networkConfiguration.awsvpcConfiguration.subnets"), "{outcomes}");
    });
}

#[test]
fn a_rule_that_no_policy_can_say_is_refused_and_the_policy_stays() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.apply("EcsSecurityGroup", "guard", json!({"ingress": [{"ipProtocol": "tcp", "fromPort": 80}]})).await;
        scene.condition("EcsSecurityGroup", "guard", "Ready", "True", "Available").await;
        let before = scene.get("NetworkPolicy", "ecs-security-group-guard").await;
        for (rule, words) in [
            (json!({"ipProtocol": "icmp", "fromPort": -1, "toPort": -1}), "says nothing of ICMP"),
            (json!({"ipProtocol": "tcp", "fromPort": 80, "prefixListId": "pl-1"}), "has no prefix lists"),
            (json!({"ipProtocol": "tcp", "fromPort": 80, "sourceSecurityGroupId": "sg-1"}), "write the name"),
        ] {
            scene.apply("EcsSecurityGroup", "guard", json!({ "ingress": [rule] })).await;
            let is_told = |group: &Value| group["status"]["conditions"].to_string().contains(words);
            scene.until("EcsSecurityGroup", "guard", words, is_told).await;
            let policy = scene.get("NetworkPolicy", "ecs-security-group-guard").await;
            assert_eq!(policy["spec"], before["spec"], "{words}");
        }
    });
}

#[test]
fn an_own_group_that_somebody_refines_is_left_alone_until_it_is_given_back() {
    together(async |scene| {
        scene.run_web(1).await;
        let refined = json!({"spec": {"ingress": [{"ipProtocol": "tcp", "fromPort": 80, "cidrIp": "10.0.0.0/8"}]}});
        scene.merge("EcsSecurityGroup", "web", refined).await;
        let is_refined = |policy: &Value| ingress(policy)[0]["from"][0]["ipBlock"]["cidr"] == "10.0.0.0/8";
        scene.until("NetworkPolicy", "ecs-security-group-web", "has the refined rule", is_refined).await;
        // A deployment that opens another port reconciles the group.
        scene.apply("TaskDefinition", "web", definition("nginx:2", &[80, 81])).await;
        scene.steady("web", "web:2", 1).await;
        assert!(is_refined(&scene.get("NetworkPolicy", "ecs-security-group-web").await));
        assert_eq!(scene.get("EcsSecurityGroup", "web").await["spec"]["ingress"].as_array().unwrap().len(), 1);
        // Who takes the field away gives it back.
        scene.merge("EcsSecurityGroup", "web", json!({"spec": {"ingress": null}})).await;
        scene
            .until("NetworkPolicy", "ecs-security-group-web", "opens both ports", |policy| {
                ingress(policy).as_array().is_some_and(|rules| rules.len() == 2)
            })
            .await;
    });
}

#[test]
fn a_group_of_the_services_name_that_a_user_made_is_used_as_it_is() {
    together(async |scene| {
        scene.make_cluster().await;
        let group =
            scene.apply("EcsSecurityGroup", "web", json!({"ingress": [{"ipProtocol": "tcp", "fromPort": 8443}]})).await;
        scene.define("nginx:1").await;
        scene.apply("EcsService", "web", service(1)).await;
        let steady = scene.steady("web", "web:1", 1).await;
        assert_eq!(steady["status"]["securityGroups"], json!(["web"]));
        let after = scene.get("EcsSecurityGroup", "web").await;
        assert_eq!((&after["spec"], &after["metadata"]["ownerReferences"]), (&group["spec"], &Value::Null));
        scene.delete("EcsService", "web").await;
        scene.until_gone("EcsService", "web").await;
        assert_eq!(scene.get("EcsSecurityGroup", "web").await["metadata"]["uid"], group["metadata"]["uid"]);
    });
}

#[test]
fn a_policy_that_somebody_widens_is_put_back() {
    together(async |scene| {
        scene.run_web(1).await;
        let before = ingress(&scene.get("NetworkPolicy", "ecs-security-group-web").await);
        scene.merge("NetworkPolicy", "ecs-security-group-web", json!({"spec": {"ingress": [{}]}})).await;
        scene
            .until("NetworkPolicy", "ecs-security-group-web", "is as the rules say", |policy| ingress(policy) == before)
            .await;
        scene.delete("NetworkPolicy", "ecs-security-group-web").await;
        scene
            .until("NetworkPolicy", "ecs-security-group-web", "is there again", |policy| ingress(policy) == before)
            .await;
    });
}

#[test]
fn network_mode_none_cuts_the_tasks_off() {
    together(async |scene: &Scene| {
        scene.make_cluster().await;
        let mut none = definition("batch:1", &[]);
        none["networkMode"] = json!("none");
        scene.apply("TaskDefinition", "web", none).await;
        scene.apply("EcsService", "web", service(1)).await;
        scene.steady("web", "web:1", 1).await;
        let policy = scene.get("NetworkPolicy", "ecs-network-mode-none-web").await;
        let selected = json!({"ecs-operator.dev/service": "web", "ecs-operator.dev/network-mode": "none"});
        assert_eq!(policy["spec"]["podSelector"]["matchLabels"], selected);
        assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
        assert_eq!((&policy["spec"]["ingress"], &policy["spec"]["egress"]), (&Value::Null, &Value::Null));
        assert!(scene.get("EcsSecurityGroup", "web").await.is_null());
        let answer = connection::get(&scene.client, &scene.path("Service", "web")).await;
        assert_eq!(answer.code, 404, "nobody could reach it");
        // The policy does not select the tasks of a deployment in another mode.
        scene.apply("TaskDefinition", "web", definition("batch:1", &[80])).await;
        scene.steady("web", "web:2", 1).await;
        let pods = scene.list("Pod").await;
        let is_new = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
        let pod = pods.iter().find(is_new).unwrap();
        assert_eq!(pod["metadata"]["labels"]["ecs-operator.dev/network-mode"], Value::Null);
    });
}

#[test]
fn pods_that_join_a_group_may_do_what_it_may_in_the_rules_of_others() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.apply("EcsSecurityGroup", "lb", json!({})).await;
        let rule = json!({"ipProtocol": "tcp", "fromPort": 80, "sourceSecurityGroup": "lb"});
        scene.apply("EcsSecurityGroup", "web", json!({"ingress": [rule]})).await;
        let sources = |policy: &Value| policy["spec"]["ingress"][0]["from"].as_array().map_or(0, Vec::len);
        scene
            .until("NetworkPolicy", "ecs-security-group-web", "lets the tasks in", |policy| sources(policy) == 1)
            .await;
        let gateway = json!({
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}},
            "podSelector": {"matchLabels": {"app": "gateway"}},
        });
        scene.apply("EcsSecurityGroup", "lb", json!({"kubernetes": {"members": [gateway]}})).await;
        let policy = scene
            .until("NetworkPolicy", "ecs-security-group-web", "lets the gateway in", |policy| sources(policy) == 2)
            .await;
        assert_eq!(policy["spec"]["ingress"][0]["from"][1], gateway);
        let own = scene.get("NetworkPolicy", "ecs-security-group-lb").await;
        let selected = json!({"matchLabels": {"ecs-operator.dev/security-group.lb": "true"}});
        assert_eq!(own["spec"]["podSelector"], selected, "its own rules do not hold for them");
        let wrong = json!({"podSelector": {"matchExpressions": [{"key": "app", "operator": "is", "values": ["a"]}]}});
        scene.apply("EcsSecurityGroup", "lb", json!({"kubernetes": {"members": [wrong]}})).await;
        let refused = scene.condition("EcsSecurityGroup", "lb", "Accepted", "False", "Invalid").await;
        let message = text(&refused["message"]);
        assert!(message.contains("spec.kubernetes.members[0].podSelector.matchExpressions[0]"), "{message}");
    });
}

#[test]
fn a_rule_about_a_group_of_another_cluster_waits_until_both_are_in_one_vpc() {
    together(async |scene| {
        scene.make_cluster().await;
        let name = format!("{}-b", scene.cluster);
        let other = Scene { client: scene.client.clone(), namespace: format!("ecs-{name}"), cluster: name };
        other.make_cluster().await;
        let about = json!({"cluster": other.cluster});
        let rule = json!({"ipProtocol": "tcp", "fromPort": 80, "sourceSecurityGroup": "lb", "kubernetes": about});
        scene.apply("EcsSecurityGroup", "web", json!({"ingress": [rule]})).await;
        let stale = scene.condition("EcsSecurityGroup", "web", "Accepted", "False", "Invalid").await;
        let message = text(&stale["message"]);
        assert!(message.contains("two resources that belong to different networks"), "{message}");
        // It lets nobody in, and holds up no task.
        scene.condition("EcsSecurityGroup", "web", "Ready", "True", "Available").await;
        assert_eq!(ingress(&scene.get("NetworkPolicy", "ecs-security-group-web").await), Value::Null);
        let vpc = json!({"vpc": {"id": format!("vpc-{}", scene.cluster)}});
        for each in [scene, &other] {
            each.apply("EcsCluster", &each.cluster, vpc.clone()).await;
        }
        scene.condition("EcsSecurityGroup", "web", "Accepted", "True", "Accepted").await;
        let namespace = &other.namespace;
        let lets_in = |pods: Value| {
            move |policy: &Value| {
                let from = ingress(policy)[0]["from"].as_array().cloned().unwrap_or_default();
                from.iter().any(|peer| {
                    peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] == *namespace
                        && peer["podSelector"] == pods
                })
            }
        };
        let tasks = json!({"matchLabels": {"ecs-operator.dev/security-group.lb": "true"}});
        let policy = "ecs-security-group-web";
        scene.until("NetworkPolicy", policy, "lets in the tasks of the other cluster", lets_in(tasks)).await;
        // So do Pods that join the group over there.
        let gateway = json!({"matchLabels": {"app": "gateway"}});
        let joined = json!({"kubernetes": {"members": [{"podSelector": gateway}]}});
        other.apply("EcsSecurityGroup", "lb", joined).await;
        scene.until("NetworkPolicy", policy, "lets in those who have joined it", lets_in(gateway)).await;
        other.delete("EcsCluster", &other.cluster).await;
        scene.until("NetworkPolicy", policy, "lets nobody in any more", |policy| ingress(policy).is_null()).await;
    });
}
