//! One process of a function, from its start to its end.
//!
//! A process is started by a shell, in a process group of its own, and the whole group is killed when the process is
//! over: so nothing that it started in turn is left behind. The group also holds a small shell that waits for the end
//! of a pipe of which the gateway has the other end; however the gateway ends, be it by `kill -9`, the pipe ends with
//! it and the group is killed.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    net::TcpListener,
    process::{Child, ChildStdin, Command},
    task::JoinSet,
};

use super::{
    MEMORY_MB,
    output::{LineSource, Lines},
    pool::NewProcess,
    process_failure::{ProcessFailure, exit_text},
    runtime_api,
    tail::Tail,
    worker::Worker,
};

/// The time that the last words of a process that is over are waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Starts the function's command, `$1`, with somebody beside it who kills the group when standard input ends. `read`
/// returns then, for nobody ever writes a line. `_HANDLER`, which some runtime clients read and others do not, is the
/// command's last word, `$2`, unless the person says otherwise.
const SCRIPT: &str = "exec 3<&0 </dev/null
export _HANDLER=\"${_HANDLER-$2}\"
( { read -r line <&3; kill -KILL 0; } >/dev/null 2>&1 & )
exec 3<&-
exec sh -c \"$1\"";

/// The command that a function's processes run, with what they are told beside their invocations.
#[derive(Debug, Clone)]
pub(super) struct FunctionCommand {
    /// The command, for a shell.
    pub(super) shell: String,
    /// The gateway's address.
    pub(super) gateway: SocketAddr,
    /// The listeners to what the processes print.
    pub(super) lines: Lines,
}

impl FunctionCommand {
    /// Returns the last word before a redirection, a pipe or another command: runtime clients take it for the handler.
    fn last_word(&self) -> &str {
        let words = self.shell.split_whitespace();
        let words = words.take_while(|word| !word.contains(['<', '>', '|', '&', ';']));
        words.last().unwrap_or_default().trim_matches(['"', '\''])
    }
}

/// Runs a process until it ends, has taken too long, or the gateway stops.
pub(super) async fn run(command: FunctionCommand, process: NewProcess) {
    let (pool, lines) = (&process.pool, &command.lines);
    let worker = Arc::new(Worker::new(Arc::clone(pool), process.id));
    let name = &pool.spec.name;
    let mut running = match Running::start(&command, &process, &worker.tail).await {
        Ok(running) => running,
        Err(error) => {
            lines.note(name, format!("cannot be started: {error}"));
            worker.ended(&ProcessFailure::NotStarted);
            return;
        }
    };
    tracing::info!(
        function = name,
        pid = running.group.as_raw_nonzero(),
        "started"
    );
    let failure = tokio::select! {
        status = running.child.wait() => Some(of_exit(status)),
        () = worker.overdue() => Some(ProcessFailure::TimedOut(pool.spec.timeout)),
        () = pool.stop.cancelled() => None,
        () = runtime_api::serve(&running.listener, &worker) => None,
    };
    running.end().await;
    let Some(failure) = failure else {
        return;
    };
    let note = match &failure {
        ProcessFailure::Exited(status) => exit_text(*status),
        _ => format!("killed: no answer within {:?}", pool.spec.timeout),
    };
    lines.note(name, note);
    worker.ended(&failure);
}

fn of_exit(status: io::Result<ExitStatus>) -> ProcessFailure {
    status.map_or(ProcessFailure::NotStarted, ProcessFailure::Exited)
}

/// A process that runs.
struct Running {
    child: Child,
    group: Pid,
    /// The other end of the pipe without which the group does not live.
    _lifeline: Option<ChildStdin>,
    /// The listener of its Runtime API.
    listener: TcpListener,
    readers: JoinSet<()>,
}

impl Running {
    async fn start(
        command: &FunctionCommand,
        process: &NewProcess,
        tail: &Arc<Tail>,
    ) -> io::Result<Running> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let runtime_api = listener.local_addr()?;
        let mut child = shell(command, process, runtime_api).spawn()?;
        let group = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
            .ok_or_else(|| io::Error::other("it has no process id"))?;
        let mut readers = JoinSet::new();
        let name = || process.pool.spec.name.clone();
        if let Some(stream) = child.stdout.take() {
            let lines = command.lines.clone();
            readers.spawn(lines.read(name(), LineSource::Stdout, stream, tail.reading()));
        }
        if let Some(stream) = child.stderr.take() {
            let lines = command.lines.clone();
            readers.spawn(lines.read(name(), LineSource::Stderr, stream, tail.reading()));
        }
        Ok(Running {
            _lifeline: child.stdin.take(),
            child,
            group,
            listener,
            readers,
        })
    }

    /// Kills what is left of the group and hears its last words.
    async fn end(&mut self) {
        // Whoever watches over the group is still in it, so its id cannot have gone to another one.
        if let Err(error) = kill_process_group(self.group, Signal::KILL) {
            tracing::debug!(%error, "no process is left to kill");
        }
        if let Err(error) = self.child.wait().await {
            tracing::warn!(%error, "cannot tell how a process ended");
        }
        let reading = async { while self.readers.join_next().await.is_some() {} };
        // What holds the pipe open now has left the group, and is not ours.
        drop(tokio::time::timeout(LAST_WORDS, reading).await);
    }
}

/// SOURCE: Lambda developer guide, "Defined runtime environment variables".
fn shell(command: &FunctionCommand, process: &NewProcess, runtime_api: SocketAddr) -> Command {
    let NewProcess { pool, id, region } = process;
    let (name, version) = pool.spec.name_and_version();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", SCRIPT, "sh", &command.shell, command.last_word()])
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", version)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", MEMORY_MB.to_string())
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"))
        .env("AWS_LAMBDA_LOG_STREAM_NAME", format!("[{version}]{id}"))
        // GUESS: the name behind the prefix, by which programs know that they are on Lambda.
        .env("AWS_EXECUTION_ENV", "AWS_Lambda_local")
        .env("AWS_REGION", region)
        .env("AWS_DEFAULT_REGION", region)
        .env("TZ", ":UTC")
        .env("STAGEWIRE_GATEWAY", format!("http://{}", command.gateway))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Ok(directory) = std::env::current_dir() {
        shell.env("LAMBDA_TASK_ROOT", directory);
    }
    shell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handler_is_the_last_word_of_the_command_itself() {
        let lines = Lines::new();
        for (shell, handler) in [
            ("npx aws-lambda-ric chat.handler", "chat.handler"),
            (
                "python3 -m awslambdaric 'chat.handler' 2>&1",
                "chat.handler",
            ),
            ("node f.js chat.handler | tee log", "chat.handler"),
            ("target/debug/chat", "target/debug/chat"),
            ("", ""),
        ] {
            let command = FunctionCommand {
                shell: shell.to_owned(),
                gateway: ([127, 0, 0, 1], 1).into(),
                lines: lines.clone(),
            };
            assert_eq!(command.last_word(), handler, "{shell}");
        }
    }
}
