//! A function that runs here: the invocations that wait, and the processes that take them.
//!
//! As on Lambda a process has one invocation at a time and keeps living for the next, and another process is started
//! when all are busy. There the account's concurrency is the bound, here it is [`PROCESSES`]; invocations beyond it
//! wait. A process is whatever the pool is handed to run one with.

use std::{
    collections::{BTreeMap, VecDeque},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Invocation, InvocationResponse, InvokeError, Mode};

/// Processes that run one function at the same time.
const PROCESSES: usize = 10;
/// Invocations of one function that wait for a process.
const WAITING: usize = 1000;
/// Bytes of their payloads.
const WAITING_BYTES: usize = 64 * 1024 * 1024;
/// The time in which a process that has answered may ask for more before another one is started instead.
const GRACE: Duration = Duration::from_millis(100);
/// The time that the start after one that failed waits, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The specification of a function.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    pub(super) name: String,
    /// The longest time that an invocation may take.
    pub(super) timeout: Duration,
}

impl Spec {
    /// Returns the function's name, and the version that it goes by.
    pub(super) fn name_and_version(&self) -> (&str, &str) {
        self.name.split_once(':').unwrap_or((&self.name, "$LATEST"))
    }
}

/// Starts a process of a function and is done when the process has ended.
pub(super) type RunProcess = dyn Fn(NewProcess) -> BoxFuture<'static, ()> + Send + Sync;

/// A process that is to be run for a pool. It asks for work by its id, and is ended when the pool stops.
pub(super) struct NewProcess {
    pub(super) pool: Arc<Pool>,
    pub(super) id: ProcessId,
    /// The region of the invocation that it is started for.
    pub(super) region: String,
}

/// A function that runs here.
pub(super) struct Pool {
    pub(super) spec: Spec,
    pub(super) stop: CancellationToken,
    run_process: Box<RunProcess>,
    tasks: TaskTracker,
    state: Mutex<State>,
    /// Wakes a process that waits for work.
    work: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    processes: BTreeMap<ProcessId, Phase>,
    last_id: ProcessId,
    /// The time that the next start waits, if the last one failed.
    pause: Option<Duration>,
    not_before: Option<Instant>,
}

/// A process of one function; never used again for another.
pub(super) type ProcessId = u64;

/// A process that is counted already and has to be started.
struct Start {
    id: ProcessId,
    region: String,
    not_before: Option<Instant>,
}

/// The phase of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It has not asked for work yet.
    Starting,
    /// It waits for work.
    Idle,
    /// It has an invocation.
    Busy,
    /// It has answered, and has not asked for more.
    Resting,
}

/// An invocation on its way to a process.
#[derive(Debug)]
pub(super) struct Job {
    /// Its request id.
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) region: String,
    pub(super) trace_id: Option<String>,
    pub(super) payload: Bytes,
    /// True when the end of the log is wanted with the answer.
    pub(super) wants_log: bool,
    answer: oneshot::Sender<InvocationResponse>,
}

impl Job {
    /// Answers it. That nobody waits for the answer any more is no fault.
    pub(super) fn finish(self, answer: InvocationResponse) {
        drop(self.answer.send(answer));
    }
}

