//! The steps of one candidate, case by case.

use super::*;

const TERMS: Terms = Terms::of(Duration::from_secs(15));

/// A candidate and a clock that moves only when told to.
struct Case {
    election: Election,
    start: Instant,
}

impl Case {
    fn new() -> Self {
        Self { election: Election::new("me".to_owned(), TERMS), start: Instant::now() }
    }

    /// A candidate whose claim was sent at second 0.
    fn leading() -> Self {
        let mut case = Self::new();
        case.election.saw(None, case.at(0.0));
        case.election.wrote(held("1", "me"), case.at(0.0));
        case
    }

    fn at(&self, second: f64) -> Instant {
        self.start + Duration::from_secs_f64(second)
    }

    fn next(&mut self, second: f64) -> Step {
        let now = self.at(second);
        self.election.next(now)
    }

    fn wait(&self, second: f64) -> Step {
        Step::Wait(self.at(second))
    }
}

fn held(version: &str, holder: &str) -> Record {
    let duration = Some(Duration::from_secs(15));
    Record { version: version.to_owned(), holder: Some(holder.to_owned()), duration }
}

fn free(version: &str) -> Record {
    Record { holder: None, ..held(version, "") }
}

#[test]
fn the_default_terms_leave_room_for_a_retry() {
    let terms = Terms::default();
    assert_eq!(terms.duration, Duration::from_secs(15));
    assert_eq!(terms.renew_every, Duration::from_secs(5));
    assert!(terms.renew_every + terms.request_timeout + terms.retry_every + terms.grace < terms.duration);
}

#[test]
fn a_candidate_looks_before_it_claims() {
    assert_eq!(Case::new().next(0.0), Step::Read);
}

#[test]
fn what_a_standby_does_with_what_it_saw_first() {
    let cases = [
        ("never was there", None, Some(Step::Create)),
        ("released", Some(free("1")), Some(Step::Replace)),
        ("somebody's", Some(held("1", "other")), None),
        ("ours, from a write whose answer was lost", Some(held("1", "me")), None),
    ];
    for (name, record, expected) in cases {
        let mut case = Case::new();
        case.election.saw(record, case.at(0.0));
        let read_again = case.wait(1.5);
        assert_eq!(case.next(0.0), expected.unwrap_or(read_again), "{name}");
    }
}

#[test]
fn a_lease_that_stands_still_is_taken_after_its_duration() {
    let mut case = Case::new();
    for second in [0.0, 1.5, 3.0, 14.0] {
        case.election.saw(Some(held("1", "other")), case.at(second));
    }
    assert_eq!(case.next(14.9), case.wait(15.0), "not a moment early, and no later than that");
    assert_eq!(case.next(15.0), Step::Replace);
}

#[test]
fn every_change_starts_the_count_again() {
    let mut case = Case::new();
    case.election.saw(Some(held("1", "other")), case.at(0.0));
    case.election.saw(Some(held("2", "other")), case.at(14.0));
    assert_eq!(case.next(28.9), Step::Read);
    case.election.saw(Some(held("2", "other")), case.at(28.9));
    assert_eq!(case.next(29.0), Step::Replace);
}

#[test]
fn the_duration_in_the_lease_counts_not_ours() {
    let mut case = Case::new();
    let patient = Record { duration: Some(Duration::from_secs(60)), ..held("1", "other") };
    case.election.saw(Some(patient.clone()), case.at(0.0));
    case.election.saw(Some(patient), case.at(59.0));
    assert_eq!(case.next(59.0), case.wait(60.0));
}

#[test]
fn a_deleted_lease_is_respected_as_long_as_a_renewed_one() {
    let mut case = Case::new();
    case.election.saw(Some(held("1", "other")), case.at(0.0));
    case.election.saw(None, case.at(5.0));
    case.election.saw(None, case.at(19.0));
    assert_eq!(case.next(19.0), case.wait(20.0));
    assert_eq!(case.next(20.0), Step::Create);
}

#[test]
fn a_lost_race_is_followed_by_a_look() {
    let mut case = Case::new();
    case.election.saw(Some(free("1")), case.at(0.0));
    case.election.conflicted(case.at(0.1));
    assert_eq!(case.next(0.1), Step::Read);
}

#[test]
fn a_leader_renews_and_retries_until_its_deadline() {
    let mut case = Case::leading();
    assert_eq!(case.next(0.0), case.wait(5.0));
    assert_eq!(case.next(5.0), Step::Replace);
    case.election.failed(case.at(5.1));
    assert_eq!(case.next(5.1), case.wait(6.6));
    assert_eq!(case.next(6.6), Step::Replace);
    case.election.failed(case.at(11.0));
    assert_eq!(case.next(11.0), case.wait(12.0), "wakes for the deadline, not for the retry");
    assert!(case.election.leads(case.at(11.9)));
    assert!(!case.election.leads(case.at(12.0)));
    assert_eq!(case.next(12.0), Step::Stop(Loss::Expired));
    assert_eq!(case.next(13.0), Step::Read, "and campaigns again");
}

#[test]
fn a_lease_that_is_still_as_we_wrote_it_is_taken_up_at_once() {
    let mut case = Case::leading();
    case.election.failed(case.at(11.9));
    assert_eq!(case.next(12.0), Step::Stop(Loss::Expired));
    case.election.saw(Some(held("1", "me")), case.at(60.0));
    assert_eq!(case.next(60.0), Step::Replace, "nobody else has written it, so nobody else leads");
}

#[test]
fn a_term_counts_from_the_sending_not_from_the_answer() {
    let mut case = Case::leading();
    case.election.wrote(held("2", "me"), case.at(5.0));
    assert!(case.election.leads(case.at(16.9)));
    assert!(!case.election.leads(case.at(17.0)));
}

#[test]
fn a_leader_whose_renewal_conflicts_looks_why() {
    let cases = [
        ("somebody labelled it", Some(held("9", "me")), None),
        ("taken", Some(held("9", "other")), Some(Loss::Taken(Some("other".to_owned())))),
        ("emptied by hand", Some(free("9")), Some(Loss::Taken(None))),
        ("deleted", None, Some(Loss::Deleted)),
    ];
    for (name, record, loss) in cases {
        let mut case = Case::leading();
        assert_eq!(case.next(5.0), Step::Replace);
        case.election.conflicted(case.at(5.1));
        assert_eq!(case.next(5.1), Step::Read);
        case.election.saw(record, case.at(5.2));
        assert_eq!(case.next(5.2), loss.map_or(Step::Replace, Step::Stop), "{name}");
    }
}

#[test]
fn an_answer_that_comes_after_the_deadline_makes_no_leader() {
    let mut case = Case::new();
    case.election.saw(None, case.at(0.0));
    case.election.wrote(held("1", "me"), case.at(0.0));
    assert!(!case.election.leads(case.at(12.5)));
    assert_eq!(case.next(12.5), Step::Stop(Loss::Expired));
}

#[test]
fn no_request_of_a_leader_outlives_its_deadline() {
    let case = Case::leading();
    assert_eq!(case.election.patience(case.at(5.0)), TERMS.request_timeout);
    assert_eq!(case.election.patience(case.at(11.0)), Duration::from_secs(1));
    assert_eq!(case.election.patience(case.at(13.0)), Duration::ZERO);
}

#[test]
fn who_abdicated_does_not_lead() {
    let mut case = Case::leading();
    case.election.abdicate();
    assert!(!case.election.leads(case.at(1.0)));
}
