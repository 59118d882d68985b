//! Workers: a process of a function as the gateway sees it, with the invocation that it has and the time that it may
//! take.
//!
//! The Runtime API asks its process's worker, and whoever watches over the process reads the deadline.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::{sync::watch, time::Instant};

use super::{
    InvocationResponse,
    pool::{Job, Pool, ProcessId},
    process_failure::ProcessFailure,
    tail::{self, Tail},
};

/// The longest time that a process may take until it asks for its first invocation, beyond the time of an invocation.
///
/// SOURCE: Lambda's init phase: 10 s, and then once more within the function's own limit.
const INIT: Duration = Duration::from_secs(10);

/// One process, with its invocation, its deadline and its output.
pub(super) struct Worker {
    pub(super) pool: Arc<Pool>,
    id: ProcessId,
    state: Mutex<State>,
    /// The time at which the process is to be killed, if it goes on as it is.
    deadline: watch::Sender<Option<Instant>>,
    /// Held by the request that waits for the next invocation.
    asking: tokio::sync::Mutex<()>,
    /// The end of the process's log.
    pub(super) tail: Arc<Tail>,
    /// Held while the log of an invocation is gathered, so that the next one prints nothing into it.
    gathering: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
enum State {
    /// It has not asked for an invocation yet.
    Starting,
    /// It said that it cannot start.
    Failed,
    /// It has none.
    Free,
    /// It has this one, since then.
    Has(Job, Instant),
}

/// An invocation as the process gets it.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) request_id: String,
    pub(super) arn: String,
    pub(super) trace_id: Option<String>,
    pub(super) timeout: Duration,
    pub(super) payload: Bytes,
}

/// The reason why the process may not do what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RuntimeRefusal {
    /// It must do something else first.
    State {
        from: &'static str,
        to: &'static str,
    },
    /// It has no invocation of this id.
    RequestId,
}

/// Sets a deadline when it is dropped.
struct Countdown<'d> {
    deadline: &'d watch::Sender<Option<Instant>>,
    timeout: Duration,
}

impl Drop for Countdown<'_> {
    fn drop(&mut self) {
        let at = Instant::now() + self.timeout;
        self.deadline.send_replace(Some(at));
    }
}