impl Pool {
    pub(super) fn new(
        spec: Spec,
        run_process: Box<RunProcess>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Arc<Pool> {
        Arc::new(Pool {
            spec,
            stop,
            run_process,
            tasks,
            state: Mutex::default(),
            work: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the invocation to a process, and the answer back if somebody waits for it.
    pub(super) async fn invoke(
        self: &Arc<Self>,
        invocation: Invocation,
    ) -> Result<InvocationResponse, InvokeError> {
        let (answer, answered) = oneshot::channel();
        let job = Job {
            id: uuid::Uuid::new_v4().to_string(),
            arn: invocation.function.arn(),
            region: invocation.function.region().to_owned(),
            trace_id: invocation.trace_id,
            payload: invocation.payload,
            wants_log: invocation.mode == Mode::WaitForLog,
            answer,
        };
        let mut made = InvocationResponse {
            request_id: Some(job.id.clone()),
            ..InvocationResponse::default()
        };
        self.submit(job)?;
        if invocation.mode == Mode::Event {
            return Ok(made);
        }
        let Some(Ok(answer)) = self.stop.run_until_cancelled(answered).await else {
            return Err(InvokeError::Stopped);
        };
        made.payload = answer.payload;
        made.function_error = answer.function_error;
        made.log = answer.log;
        made.version = Some(self.spec.name_and_version().1.to_owned());
        Ok(made)
    }

    fn submit(self: &Arc<Self>, job: Job) -> Result<(), InvokeError> {
        if self.stop.is_cancelled() {
            return Err(InvokeError::Stopped);
        }
        {
            let mut state = self.state();
            if !state.has_room_for(&job) {
                return Err(InvokeError::Throttled);
            }
            state.waiting.push_back(job);
        }
        self.work.notify_one();
        self.grow();
        Ok(())
    }

    /// Starts a process if more invocations wait than there are processes about to take them.
    fn grow(self: &Arc<Self>) {
        let mut state = self.state();
        match state.wanted() {
            Wanted::Nothing => {}
            Wanted::Process => {
                let start = state.begin_start();
                drop(state);
                self.start(start);
            }
            Wanted::Patience => {
                let newest = state.newest();
                drop(state);
                self.grow_later(newest);
            }
        }
    }

    /// Starts a process if this invocation waits for one for too long.
    fn grow_later(self: &Arc<Self>, newest: Option<String>) {
        let pool = Arc::clone(self);
        self.tasks.spawn(async move {
            let waiting = tokio::time::sleep(GRACE);
            if pool.stop.run_until_cancelled(waiting).await.is_none() {
                return;
            }
            let start = {
                let mut state = pool.state();
                // What has come meanwhile has patience of its own.
                let is_waiting = newest.is_some_and(|id| state.is_waiting(&id));
                if is_waiting && state.is_short() {
                    state.begin_start()
                } else {
                    None
                }
            };
            pool.start(start);
        });
    }

    fn start(self: &Arc<Self>, start: Option<Start>) {
        let Some(Start {
            id,
            region,
            not_before,
        }) = start
        else {
            return;
        };
        let pool = Arc::clone(self);
        self.tasks.spawn(async move {
            if let Some(at) = not_before {
                tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = pool.stop.cancelled() => {}
                }
            }
            if !pool.stop.is_cancelled() {
                let process = NewProcess {
                    pool: Arc::clone(&pool),
                    id,
                    region,
                };
                (pool.run_process)(process).await;
            }
            pool.ended(id);
        });
    }

    /// Waits for the next invocation for a process that asks for one.
    pub(super) async fn next(&self, id: ProcessId) -> Job {
        let _idle = Idle::begin(self, id);
        loop {
            // It waits before it looks: of two wake-ups that nobody waits for, one is forgotten.
            let mut woken = pin!(self.work.notified());
            woken.as_mut().enable();
            if let Some(job) = self.state().take(id) {
                return job;
            }
            woken.await;
        }
    }

    /// Notes that a process has answered.
    pub(super) fn answered(&self, id: ProcessId) {
        self.state().set(id, Phase::Resting);
    }

    /// Does something beside; the gateway ends after it.
    pub(super) fn spawn(&self, what: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(what);
    }

    /// Notes that a process cannot start, and returns the invocations that fail with it: all that wait, unless another
    /// process can take them.
    #[must_use]
    pub(super) fn cannot_start(&self) -> VecDeque<Job> {
        let mut state = self.state();
        let pause = state
            .pause
            .map_or(FIRST_PAUSE, |last| (last * 2).min(LONGEST_PAUSE));
        state.pause = Some(pause);
        state.not_before = Some(Instant::now() + pause);
        let works = |phase: &Phase| *phase != Phase::Starting;
        if state.processes.values().any(works) {
            VecDeque::new()
        } else {
            std::mem::take(&mut state.waiting)
        }
    }

    fn ended(self: &Arc<Self>, id: ProcessId) {
        self.state().processes.remove(&id);
        if !self.stop.is_cancelled() {
            self.grow();
        }
    }
}

/// The need of the invocations that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Nothing,
    Process,
    /// A process has just answered and will probably ask for more.
    Patience,
}

impl State {
    fn count(&self, phases: &[Phase]) -> usize {
        let counts = |phase: &&Phase| phases.contains(phase);
        self.processes.values().filter(counts).count()
    }

    /// True when more invocations wait than processes are there for them, and another process may be started.
    fn is_short(&self) -> bool {
        let coming = self.count(&[Phase::Starting, Phase::Idle]);
        // After a failed start one process has to prove that it can be done.
        let may_start = self.pause.is_none() || self.count(&[Phase::Starting]) == 0;
        self.waiting.len() > coming && self.processes.len() < PROCESSES && may_start
    }

    /// Returns the id of the invocation that came last.
    fn newest(&self) -> Option<String> {
        self.waiting.back().map(|job| job.id.clone())
    }

    fn is_waiting(&self, id: &str) -> bool {
        self.waiting.iter().any(|job| job.id == id)
    }

    /// True when one more invocation may wait.
    fn has_room_for(&self, job: &Job) -> bool {
        let bytes: usize = self.waiting.iter().map(|it| it.payload.len()).sum();
        self.waiting.len() < WAITING && bytes + job.payload.len() <= WAITING_BYTES
    }

    fn wanted(&self) -> Wanted {
        if !self.is_short() {
            return Wanted::Nothing;
        }
        let coming = self.count(&[Phase::Starting, Phase::Idle, Phase::Resting]);
        if self.waiting.len() > coming {
            Wanted::Process
        } else {
            Wanted::Patience
        }
    }

    /// Counts one more process, for what waits longest. Whoever decides that it is wanted does so under the same lock,
    /// or several would start it.
    fn begin_start(&mut self) -> Option<Start> {
        let region = self.waiting.front()?.region.clone();
        self.last_id += 1;
        self.processes.insert(self.last_id, Phase::Starting);
        Some(Start {
            id: self.last_id,
            region,
            not_before: self.not_before.take(),
        })
    }

    fn set(&mut self, id: ProcessId, phase: Phase) {
        if let Some(known) = self.processes.get_mut(&id) {
            *known = phase;
        }
    }

    /// Returns the oldest invocation that waits.
    fn take(&mut self, id: ProcessId) -> Option<Job> {
        let job = self.waiting.pop_front()?;
        self.set(id, Phase::Busy);
        Some(job)
    }
}

/// A process that asks for work; when it stops asking without having got any, it is not counted on.
struct Idle<'p> {
    pool: &'p Pool,
    id: ProcessId,
}

impl<'p> Idle<'p> {
    fn begin(pool: &'p Pool, id: ProcessId) -> Idle<'p> {
        let mut state = pool.state();
        // It asks for work, so starting it can be done.
        state.pause = None;
        state.not_before = None;
        state.set(id, Phase::Idle);
        drop(state);
        Idle { pool, id }
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        if state.processes.get(&self.id) == Some(&Phase::Idle) {
            state.set(self.id, Phase::Resting);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::mpsc;

    use super::{
        super::fixture::{invocation, pool, pool_of},
        *,
    };

    fn job() -> Job {
        Job {
            id: "r".into(),
            arn: String::new(),
            region: "us-east-1".into(),
            trace_id: None,
            payload: Bytes::new(),
            wants_log: false,
            answer: oneshot::channel().0,
        }
    }

    #[track_caller]
    fn check(waiting: usize, phases: &[Phase], wanted: Wanted) {
        let state = State {
            waiting: std::iter::repeat_with(job).take(waiting).collect(),
            processes: (0..).zip(phases.iter().copied()).collect(),
            ..State::default()
        };
        assert_eq!(state.wanted(), wanted, "{waiting} waiting, {phases:?}");
    }

    #[test]
    fn a_process_is_started_when_none_will_take_what_waits() {
        use Phase::{Busy, Idle, Resting, Starting};
        check(0, &[], Wanted::Nothing);
        check(1, &[], Wanted::Process);
        check(1, &[Busy], Wanted::Process);
        check(1, &[Busy, Starting], Wanted::Nothing);
        check(1, &[Idle], Wanted::Nothing);
        check(2, &[Idle], Wanted::Process);
        check(1, &[Resting], Wanted::Patience);
        check(2, &[Resting], Wanted::Process);
        check(5, &[Busy; PROCESSES], Wanted::Nothing);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_is_with_one_invocation() {
        let (pool, mut started) = pool();
        pool.state().processes.insert(7, Phase::Resting);
        // The process takes the first one in time, and another one comes when the first one's time is over.
        pool.invoke(invocation()).await.unwrap();
        tokio::time::sleep(GRACE / 2).await;
        pool.next(7).await;
        pool.answered(7);
        pool.invoke(invocation()).await.unwrap();
        tokio::time::sleep(GRACE * 3 / 4).await;
        assert!(started.try_recv().is_err());
        // It does not ask for the second one, for which another process is started then.
        tokio::time::sleep(GRACE / 2).await;
        assert_eq!(started.recv().await.unwrap().id, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_has_so_many_processes_and_no_more() {
        let (pool, mut started) = pool();
        for _ in 0..2 * PROCESSES {
            pool.invoke(invocation()).await.unwrap();
        }
        let mut processes = Vec::new();
        for _ in 0..PROCESSES {
            processes.push(started.recv().await.unwrap().id);
        }
        tokio::time::sleep(LONGEST_PAUSE).await;
        assert!(started.try_recv().is_err());
        assert!(processes.is_sorted_by(|one, next| one < next));
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_that_failed_is_tried_again_after_a_pause() {
        let began = Instant::now();
        let (starts, mut started) = mpsc::unbounded_channel();
        let pool = pool_of(move |process| {
            // Nobody listens when the test is over.
            let _ = starts.send(began.elapsed());
            let failed = process.pool.cannot_start();
            for job in failed {
                job.finish(InvocationResponse::default());
            }
            std::future::ready(()).boxed()
        });
        for expected in [0, 1, 3] {
            let answer = pool.invoke(Invocation {
                mode: Mode::Wait,
                ..invocation()
            });
            assert!(answer.await.is_ok());
            let pause = FIRST_PAUSE * expected;
            let at = started.recv().await.unwrap();
            assert!((pause..pause + FIRST_PAUSE).contains(&at), "{at:?}");
        }
    }

    #[test]
    fn what_waits_is_bounded_in_number_and_size() {
        let full = State {
            waiting: std::iter::repeat_with(job).take(WAITING).collect(),
            ..State::default()
        };
        assert!(!full.has_room_for(&job()));
        let large = |bytes: usize| Job {
            payload: Bytes::from(vec![0; bytes]),
            ..job()
        };
        let state = State {
            waiting: [large(WAITING_BYTES - 7)].into(),
            ..State::default()
        };
        assert!(state.has_room_for(&large(7)));
        assert!(!state.has_room_for(&large(8)));
    }

    #[test]
    fn after_a_failed_start_processes_are_tried_one_by_one() {
        let mut state = State {
            pause: Some(FIRST_PAUSE),
            ..State::default()
        };
        state.waiting.extend([job(), job(), job()]);
        assert_eq!(state.wanted(), Wanted::Process);
        state.processes.insert(1, Phase::Starting);
        assert_eq!(state.wanted(), Wanted::Nothing);
    }
}
