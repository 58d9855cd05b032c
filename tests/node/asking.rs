//! A client in a Pod of its own, which asks one address again and again, as its shell can: slow, but with the hosts of that Pod.

use std::process::{Child, Command, Stdio};

use super::cluster::{cluster, kubectl};

/// Asks until it is told to stop; prints how many requests were answered, how many failed, and how each of these did.
const COUNT: &str = "touch /tmp/asking; ok=0; failed=0; why=; while test -e /tmp/asking; do \
    out=$(timeout 2 wget -q -O - http://$0/ 2>&1); code=$?; \
    if test \"$out\" = good; then ok=$((ok + 1)); else failed=$((failed + 1)); why=\"$why; exit code $code: $out\"; fi; sleep 0.05; \
    done; echo $ok $failed \"$why\"";

/// A client that asks.
pub struct Asking {
    pod: [String; 2],
    process: Child,
}

impl Asking {
    /// Asks from a Pod: a host, with or without a port.
    pub fn start(namespace: &str, pod: &str, host: &str) -> Self {
        let process = Command::new("hack/cluster/kubectl")
            .args(["--name", &cluster(), "-n", namespace, "exec", pod, "--", "sh", "-c", COUNT, host])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self { pod: [namespace.into(), pod.into()], process }
    }

    /// Asserts that it was answered each time, and often.
    pub fn assert_always_answered(self) {
        let [namespace, pod] = &self.pod;
        kubectl(&["-n", namespace, "exec", pod, "--", "rm", "/tmp/asking"]);
        let counts = String::from_utf8(self.process.wait_with_output().unwrap().stdout).unwrap();
        let mut words = counts.split_whitespace().map_while(|count| count.parse::<u32>().ok());
        let (answered, failed) = (words.next().unwrap(), words.next().unwrap());
        assert!(answered > 20 && failed == 0, "requests answered, failed, and why: {counts}");
    }
}
