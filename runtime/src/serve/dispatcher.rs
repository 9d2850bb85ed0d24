//! Which instance gets which request.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::job::{Failure, Job};

/// Gives requests to instances: to the one that had work most recently, whose memory is warm, else to a new one, else they
/// wait in the order in which they came.
pub(super) struct Dispatcher {
    state: Mutex<State>,
    max_instances: usize,
    max_waiting: usize,
}

struct State {
    /// Instances with room for a request; the one that offered it last is at the end.
    open: Vec<(SeatId, mpsc::UnboundedSender<Job>)>,
    waiting: VecDeque<Job>,
    instances: usize,
    next_seat: u64,
    stopping: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct SeatId(u64);

/// An instance's place among those that requests are given to.
pub(super) struct Seat {
    id: SeatId,
    sender: mpsc::UnboundedSender<Job>,
    jobs: mpsc::UnboundedReceiver<Job>,
    dispatcher: Arc<Dispatcher>,
}

/// What became of a request that was submitted.
pub(super) enum Submitted {
    /// An instance has it, or it waits for one.
    Taken,
    /// It needs a new instance, which counts already.
    NeedsInstance(Box<(Seat, Job)>),
}

impl Dispatcher {
    pub(super) fn new(max_instances: usize, max_waiting: usize) -> Arc<Self> {
        let state = State { open: Vec::new(), waiting: VecDeque::new(), instances: 0, next_seat: 0, stopping: false };
        Arc::new(Self { state: Mutex::new(state), max_instances: max_instances.max(1), max_waiting })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds a place for a request.
    pub(super) fn submit(self: &Arc<Self>, job: Job) -> Submitted {
        let mut state = self.state();
        if state.stopping {
            job.reply.fail(Failure::Stopping);
            return Submitted::Taken;
        }
        let mut job = job;
        while let Some((_, instance)) = state.open.pop() {
            match instance.send(job) {
                Ok(()) => return Submitted::Taken,
                Err(mpsc::error::SendError(back)) => job = back,
            }
        }
        if state.instances < self.max_instances {
            return Submitted::NeedsInstance(Box::new((self.new_seat(&mut state), job)));
        }
        if state.waiting.len() >= self.max_waiting {
            job.reply.fail(Failure::Busy);
        } else {
            state.waiting.push_back(job);
        }
        Submitted::Taken
    }

    fn new_seat(self: &Arc<Self>, state: &mut State) -> Seat {
        state.instances += 1;
        state.next_seat += 1;
        let (sender, jobs) = mpsc::unbounded_channel();
        Seat { id: SeatId(state.next_seat), sender, jobs, dispatcher: self.clone() }
    }

    /// Refuses what waits and what comes.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.stopping = true;
        for job in state.waiting.drain(..) {
            job.reply.fail(Failure::Stopping);
        }
    }

    /// How many requests wait for an instance.
    #[cfg(test)]
    fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// How many instances there are.
    #[cfg(test)]
    fn instances(&self) -> usize {
        self.state().instances
    }
}

impl Seat {
    /// Takes the request that waits longest; where none does, the next one may be sent to [`Seat::next`].
    pub(super) fn offer(&self) -> Option<Job> {
        let mut state = self.dispatcher.state();
        let job = state.waiting.pop_front();
        if job.is_none() && !state.open.iter().any(|(id, _)| *id == self.id) {
            state.open.push((self.id, self.sender.clone()));
        }
        job
    }

    /// Waits for a request that was sent here after an offer.
    pub(super) async fn next(&mut self) -> Option<Job> {
        self.jobs.recv().await
    }

    /// Leaves. Gives back what was sent here and not taken, and what a new instance has to be made for.
    pub(super) fn leave(mut self) -> Vec<(Seat, Job)> {
        let dispatcher = self.dispatcher.clone();
        let mut state = dispatcher.state();
        state.open.retain(|(id, _)| *id != self.id);
        // Under the lock nothing is sent here any more.
        while let Ok(job) = self.jobs.try_recv() {
            state.waiting.push_front(job);
        }
        state.instances -= 1;
        let mut needs = Vec::new();
        while state.instances < dispatcher.max_instances
            && let Some(job) = state.waiting.pop_front()
        {
            needs.push((dispatcher.new_seat(&mut state), job));
        }
        needs
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::super::in_work::RequestLabel;
    use super::super::job::{Answer, Reply};
    use super::*;
    use http_body_util::{BodyExt, Empty};

    fn job(path: &str) -> (Job, Answer) {
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = http::Request::builder().uri(path).body(body).unwrap();
        let (reply, answer) = Reply::new();
        let label = Arc::new(RequestLabel { number: 1, is_over: AtomicBool::new(false) });
        (Job { request, reply, label, deadline: None }, answer)
    }

    fn seat(submitted: Submitted) -> (Seat, String) {
        match submitted {
            Submitted::NeedsInstance(needs) => (needs.0, needs.1.request.uri().path().to_owned()),
            Submitted::Taken => panic!("it needs no instance"),
        }
    }

    fn is_taken(submitted: &Submitted) -> bool {
        matches!(submitted, Submitted::Taken)
    }

    async fn failure(answer: Answer) -> Failure {
        answer.get().await.map(|_| ()).unwrap_err()
    }

    #[tokio::test]
    async fn requests_go_to_the_warmest_instance_then_to_new_ones_then_they_wait() {
        let dispatcher = Dispatcher::new(2, 1);
        let (mut one, _) = seat(dispatcher.submit(job("/1").0));
        let (two, _) = seat(dispatcher.submit(job("/2").0));
        assert!(is_taken(&dispatcher.submit(job("/3").0)));
        let (fourth, answer) = job("/4");
        assert!(is_taken(&dispatcher.submit(fourth)));
        assert_eq!(failure(answer).await, Failure::Busy);
        assert_eq!(two.offer().unwrap().request.uri().path(), "/3");
        assert!(two.offer().is_none() && one.offer().is_none());
        assert!(is_taken(&dispatcher.submit(job("/5").0)));
        assert_eq!(one.next().await.unwrap().request.uri().path(), "/5", "it offered last");
        assert_eq!((dispatcher.instances(), dispatcher.waiting()), (2, 0));
    }

    #[tokio::test]
    async fn what_was_sent_to_an_instance_that_leaves_is_not_lost() {
        let dispatcher = Dispatcher::new(1, 10);
        let (one, _) = seat(dispatcher.submit(job("/1").0));
        assert!(one.offer().is_none());
        for path in ["/2", "/3"] {
            assert!(is_taken(&dispatcher.submit(job(path).0)));
        }
        let needs = one.leave();
        let paths: Vec<_> = needs.iter().map(|(_, job)| job.request.uri().path()).collect();
        assert_eq!(paths, ["/2"], "there may be one instance");
        assert_eq!((dispatcher.instances(), dispatcher.waiting()), (1, 1));
    }

    #[tokio::test]
    async fn a_service_that_stops_refuses_what_waits_and_what_comes() {
        let dispatcher = Dispatcher::new(1, 10);
        let _one = seat(dispatcher.submit(job("/1").0));
        let ((second, waits), (third, comes)) = (job("/2"), job("/3"));
        dispatcher.submit(second);
        dispatcher.stop();
        dispatcher.submit(third);
        assert_eq!((failure(waits).await, failure(comes).await), (Failure::Stopping, Failure::Stopping));
    }
}
