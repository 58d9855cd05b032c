//! What a container's process gets, and what becomes of it: environment, secrets, files, volumes, memory, health, stop.

use serde_json::{Value, json};

use super::{
    cluster::eventually,
    task::{FOREVER, Tasks, container, definition, script},
};

/// Runs a script as a task and returns what it prints.
fn output(tasks: &Tasks, definition: &Value) -> String {
    tasks.apply("task", definition);
    tasks.until_phase("Succeeded");
    tasks.kubectl(&["logs", "app", "-c", "app"])
}

#[test]
fn a_process_gets_its_words_and_variables_as_they_are_written() {
    let tasks = Tasks::new();
    let odd = ["$(HOME)", "$$", "$(A", "$$(HOME)", "a=b c", "'\"\\", "$HOME", "grün\u{85}\u{7f}"];
    let environment: Vec<_> =
        odd.iter().enumerate().map(|(index, value)| json!({"name": format!("V{index}"), "value": value})).collect();
    let variables: Vec<_> = (0..odd.len()).map(|index| format!("\"$V{index}\"")).collect();
    let print =
        format!("printf '[%s]\\n' \"$@\" {} \"$AWS_REGION\" \"$AWS_EXECUTION_ENV\" \"$TWICE\"", variables.join(" "));
    let mut app = script("app", &print, &json!({"environment": environment}));
    app["environment"]
        .as_array_mut()
        .unwrap()
        .extend([json!({"name": "TWICE", "value": "first"}), json!({"name": "TWICE", "value": "last"})]);
    app["entryPoint"].as_array_mut().unwrap().push(json!("sh"));
    app["command"] = json!(odd);
    let printed = output(&tasks, &definition(&[app]));
    let expected: Vec<_> =
        odd.iter().chain(&odd).chain(&["us-east-1", "AWS_ECS_EC2", "last"]).map(|word| format!("[{word}]")).collect();
    assert_eq!(printed.split_terminator('\n').collect::<Vec<_>>(), expected);
}

#[test]
fn of_several_environment_files_the_first_wins_and_variables_win_over_both() {
    let tasks = Tasks::new();
    let file = |key: &str| json!({"type": "s3", "value": format!("arn:aws:s3:::bucket/{key}.env")});
    for (key, literals) in [("one", ["A=one", "B=one"]), ("two", ["B=two", "C=two"])] {
        let name = ecs_operator::translate::names::environment_file(&format!("bucket/{key}.env"));
        let literals = literals.map(|literal| format!("--from-literal={literal}"));
        tasks.kubectl(&["create", "configmap", &name, &literals[0], &literals[1]]);
    }
    let app = script(
        "app",
        "echo $A $B $C",
        &json!({"environmentFiles": [file("one"), file("two")], "environment": [{"name": "A", "value": "own"}]}),
    );
    assert_eq!(output(&tasks, &definition(&[app])), "own one two\n");
}

#[test]
fn secrets_are_variables_and_files_and_texts_are_files() {
    let tasks = Tasks::new();
    tasks.kubectl(&[
        "create",
        "secret",
        "generic",
        "db",
        "--from-literal=password=pa$$w(0)rd",
        "--from-literal=value=whole",
    ]);
    let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf:password::";
    let print = "echo $PASSWORD; echo $WHOLE; cat /etc/app/password; echo; cat /etc/app/config; ls -l /etc/app/config | cut -c1-10; ls /etc/passwd";
    let files = json!([
        {"path": "/etc/app/password", "valueFrom": arn, "mode": 0o400},
        {"path": "/etc/app/config", "text": "line one\nline $(two)\n", "mode": 0o640},
    ]);
    let secrets = json!([{"name": "PASSWORD", "valueFrom": arn}, {"name": "WHOLE", "valueFrom": "db"}]);
    let mut document =
        definition(&[script("app", print, &json!({"secrets": secrets, "kubernetes": {"files": files}}))]);
    document["executionRoleArn"] = json!("ecsTaskExecutionRole");
    let printed = output(&tasks, &document);
    assert_eq!(printed, "pa$$w(0)rd\nwhole\npa$$w(0)rd\nline one\nline $(two)\n-rw-r-----\n/etc/passwd\n");
}

