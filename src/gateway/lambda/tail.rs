//! The end of a process's log, as Invoke gives it with `X-Amz-Log-Type: Tail`.
//!
//! The output of a process comes through pipes that others read, while its answers come over the Runtime API. So
//! whoever wants the log of an invocation lets the readers catch up first: with all that was in the pipes when the
//! answer came.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::MEMORY_MB;

/// SOURCE: Lambda API reference, Invoke: the last 4 KB of the execution log.
const KEPT: usize = 4 * 1024;

/// The end of what one process has printed since its last answer.
#[derive(Debug, Default)]
pub(super) struct Tail {
    kept: Mutex<Kept>,
    readers: Mutex<Vec<mpsc::UnboundedSender<oneshot::Sender<()>>>>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: VecDeque<u8>,
    /// True when the bytes were printed for an invocation whose log nobody wanted.
    is_outdated: bool,
}

/// One reader's side of it.
#[derive(Debug)]
pub(super) struct Reading {
    tail: Arc<Tail>,
    questions: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
    /// Bytes read so far.
    read: u64,
    /// The questions that wait until so many bytes are read.
    waiting: VecDeque<(u64, oneshot::Sender<()>)>,
}

impl Tail {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers one more reader of the process's output.
    pub(super) fn reading(self: &Arc<Self>) -> Reading {
        let (asker, questions) = mpsc::unbounded_channel();
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.push(asker);
        Reading {
            tail: Arc::clone(self),
            questions,
            read: 0,
            waiting: VecDeque::new(),
        }
    }

    /// Waits until all that the process has printed until now is kept.
    pub(super) async fn catch_up(&self) {
        let mut caught_up = Vec::new();
        {
            let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
            for reader in readers.iter() {
                let (done, when_done) = oneshot::channel();
                if reader.send(done).is_ok() {
                    caught_up.push(when_done);
                }
            }
        }
        for reader in caught_up {
            // A reader that has ended has read all that there was.
            drop(reader.await);
        }
    }

    /// Adds to the log.
    pub(super) fn add(&self, bytes: &[u8]) {
        let kept = &mut self.kept().bytes;
        kept.extend(&bytes[bytes.len().saturating_sub(KEPT)..]);
        let excess = kept.len().saturating_sub(KEPT);
        kept.drain(..excess);
    }

    /// Notes that nobody wants what was printed until now.
    pub(super) fn outdate(&self) {
        self.kept().is_outdated = true;
    }

    /// Begins the log of an invocation. What the process printed when it started, and since an answer that came with
    /// its log, stays in it; what it printed for an invocation without one, and after that, does not.
    pub(super) fn begin(&self, request_id: &str, version: &str) {
        {
            let mut kept = self.kept();
            if kept.is_outdated {
                *kept = Kept::default();
            }
        }
        self.add(format!("START RequestId: {request_id} Version: {version}\n").as_bytes());
    }

    /// Gives the log away and begins anew.
    pub(super) fn take(&self) -> Bytes {
        let kept = std::mem::take(&mut *self.kept());
        Bytes::from(Vec::from(kept.bytes))
    }
}

/// Returns the lines that end the log of an invocation. SOURCE: logs that people show. The memory that was used is not
/// known here.
pub(super) fn report(request_id: &str, took: Duration) -> String {
    let milliseconds = took.as_secs_f64() * 1000.0;
    format!(
        "END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: {milliseconds:.2} ms\t\
         Billed Duration: {:.0} ms\tMemory Size: {MEMORY_MB} MB\t\n",
        milliseconds.ceil()
    )
}

impl Reading {
    /// Waits for the next question whether all has been read; never returns where nobody can ask any more.
    pub(super) async fn asked(&mut self) -> oneshot::Sender<()> {
        match self.questions.recv().await {
            Some(question) => question,
            None => std::future::pending().await,
        }
    }

    /// Answers once so many bytes more are read.
    pub(super) fn answer_after(&mut self, bytes: u64, question: oneshot::Sender<()>) {
        self.waiting.push_back((self.read + bytes, question));
        self.answer();
    }

    /// Takes what was read.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.tail.add(bytes);
        self.read += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.answer();
    }

    fn answer(&mut self) {
        while let Some((_, question)) = self.waiting.pop_front_if(|(until, _)| *until <= self.read)
        {
            // Whoever asked may have gone.
            let _ = question.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn the_last_four_kilobytes_are_kept() {
        let tail = Tail::default();
        tail.add(b"first ");
        tail.add(&[b'x'; KEPT - 3]);
        tail.add(b"end");
        assert_eq!(tail.take(), [&[b'x'; KEPT - 3][..], &b"end"[..]].concat());
        tail.add(&[b'y'; 3 * KEPT]);
        assert_eq!(tail.take().len(), KEPT);
        assert_eq!(tail.take().len(), 0);
    }

    #[test]
    fn a_log_is_that_of_one_invocation() {
        let tail = Tail::default();
        tail.add(b"starts\n");
        tail.begin("r1", "$LATEST");
        tail.add(b"works\n");
        tail.add(report("r1", Duration::from_micros(1_234_567)).as_bytes());
        assert_eq!(
            tail.take(),
            "starts\nSTART RequestId: r1 Version: $LATEST\nworks\nEND RequestId: r1\n\
             REPORT RequestId: r1\tDuration: 1234.57 ms\tBilled Duration: 1235 ms\tMemory Size: 128 MB\t\n"
        );
        tail.add(b"of nobody");
        tail.outdate();
        tail.begin("r2", "7");
        assert_eq!(tail.take(), "START RequestId: r2 Version: 7\n");
        tail.add(b"after it\n");
        tail.begin("r3", "7");
        assert_eq!(tail.take(), "after it\nSTART RequestId: r3 Version: 7\n");
    }

    #[tokio::test]
    async fn nobody_catches_up_before_all_is_read() {
        let tail = Arc::new(Tail::default());
        let (mut one, other) = (tail.reading(), tail.reading());
        let mut catching_up = Box::pin(tail.catch_up());
        assert_eq!((&mut catching_up).now_or_never(), None);
        let question = one.asked().await;
        one.answer_after(4, question);
        one.add(b"ab");
        // One that has gone has nothing more to say.
        drop(other);
        assert_eq!((&mut catching_up).now_or_never(), None);
        one.add(b"cd");
        catching_up.await;
        assert_eq!(tail.take(), "abcd");
        drop(one);
        tail.catch_up().await;
    }
}