impl Worker {
    pub(super) fn new(pool: Arc<Pool>, id: ProcessId) -> Worker {
        let limit = INIT.saturating_add(pool.spec.timeout);
        Worker {
            pool,
            id,
            state: Mutex::new(State::Starting),
            deadline: watch::Sender::new(Some(Instant::now() + limit)),
            asking: tokio::sync::Mutex::default(),
            tail: Arc::default(),
            gathering: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the process its next invocation, once there is one.
    pub(super) async fn next(&self) -> Result<Handed, RuntimeRefusal> {
        self.ready()?;
        let _asking = self.asking.lock().await;
        // Another request may have got one meanwhile.
        self.ready()?;
        drop(self.gathering.lock().await);
        self.deadline.send_replace(None);
        let timeout = self.pool.spec.timeout;
        // Whatever becomes of this request, the process has so much time from its end: for the invocation, or to ask anew.
        let _end = Countdown {
            deadline: &self.deadline,
            timeout,
        };
        let job = self.pool.next(self.id).await;
        let handed = Handed {
            request_id: job.id.clone(),
            arn: job.arn.clone(),
            trace_id: job.trace_id.clone(),
            timeout,
            payload: job.payload.clone(),
        };
        let wants_log = job.wants_log;
        // From here on the process has it, whatever becomes of this request.
        *self.state() = State::Has(job, Instant::now());
        if wants_log {
            self.tail.catch_up().await;
            let (_, version) = self.pool.spec.name_and_version();
            self.tail.begin(&handed.request_id, version);
        }
        Ok(handed)
    }

    fn ready(&self) -> Result<(), RuntimeRefusal> {
        let mut state = self.state();
        match *state {
            State::Starting | State::Free => {
                *state = State::Free;
                Ok(())
            }
            State::Has(..) => Err(RuntimeRefusal::State {
                from: "Running",
                to: "Ready",
            }),
            State::Failed => Err(RuntimeRefusal::State {
                from: "InitError",
                to: "Ready",
            }),
        }
    }

    /// Refuses a request id that is not the one of the process's invocation.
    pub(super) fn check(&self, request_id: &str) -> Result<(), RuntimeRefusal> {
        match &*self.state() {
            State::Has(job, _) if job.id == request_id => Ok(()),
            _ => Err(RuntimeRefusal::RequestId),
        }
    }

    /// Passes the process's answer on.
    pub(super) fn answer(
        &self,
        request_id: &str,
        answer: InvocationResponse,
    ) -> Result<(), RuntimeRefusal> {
        let (job, began) = {
            let mut state = self.state();
            match std::mem::replace(&mut *state, State::Free) {
                State::Has(job, began) if job.id == request_id => (job, began),
                other => {
                    *state = other;
                    return Err(RuntimeRefusal::RequestId);
                }
            }
        };
        // The deadline stays until the process asks for more: on Lambda an invocation ends then.
        self.pool.answered(self.id);
        if job.wants_log {
            self.finish_with_log(job, began, answer);
        } else {
            self.tail.outdate();
            job.finish(answer);
        }
        Ok(())
    }

    /// Answers once all that the process printed until now is known. The request that brought the answer does not wait
    /// for it, and may break off.
    fn finish_with_log(&self, job: Job, began: Instant, mut answer: InvocationResponse) {
        let report = tail::report(&job.id, began.elapsed());
        let gathering = Arc::clone(&self.gathering).try_lock_owned();
        let tail = Arc::clone(&self.tail);
        self.pool.spawn(async move {
            tail.catch_up().await;
            tail.add(report.as_bytes());
            answer.log = Some(tail.take());
            job.finish(answer);
            drop(gathering);
        });
    }

    /// Notes that the process says it cannot start, and why.
    pub(super) fn cannot_start(&self, payload: Bytes) -> Result<(), RuntimeRefusal> {
        {
            let mut state = self.state();
            if !matches!(*state, State::Starting) {
                return Err(RuntimeRefusal::State {
                    from: "Ready",
                    to: "InitError",
                });
            }
            *state = State::Failed;
        }
        // At once, or what fails could start another process when this one ends; only the answers wait for the log.
        let failed = self.pool.cannot_start();
        let tail = Arc::clone(&self.tail);
        self.pool.spawn(async move {
            tail.catch_up().await;
            fail(failed, &ProcessFailure::Init(payload), &tail.take());
        });
        Ok(())
    }

    /// Notes the end of the process, with all that it printed; the invocations that it had, or should have had, fail.
    pub(super) fn ended(&self, failure: &ProcessFailure) {
        let state = std::mem::replace(&mut *self.state(), State::Failed);
        match state {
            State::Has(job, began) => {
                let mut answer = failure.answer(&job.id);
                if job.wants_log {
                    let report = tail::report(&job.id, began.elapsed());
                    self.tail.add(report.as_bytes());
                    self.tail.add(failure.log(&job.id).as_bytes());
                    answer.log = Some(self.tail.take());
                }
                job.finish(answer);
            }
            State::Starting => fail(self.pool.cannot_start(), failure, &self.tail.take()),
            State::Free | State::Failed => {}
        }
    }

    /// Waits until the process has taken too long for what it is at.
    pub(super) async fn overdue(&self) {
        let mut deadline = self.deadline.subscribe();
        loop {
            let at = *deadline.borrow_and_update();
            let changed = deadline.changed();
            let Some(at) = at else {
                if changed.await.is_err() {
                    return;
                }
                continue;
            };
            tokio::select! {
                () = tokio::time::sleep_until(at) => return,
                _ = changed => {}
            }
        }
    }
}

/// Answers the invocations that fail because a process cannot start; `log` is the process's output.
fn fail(jobs: VecDeque<Job>, failure: &ProcessFailure, log: &Bytes) {
    for job in jobs {
        let mut answer = failure.answer(&job.id);
        answer.log = job.wants_log.then(|| log.clone());
        job.finish(answer);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::fixture::{self, TIMEOUT, invocation},
        *,
    };
    use crate::gateway::lambda::{Invocation, Mode};

    fn worker() -> Worker {
        Worker::new(fixture::pool().0, 1)
    }

    /// Waits until the process is overdue, and returns the time that this took.
    async fn left(worker: &Worker) -> Duration {
        let began = Instant::now();
        worker.overdue().await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_has_time_to_start_and_to_ask_again() {
        let worker = worker();
        assert_eq!(left(&worker).await, INIT + TIMEOUT);
        let asked = tokio::time::timeout(TIMEOUT, worker.next()).await;
        assert!(asked.is_err());
        assert_eq!(left(&worker).await, TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_waits_for_work_may_wait_for_ever() {
        let worker = worker();
        tokio::select! {
            biased;
            _ = worker.next() => unreachable!("there is no work"),
            () = worker.overdue() => unreachable!("it asks for work"),
            () = tokio::time::sleep(100 * TIMEOUT) => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_init_error_comes_with_all_that_was_printed_before() {
        let (pool, mut started) = fixture::pool();
        let invoking = pool.invoke(Invocation {
            mode: Mode::WaitForLog,
            ..invocation()
        });
        let failing = async {
            let process = started.recv().await.unwrap();
            let worker = Worker::new(process.pool, process.id);
            let mut reading = worker.tail.reading();
            worker.cannot_start(Bytes::from_static(b"{}")).unwrap();
            let question = reading.asked().await;
            reading.add(b"no luck\n");
            reading.answer_after(0, question);
        };
        let both = async { tokio::join!(invoking, failing) };
        let (answer, ()) = tokio::time::timeout(TIMEOUT, both).await.unwrap();
        let log = answer.unwrap().log;
        assert_eq!(log.as_deref(), Some(&b"no luck\n"[..]));
    }
}
