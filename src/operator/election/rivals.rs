//! Two candidates and an API server under every order of events that we can think of: slow requests, lost answers,
//! requests that arrive long after they were given up, crashes, releases, edits and deletions by hand.
//! The one claim that is tested: they never work at the same time.

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::Timestamp;
use proptest::prelude::*;

use super::super::lease;
use super::*;

const TERMS: Terms = Terms::of(Duration::from_secs(15));

/// Something that happens. The index says to whom.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// Time passes, in milliseconds.
    Pass(u64),
    /// Time passes until the moment that the candidate waits for: where rules about time break, they break there.
    Sleep(usize),
    /// The candidate takes its next step, and a request that it makes is answered without delay; or given up, when the
    /// candidate is cut off.
    Exchange(usize),
    /// From now on no request of the candidate gets through.
    CutOff(usize),
    /// Requests get through again.
    Reconnect(usize),
    /// The candidate takes its next step; a request that it makes is on its way.
    Act(usize),
    /// The API server handles the request.
    Arrive(usize),
    /// The answer reaches the candidate.
    Answer(usize),
    /// The candidate gives its request up; it may still arrive.
    GiveUp(usize),
    /// A request that was given up arrives after all.
    ArriveLate,
    /// The work has stopped and the lease is given back, on its way like any request.
    Release(usize),
    /// The process dies and a new one starts.
    Crash(usize),
    /// Somebody labels the Lease.
    Touch,
    /// Somebody deletes the Lease.
    Delete,
}

#[derive(Clone, Debug)]
enum Request {
    Read,
    /// Creates the Lease when it has no resourceVersion, replaces it otherwise.
    Write(Box<Lease>),
}

#[derive(Clone, Debug)]
enum Answer {
    Saw(Option<Box<Lease>>),
    Wrote(Box<Lease>),
    Conflict,
}

#[derive(Clone, Debug)]
struct InFlight {
    request: Request,
    sent: Instant,
    answer: Option<Answer>,
}

/// The API server: one Lease, compared and swapped. Like the real one it keeps the version when a write changes nothing.
#[derive(Default)]
struct Server {
    lease: Option<Lease>,
    version: u64,
}

impl Server {
    fn handle(&mut self, request: &Request) -> Answer {
        let Request::Write(lease) = request else { return Answer::Saw(self.lease.clone().map(Box::new)) };
        let version = |lease: &Lease| lease.metadata.resource_version.clone();
        if self.lease.as_ref().and_then(version) != version(lease) {
            return Answer::Conflict;
        }
        if self.lease.as_ref() != Some(lease) {
            self.store(lease.as_ref().clone());
        }
        Answer::Wrote(Box::new(self.lease.clone().unwrap()))
    }

    fn store(&mut self, mut lease: Lease) {
        self.version += 1;
        lease.metadata.resource_version = Some(self.version.to_string());
        self.lease = Some(lease);
    }
}

/// The clocks of a machine: neither has anything to do with those of the other machine.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    /// How far the monotonic clock is ahead.
    monotonic: Duration,
    /// What the wall clock says; it stands still, which is the worst that it can do.
    wall: Timestamp,
}

struct Candidate {
    election: Election,
    identity: String,
    clocks: Clocks,
    lease: Option<Lease>,
    in_flight: Option<InFlight>,
    cut_off: bool,
    /// Work that was told to stop because the lease expires may go on until then.
    stopping_until: Option<Instant>,
    /// Told to stop for good: its work is over, and all that it still does is to give the lease back.
    retired: bool,
}

impl Candidate {
    fn new(identity: String, clocks: Clocks) -> Self {
        let election = Election::new(identity.clone(), TERMS);
        Self {
            election,
            identity,
            clocks,
            lease: None,
            in_flight: None,
            cut_off: false,
            stopping_until: None,
            retired: false,
        }
    }

    /// Whether work may be running: until the order to stop, and then for as long as stopping may take.
    fn may_work(&self, now: Instant) -> bool {
        let term_end = |began: Instant| began + TERMS.duration;
        let end = self.election.term_began.map(term_end).max(self.stopping_until);
        !self.retired && end.is_some_and(|end| now < end)
    }

