//! Clients that ask a service at a fixed rate, each request on a connection of its own: whether it is answered depends on
//! where its first packet is sent, so a connection that is kept would see little of an update.
//!
//! They run in a process of their own inside the cluster's network, where a Service's address can be reached: it is this
//! file's ignored test, in this same program.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::Child,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::{sleep, spawn},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::cluster::in_network;

/// How often they ask. Requests have their times from the start on: what a busy machine delays is made up for.
const PER_SECOND: u32 = 1200;

/// Requests that may be under way at once.
const CLIENTS: usize = 100;

/// After this time an answer counts as none.
const PATIENCE: Duration = Duration::from_secs(2);

/// After this time TCP sends a first packet again that nobody has answered.
const RETRANSMISSION: Duration = Duration::from_secs(1);

/// Names the address that is asked, in the process of the clients.
const ADDRESS: &str = "ECS_OPERATOR_TEST_ASKED_ADDRESS";

/// What became of the requests.
#[derive(Serialize, Deserialize, Debug, Default)]
pub struct Answers {
    /// How many were answered with status 200, by what was said.
    pub by_body: BTreeMap<String, u32>,
    /// How many were not.
    pub failed: u32,
    /// The first of those.
    pub failures: Vec<String>,
    /// From the first request to the last answer.
    pub seconds: f64,
    /// How many were answered in each second.
    pub in_each_second: BTreeMap<u64, u32>,
    /// How many took so long that the first packet, or another, must have been sent again.
    pub sent_again: u32,
    /// How long the slowest answer took.
    pub slowest: Duration,
}

impl Answers {
    /// How many were answered in a second, in the mean.
    pub fn rate(&self) -> f64 {
        f64::from(self.by_body.values().sum::<u32>()) / self.seconds
    }

    fn count(&mut self, answer: Result<String, String>, since_start: Duration, took: Duration) {
        self.slowest = self.slowest.max(took);
        self.sent_again += u32::from(took >= RETRANSMISSION);
        match answer {
            Ok(body) => {
                *self.by_body.entry(body).or_default() += 1;
                *self.in_each_second.entry(since_start.as_secs()).or_default() += 1;
            }
            Err(failure) => {
                self.failed += 1;
                self.failures.push(format!("at {since_start:.1?}: {failure}"));
                self.failures.truncate(10);
            }
        }
    }

    fn add(&mut self, other: Self) {
        for (body, count) in other.by_body {
            *self.by_body.entry(body).or_default() += count;
        }
        for (second, count) in other.in_each_second {
            *self.in_each_second.entry(second).or_default() += count;
        }
        self.failed += other.failed;
        self.failures.extend(other.failures);
        self.failures.truncate(10);
        self.sent_again += other.sent_again;
        self.slowest = self.slowest.max(other.slowest);
    }
}

/// Clients that ask until they are stopped, or whoever started them ends.
pub struct Clients {
    process: Child,
    /// What they say: libtest has the other stream.
    says: BufReader<std::process::ChildStderr>,
}

impl Clients {
    /// Returns when the first answers have come.
    pub fn start(address: &str) -> Self {
        let mut process = in_network("clients::ask_until_the_input_ends").env(ADDRESS, address).spawn().unwrap();
        let mut says = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        says.read_line(&mut line).unwrap();
        if line != ASKING {
            says.read_to_string(&mut line).unwrap();
            panic!("the clients do not ask: {line}");
        }
        Self { process, says }
    }

    /// Ends them and returns what they have seen.
    pub fn stop(mut self) -> Answers {
        drop(self.process.stdin.take());
        let mut report = String::new();
        self.says.read_to_string(&mut report).unwrap();
        self.process.wait().unwrap();
        serde_json::from_str(&report).unwrap_or_else(|error| panic!("the clients failed: {error}: {report}"))
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

const ASKING: &str = "asking\n";

#[test]
#[ignore = "no test: the clients of others, which run it inside the cluster's network"]
fn ask_until_the_input_ends() {
    let address = std::env::var(ADDRESS).unwrap_or_else(|_| panic!("{ADDRESS} is not set: other tests run this one"));
    let address: SocketAddr = address.parse().unwrap();
    let (requests, is_over) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let start = Instant::now();
    let client = || {
        let (requests, is_over) = (Arc::clone(&requests), Arc::clone(&is_over));
        spawn(move || ask_in_turn(address, start, &requests, &is_over))
    };
    let clients: Vec<_> = (0..CLIENTS).map(|_| client()).collect();
    sleep(Duration::from_secs(1));
    eprint!("{ASKING}");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    is_over.store(true, Ordering::Relaxed);
    let mut answers = Answers::default();
    for client in clients {
        answers.add(client.join().unwrap());
    }
    answers.seconds = start.elapsed().as_secs_f64();
    eprintln!("{}", serde_json::to_string(&answers).unwrap());
}

/// Takes the next request that nobody has taken, again and again, and asks when it is due.
fn ask_in_turn(address: SocketAddr, start: Instant, requests: &AtomicU32, is_over: &AtomicBool) -> Answers {
    let mut answers = Answers::default();
    loop {
        let due = Duration::from_secs(1) * requests.fetch_add(1, Ordering::Relaxed) / PER_SECOND;
        sleep((start + due).saturating_duration_since(Instant::now()));
        if is_over.load(Ordering::Relaxed) {
            return answers;
        }
        let asked = Instant::now();
        let answer = ask(address);
        let took = asked.elapsed();
        let answer = answer.and_then(|body| if took > PATIENCE { Err(format!("after {took:?}")) } else { Ok(body) });
        answers.count(answer, start.elapsed(), took);
    }
}

/// What is said to `GET /`, or why nothing is.
fn ask(address: SocketAddr) -> Result<String, String> {
    let during = |what: &'static str| move |error: std::io::Error| format!("{what}: {error}");
    let mut connection = TcpStream::connect_timeout(&address, PATIENCE).map_err(during("connecting"))?;
    connection.set_read_timeout(Some(PATIENCE)).map_err(during("setting up"))?;
    // The server ends the connection: the waiting time that TCP demands of who ends it is not at the clients, who would run
    // out of ports.
    connection.write_all(b"GET / HTTP/1.0\r\n\r\n").map_err(during("asking"))?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).map_err(during("reading"))?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => Ok(body.into()),
        _ => Err(format!("answered {answer:?}")),
    }
}
