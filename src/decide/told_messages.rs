//! What a service has told since it was last at rest, longer than its status keeps it: the same is not told again for six hours.

use std::collections::HashMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::service_status::{is_repeatable, says_at_rest};

const OF_TASK: &str = "(task ";

/// What counts tasks without their names.
const COUNTS: [&str; 3] = [" targets in (target-group ", "has begun draining connections on ", " pending tasks."];

/// Whether a message counts tasks without their names: the same words mean others the next time.
#[must_use]
pub fn counts_tasks(message: &str) -> bool {
    COUNTS.iter().any(|words| message.contains(words))
}

/// The messages of a service that may come again, and when each was told.
#[derive(Clone, Debug, Default)]
pub struct ToldMessages {
    since_rest: HashMap<String, Time>,
}

impl ToldMessages {
    /// Whether a message would be a repetition.
    #[must_use]
    pub fn contains(&self, message: &str, now: &Time) -> bool {
        self.since_rest.get(message).is_some_and(|told| !is_repeatable(told, now))
    }

    /// Those of some messages that are no repetitions, when they are told one after another.
    #[must_use]
    pub fn news(&self, messages: &[String], now: &Time) -> Vec<String> {
        let mut told = self.clone();
        let mut is_news = |message: &&String| {
            let is_news = !told.contains(message, now);
            if is_news {
                told.note(message, now);
            }
            is_news
        };
        messages.iter().filter(|message| is_news(message)).cloned().collect()
    }

    /// Notes what has just been told.
    pub fn note(&mut self, message: &str, now: &Time) {
        // Whatever follows a rest makes the next rest news.
        self.since_rest.retain(|told, at| !says_at_rest(told) && !is_repeatable(at, now));
        if says_at_rest(message) {
            self.since_rest.clear();
        }
        // What is told of tasks never comes again: the next time others are meant.
        if !message.contains(OF_TASK) && !counts_tasks(message) {
            self.since_rest.insert(message.into(), now.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::jiff::Timestamp;

    const REST: &str = "(service web) has reached a steady state.";

    fn at(hour: i64) -> Time {
        Time(Timestamp::from_second(hour * 3600).unwrap())
    }

    #[test]
    fn a_message_is_not_repeated_for_six_hours_whatever_is_told_between() {
        let mut told = ToldMessages::default();
        assert!(!told.contains("a", &at(0)));
        told.note("a", &at(0));
        for task in 0..100 {
            told.note(&format!("(task {task})"), &at(1));
        }
        assert!(told.contains("a", &at(5)) && !told.contains("(task 1)", &at(1)));
        assert!(!told.contains("a", &at(6)));
        assert_eq!(told.since_rest.len(), 1);
    }

    #[test]
    fn after_a_rest_all_is_news_and_the_rest_itself_when_something_happened() {
        let mut told = ToldMessages::default();
        told.note("a", &at(0));
        told.note(REST, &at(1));
        assert!(!told.contains("a", &at(1)) && told.contains(REST, &at(1)));
        let together = ["(task 1)", REST, REST].map(str::to_owned);
        assert_eq!(told.news(&together, &at(2)), together[..2]);
        assert_eq!(told.news(&together[1..], &at(2)), Vec::<String>::new());
        told.note("(task 1)", &at(2));
        assert!(!told.contains(REST, &at(2)));
    }
}