    fn next(&mut self, now: Instant) -> Step {
        let began = self.election.term_began;
        let step = self.election.next(now);
        if step == Step::Stop(Loss::Expired) {
            self.stopping_until = began.map(|began| self.election.deadline(began) + TERMS.grace);
        }
        step
    }

    fn request(&mut self, now: Instant) -> Option<Request> {
        let step = self.next(now);
        let claim = |lease: &Lease| lease::claimed(lease, &self.identity, TERMS.duration, self.clocks.wall);
        match step {
            Step::Read => Some(Request::Read),
            Step::Create => Some(Request::Write(Box::new(claim(&lease::unclaimed("ecs-operator"))))),
            Step::Replace => Some(Request::Write(Box::new(claim(self.lease.as_ref().unwrap())))),
            Step::Wait(_) | Step::Stop(_) => None,
        }
    }

    fn take(&mut self, answer: Answer, sent: Instant, now: Instant) {
        match answer {
            Answer::Saw(lease) => {
                self.election.saw(lease.as_deref().map(Record::of), now);
                self.lease = lease.map(|lease| *lease);
            }
            Answer::Wrote(lease) => {
                self.election.wrote(Record::of(&lease), sent);
                self.lease = Some(*lease);
            }
            Answer::Conflict => self.election.conflicted(now),
        }
    }
}

struct World {
    start: Instant,
    elapsed: Duration,
    server: Server,
    candidates: [Candidate; 2],
    given_up: Vec<Request>,
    incarnations: usize,
    terms_served: usize,
}

impl World {
    fn new([a, b]: [Clocks; 2]) -> Self {
        Self {
            start: Instant::now(),
            // Some time has passed already, so that clocks can be read back a little.
            elapsed: Duration::from_secs(100),
            server: Server::default(),
            candidates: [Candidate::new("a".to_owned(), a), Candidate::new("b".to_owned(), b)],
            given_up: Vec::new(),
            incarnations: 0,
            terms_served: 0,
        }
    }

    /// The time on this candidate's clock.
    fn clock(&self, index: usize) -> Instant {
        self.start + self.elapsed + self.candidates[index].clocks.monotonic
    }

