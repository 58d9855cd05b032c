//! Turns at the revision numbers of a Namespace, which all its families share in one ConfigMap: those who register there do
//! it one after another. Whoever has to wait is called again, and keeps nobody of another Namespace from its work.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::channel::mpsc::UnboundedSender;

/// Whose turn it is in each Namespace, and who waits.
pub struct Turns<T> {
    state: Arc<Mutex<State<T>>>,
}

struct State<T> {
    places: HashMap<String, Place<T>>,
    callers: Option<UnboundedSender<T>>,
}

struct Place<T> {
    taken: bool,
    waiting: VecDeque<T>,
}

/// The right to register in a Namespace, until it is dropped.
#[must_use]
pub struct Turn<T> {
    state: Arc<Mutex<State<T>>>,
    namespace: String,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { state: Arc::new(Mutex::new(State { places: HashMap::new(), callers: None })) }
    }
}

impl<T: PartialEq> Turns<T> {
    /// Sends those who have waited to this queue from now on.
    pub fn call_through(&self, queue: UnboundedSender<T>) {
        lock(&self.state).callers = Some(queue);
    }

    /// The turn, unless somebody has it: then `who` is called when it is over. A call can get lost with the object that it
    /// was for, so it is not to be relied on alone.
    #[must_use]
    pub fn take_or_wait(&self, namespace: &str, who: T) -> Option<Turn<T>> {
        let turn = self.take(namespace);
        if turn.is_none() {
            let mut state = lock(&self.state);
            let place = state.places.entry(namespace.into()).or_default();
            if !place.waiting.contains(&who) {
                place.waiting.push_back(who);
            }
            // The turn may have ended since it was refused.
            state.call_next(namespace);
        }
        turn
    }

    /// The turn, unless somebody has it.
    #[must_use]
    pub fn take(&self, namespace: &str) -> Option<Turn<T>> {
        let mut state = lock(&self.state);
        let place = state.places.entry(namespace.into()).or_default();
        let free = !std::mem::replace(&mut place.taken, true);
        free.then(|| Turn { state: Arc::clone(&self.state), namespace: namespace.into() })
    }

    /// Calls the next one if nobody has the turn. Whoever was called and had no need of it any more passes it on so.
    pub fn call_next(&self, namespace: &str) {
        lock(&self.state).call_next(namespace);
    }
}

impl<T> State<T> {
    fn call_next(&mut self, namespace: &str) {
        let Some(place) = self.places.get_mut(namespace) else { return };
        if place.taken {
            return;
        }
        match place.waiting.pop_front() {
            // A queue that has ended belongs to controllers that have.
            Some(next) => drop(self.callers.as_ref().map(|callers| callers.unbounded_send(next))),
            None => drop(self.places.remove(namespace)),
        }
    }
}

impl<T> Drop for Turn<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        if let Some(place) = state.places.get_mut(&self.namespace) {
            place.taken = false;
        }
        state.call_next(&self.namespace);
    }
}

impl<T> Default for Place<T> {
    fn default() -> Self {
        Self { taken: false, waiting: VecDeque::new() }
    }
}

/// What is behind the lock is whole whenever it is open, also when a holder has panicked.
fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::channel::mpsc::unbounded;

    #[test]
    fn one_has_the_turn_of_a_namespace_and_those_who_wait_are_called_in_their_order() {
        let turns = Turns::default();
        let (callers, mut called) = unbounded();
        turns.call_through(callers);
        let first = turns.take_or_wait("one", "a");
        assert!(first.is_some());
        assert!(turns.take_or_wait("other", "z").is_some(), "another Namespace has a turn of its own");
        for who in ["b", "c", "b"] {
            assert!(turns.take_or_wait("one", who).is_none());
        }
        assert!(called.try_recv().is_err(), "nobody is called before the turn is over");
        drop(first);
        assert_eq!(called.try_recv().ok(), Some("b"));
        let second = turns.take_or_wait("one", "b");
        assert!(second.is_some());
        drop(second);
        assert_eq!(called.try_recv().ok(), Some("c"));
        assert!(called.try_recv().is_err(), "nobody is called twice");
    }

    #[test]
    fn a_call_that_nobody_follows_is_passed_on() {
        let turns = Turns::default();
        let (callers, mut called) = unbounded();
        turns.call_through(callers);
        let first = turns.take_or_wait("one", "a");
        assert!(turns.take_or_wait("one", "gone").is_none() && turns.take_or_wait("one", "b").is_none());
        drop(first);
        assert_eq!(called.try_recv().ok(), Some("gone"));
        turns.call_next("one");
        assert_eq!(called.try_recv().ok(), Some("b"));
        let last = turns.take_or_wait("one", "b");
        turns.call_next("one");
        assert!(last.is_some() && called.try_recv().is_err());
        drop(last);
        assert!(lock(&turns.state).places.is_empty(), "a Namespace without anybody is forgotten");
    }
}