#[test]
fn a_path_of_the_node_is_a_file_a_directory_or_becomes_one() {
    let tasks = Tasks::new();
    let missing = concat!(env!("CARGO_TARGET_TMPDIR"), "/path-of-the-node");
    let _ = std::fs::remove_dir(missing);
    let mount = |volume: &str| json!({"sourceVolume": volume, "containerPath": format!("/mnt/{volume}")});
    let print = "head -n 1 /mnt/file; ls /mnt/directory | grep Cargo.lock; test -d /mnt/missing && echo made";
    let app = script("app", print, &json!({"mountPoints": [mount("file"), mount("directory"), mount("missing")]}));
    let mut document = definition(&[app]);
    let volume = |name: &str, path: &str| json!({"name": name, "host": {"sourcePath": path}});
    document["volumes"] = json!([
        volume("file", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")),
        volume("directory", env!("CARGO_MANIFEST_DIR")),
        volume("missing", missing),
    ]);
    assert_eq!(output(&tasks, &document), "[package]\nCargo.lock\nmade\n");
    std::fs::remove_dir(missing).unwrap();
}

#[test]
fn containers_share_a_volume_and_one_of_them_cannot_write() {
    let tasks = Tasks::new();
    let mount = |read_only: bool| json!({"mountPoints": [{"sourceVolume": "Shared_Data", "containerPath": "/data", "readOnly": read_only}]});
    let read = "until test -e /data/done; do sleep 0.2; done; cat /data/done; touch /data/mine 2>/dev/null || echo read-only; df /dev/shm | tail -n 1 | awk '{print $2}'";
    let mut app = script("app", read, &mount(true));
    app["linuxParameters"] = json!({"sharedMemorySize": 8, "tmpfs": [{"containerPath": "/scratch", "size": 4}]});
    let mut document = definition(&[app, script("writer", "echo written > /data/done", &mount(false))]);
    document["volumes"] = json!([{"name": "Shared_Data"}]);
    assert_eq!(output(&tasks, &document), "written\nread-only\n8192\n");
}

#[test]
fn a_container_above_its_memory_is_killed_with_137() {
    let tasks = Tasks::new();
    let app = script("app", "tail /dev/zero", &json!({"memory": 16}));
    tasks.apply("task", &definition(&[app]));
    let pod = tasks.until_phase("Failed");
    let ended = &container(&pod, "app")["state"]["terminated"];
    assert_eq!((&ended["exitCode"], &ended["reason"]), (&json!(137), &json!("OOMKilled")), "{ended}");
}

#[test]
fn a_task_that_turns_unhealthy_gets_no_traffic_and_is_not_restarted() {
    let tasks = Tasks::new();
    // The check has to be passed on as it is, or it would never succeed.
    let check = "test \"$(cat /tmp/word)\" = \"$WORD\" && test \"$$\" -gt 1";
    let health = json!({"command": ["CMD-SHELL", check], "interval": 5, "timeout": 2, "retries": 1});
    let run = format!("echo right > /tmp/word; {FOREVER}");
    let members = json!({"healthCheck": health, "environment": [{"name": "WORD", "value": "right"}], "portMappings": [{"containerPort": 80}]});
    tasks.apply("service", &definition(&[script("app", &run, &members)]));
    tasks.kubectl(&["rollout", "status", "deployment", "app", "--timeout=90s"]);
    let pod = tasks.pods()[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let is_ready = || {
        let path = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
        tasks.kubectl(&["get", "pod", &pod, "-o", path]) == "True"
    };
    let serves = || {
        let path = format!("jsonpath={{.items[*].endpoints[?(@.targetRef.name==\"{pod}\")].conditions.ready}}");
        tasks.kubectl(&["get", "endpointslices", "-o", &path]) == "true"
    };
    eventually("the task serves", || is_ready() && serves());
    tasks.kubectl(&["exec", &pod, "--", "sh", "-c", "echo wrong > /tmp/word"]);
    eventually("the task serves no more", || !is_ready() && !serves());
    let same = tasks.pods().into_iter().find(|found| found["metadata"]["name"] == *pod).unwrap();
    assert_eq!(container(&same, "app")["restartCount"], 0);
}

#[test]
fn a_process_has_its_stop_timeout_and_no_more() {
    let tasks = Tasks::new();
    let stubborn = "trap 'stopping=1' TERM; n=0; while :; do sleep 1; test -z \"$stopping\" || { n=$((n+1)); echo tick $n; }; done";
    tasks.apply("task", &definition(&[script("app", stubborn, &json!({"stopTimeout": 5}))]));
    tasks.until_phase("Running");
    let (namespace, log) = (tasks.namespace.clone(), tempfile::NamedTempFile::new().unwrap());
    let mut follower = std::process::Command::new("hack/cluster/kubectl")
        .args(["--name", &super::cluster::cluster(), "-n", &namespace, "logs", "-f", "app"])
        .stdout(log.reopen().unwrap())
        .spawn()
        .unwrap();
    tasks.kubectl(&["delete", "pod", "app", "--timeout=60s"]);
    follower.wait().unwrap();
    let ticks = std::fs::read_to_string(log.path()).unwrap().lines().count();
    assert!((3..=5).contains(&ticks), "{ticks} seconds between SIGTERM and SIGKILL, not 5");
}