    fn both_may_work(&self) -> bool {
        (0..2).all(|index| self.candidates[index].may_work(self.clock(index)))
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Pass(milliseconds) => self.elapsed += Duration::from_millis(milliseconds),
            Event::Sleep(index) => self.sleep(index),
            Event::Exchange(index) => self.exchange(index),
            Event::CutOff(index) => self.candidates[index].cut_off = true,
            Event::Reconnect(index) => self.candidates[index].cut_off = false,
            Event::Act(index) => self.act(index),
            Event::Arrive(index) => self.arrive(index),
            Event::Answer(index) => self.answer(index),
            Event::GiveUp(index) => self.give_up(index),
            Event::ArriveLate => {
                if let Some(request) = self.given_up.pop() {
                    self.server.handle(&request);
                }
            }
            Event::Release(index) => self.release(index),
            Event::Crash(index) => self.crash(index),
            Event::Touch => self.touch(),
            // A candidate that never saw the Lease cannot know that it was deleted.
            Event::Delete if self.candidates.iter().all(|candidate| candidate.lease.is_some()) => {
                self.server.lease = None;
            }
            Event::Delete => {}
        }
    }

    fn touch(&mut self) {
        if let Some(mut lease) = self.server.lease.clone() {
            lease.metadata.labels = Some([("touched".to_owned(), self.server.version.to_string())].into());
            self.server.store(lease);
        }
    }

    fn sleep(&mut self, index: usize) {
        let now = self.clock(index);
        if let Step::Wait(until) = self.candidates[index].next(now) {
            self.elapsed += until.saturating_duration_since(now);
        }
    }

    fn exchange(&mut self, index: usize) {
        self.act(index);
        if self.candidates[index].cut_off {
            self.give_up(index);
        } else {
            self.arrive(index);
            self.answer(index);
        }
    }

    fn act(&mut self, index: usize) {
        let sent = self.clock(index);
        let candidate = &mut self.candidates[index];
        if candidate.in_flight.is_none() && !candidate.retired {
            let request = candidate.request(sent);
            candidate.in_flight = request.map(|request| InFlight { request, sent, answer: None });
        }
    }

    fn arrive(&mut self, index: usize) {
        if let Some(in_flight) = &mut self.candidates[index].in_flight
            && in_flight.answer.is_none()
        {
            in_flight.answer = Some(self.server.handle(&in_flight.request));
        }
    }

    fn answer(&mut self, index: usize) {
        let now = self.clock(index);
        let candidate = &mut self.candidates[index];
        let Some(InFlight { sent, answer: Some(answer), .. }) = candidate.in_flight.clone() else { return };
        candidate.in_flight = None;
        if candidate.retired {
            return;
        }
        let led = candidate.election.leads(now);
        candidate.take(answer, sent, now);
        self.terms_served += usize::from(!led && candidate.election.leads(now));
    }

    fn give_up(&mut self, index: usize) {
        let now = self.clock(index);
        let candidate = &mut self.candidates[index];
        if let Some(in_flight) = candidate.in_flight.take() {
            candidate.election.failed(now);
            if in_flight.answer.is_none() {
                self.given_up.push(in_flight.request);
            }
        }
    }

    fn release(&mut self, index: usize) {
        let now = self.clock(index);
        self.give_up(index);
        let candidate = &mut self.candidates[index];
        if candidate.retired || !candidate.election.leads(now) {
            return;
        }
        candidate.retired = true;
        let released = |lease: &Lease| Box::new(lease::released(lease, candidate.clocks.wall));
        let request = candidate.lease.as_ref().map(released).map(Request::Write);
        candidate.in_flight = request.map(|request| InFlight { request, sent: now, answer: None });
    }

    fn crash(&mut self, index: usize) {
        // A process that starts while there is no Lease takes it for the first start of all.
        if self.server.lease.is_none() {
            return;
        }
        self.give_up(index);
        self.incarnations += 1;
        let identity = format!("{index}-{}", self.incarnations);
        self.candidates[index] = Candidate::new(identity, self.candidates[index].clocks);
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let who = || 0..2_usize;
    let event = prop_oneof![
        10 => (0..1_500_u64).prop_map(Event::Pass),
        10 => who().prop_map(Event::Sleep),
        20 => who().prop_map(Event::Exchange),
        2 => who().prop_map(Event::CutOff),
        2 => who().prop_map(Event::Reconnect),
        4 => who().prop_map(Event::Act),
        4 => who().prop_map(Event::Arrive),
        4 => who().prop_map(Event::Answer),
        1 => who().prop_map(Event::GiveUp),
        1 => Just(Event::ArriveLate),
        1 => who().prop_map(Event::Release),
        1 => who().prop_map(Event::Crash),
        1 => Just(Event::Touch),
        1 => Just(Event::Delete),
    ];
    prop::collection::vec(event, 1..500)
}

fn clocks() -> impl Strategy<Value = Clocks> {
    (0..100_000_u64, 0..2_000_000_000_i64).prop_map(|(monotonic, wall)| Clocks {
        monotonic: Duration::from_secs(monotonic),
        wall: Timestamp::from_second(wall).unwrap(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn two_candidates_never_work_at_once(clocks in prop::array::uniform2(clocks()), events in events()) {
        let mut world = World::new(clocks);
        for (count, event) in events.into_iter().enumerate() {
            world.happen(event);
            prop_assert!(!world.both_may_work(), "after event {count}, {event:?}");
        }
    }
}

/// The property above would also hold for candidates that never lead.
#[test]
fn on_a_calm_network_work_goes_on_after_every_crash() {
    let clock = |second| Clocks {
        monotonic: Duration::from_secs(second),
        wall: Timestamp::from_second(second.cast_signed()).unwrap(),
    };
    let mut world = World::new([clock(0), clock(50_000)]);
    for round in 0..400 {
        for index in 0..2 {
            for event in [Event::Exchange(index), Event::Pass(100)] {
                world.happen(event);
                assert!(!world.both_may_work());
            }
        }
        if round % 200 == 100 {
            let leader = usize::from(!world.candidates[0].may_work(world.clock(0)));
            world.happen(Event::Crash(leader));
        }
    }
    assert_eq!(world.terms_served, 3, "the first leader, and a successor after each crash");
}
