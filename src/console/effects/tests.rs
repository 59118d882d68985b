//! Effects against the world they touch: files, profiles, the local gateway and a WebSocket of its own.

use std::{path::Path, time::Duration};

use super::*;
use crate::{
    aws::stub::{CannedAnswer, Stub},
    config::{Paths, Settings},
    console::local::LocalGateway,
    live,
    model::{
        Api, ApiId, ConnectRequest, LinkEvent, LinkId, Stage, Target,
        file::stage_file,
        limit::ConnectionLimits,
        link::LinkStep,
        pace::Priority,
        target::{AwsTarget, LocalTarget},
    },
    ui::{Effect, message::Connected},
};

const PATIENCE: Duration = Duration::from_secs(30);

struct World {
    effects: Effects,
    messages: mpsc::Receiver<Message>,
    dir: tempfile::TempDir,
}

fn paths_in(dir: &Path) -> Paths {
    Paths {
        config_dir: dir.to_owned(),
        state_dir: dir.to_owned(),
    }
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            gateway_listen: Some("127.0.0.1:0".parse().unwrap()),
            ..Settings::default()
        };
        let paths = paths_in(dir.path());
        let gateway = LocalGateway::new(settings.clone(), &paths, None);
        let services = Arc::new(Services::new(settings, &paths, gateway));
        let (inbox, messages) = mpsc::channel(64);
        Self {
            effects: Effects::new(Handle::current(), inbox, services),
            messages,
            dir,
        }
    }

    fn order(&mut self, effect: Effect) {
        match effect {
            Effect::Link(order) => self.effects.order_link(order),
            Effect::Job(job) => self.effects.order(job),
            Effect::Terminal(order) => panic!("{order:?} is for the loop"),
        }
    }

    async fn next(&mut self) -> Message {
        let next = tokio::time::timeout(PATIENCE, self.messages.recv());
        next.await.expect("a message in time").expect("a message")
    }

    /// The answer, without what is told on the way to it.
    async fn answer(&mut self, effect: Effect) -> Message {
        self.order(effect);
        loop {
            match self.next().await {
                Message::Library(LibraryMessage::ReadingProgressed(..)) => {}
                message => return message,
            }
        }
    }

    async fn change_target(&mut self, target: Target) -> Connected {
        let change = Effect::Job(Job::ChangeTarget(Ticket(1), target));
        match self.answer(change).await {
            Message::Library(LibraryMessage::TargetChanged(ticket, Ok(connected))) => {
                self.order(Effect::Job(Job::UseTarget(ticket)));
                connected
            }
            other => panic!("{other:?}"),
        }
    }

    async fn start_gateway(&mut self) -> LocalTarget {
        let local = Target::Local(LocalTarget {
            address: ([127, 0, 0, 1], 0).into(),
            region: "us-east-1".into(),
        });
        let connected = self.change_target(local).await;
        assert_eq!(connected.recalled, None);
        match connected.target {
            Target::Local(local) => local,
            other @ Target::Aws(_) => panic!("{other:?}"),
        }
    }

    async fn load_apis(&mut self) -> Vec<Api> {
        match self
            .answer(Effect::Job(Job::LoadApis(Ticket(2), Priority::Shown)))
            .await
        {
            Message::Library(LibraryMessage::ApisLoaded(_, Ok(apis))) => apis,
            other => panic!("{other:?}"),
        }
    }

    async fn read_stages(&mut self, api: &ApiId) -> Vec<Stage> {
        let read = Job::ReadStages(Ticket(3), api.clone(), Priority::Shown);
        match self.answer(Effect::Job(read)).await {
            Message::Library(LibraryMessage::StagesRead(_, _, reading)) => {
                reading.unwrap().stages.to_vec()
            }
            other => panic!("{other:?}"),
        }
    }

    /// Waits until something is kept of a target.
    async fn kept(&self) {
        let known = self.dir.path().join("known");
        let kept = async {
            while !std::fs::read_dir(&known).is_ok_and(|mut targets| {
                targets.any(|target| target.unwrap().path().join("apis.json").exists())
            }) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, kept).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_remembered_comes_back() {
    let mut world = World::new();
    world.order(Effect::Job(Job::Remember("hello".into())));
    let file = world.dir.path().join("history.jsonl");
    let written = async {
        while std::fs::read_to_string(&file)
            .unwrap_or_default()
            .is_empty()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, written).await.unwrap();
    let answer = world.answer(Effect::Job(Job::LoadHistory(Ticket(7)))).await;
    let loaded = HostMessage::HistoryLoaded(Ticket(7), Ok(vec!["hello".into()]));
    assert_eq!(answer, Message::Host(loaded));
}

#[tokio::test]
async fn what_cannot_be_remembered_is_a_notice() {
    let mut world = World::new();
    std::fs::create_dir(world.dir.path().join("history.jsonl")).unwrap();
    let answer = world
        .answer(Effect::Job(Job::Remember("hello".into())))
        .await;
    let Message::Host(HostMessage::Noticed(failure)) = answer else {
        panic!("{answer:?}");
    };
    assert!(failure.title.contains("Cannot keep"), "{failure}");
}

#[tokio::test]
async fn a_job_without_a_target_fails_with_a_hint() {
    let mut world = World::new();
    let answer = world
        .answer(Effect::Job(Job::LoadApis(Ticket(1), Priority::Shown)))
        .await;
    let Message::Library(LibraryMessage::ApisLoaded(Ticket(1), Err(failure))) = answer else {
        panic!("{answer:?}");
    };
    assert!(failure.hint.is_some());
}

#[tokio::test]
async fn the_local_gateway_is_among_the_targets() {
    let mut world = World::new();
    let answer = world.answer(Effect::Job(Job::LoadTargets(Ticket(1)))).await;
    let Message::Library(LibraryMessage::TargetsLoaded(Ticket(1), Ok(targets))) = answer else {
        panic!("{answer:?}");
    };
    assert!(matches!(targets[0], Target::Local(_)), "{targets:?}");
}

#[tokio::test]
async fn a_link_that_cannot_be_opened_tells_its_end() {
    let mut world = World::new();
    let request = ConnectRequest {
        url: "ftp://example".into(),
        ..ConnectRequest::default()
    };
    let link = LinkId(4);
    let order = Effect::Link(Link::Open(link, request, None));
    let first = world.answer(order).await;
    assert_eq!(first, Message::Link(link, LinkEvent::Connecting));
    let Message::Link(_, LinkEvent::Failed(failure)) = world.next().await else {
        panic!("no end");
    };
    assert_eq!(failure.step, LinkStep::Request);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_answers_after_another_was_asked_for_is_not_used() {
    let mut world = World::new();
    world.start_gateway().await;
    let elsewhere = Target::Local(LocalTarget {
        address: ([127, 0, 0, 1], 0).into(),
        region: "eu-west-1".into(),
    });
    let change = Effect::Job(Job::ChangeTarget(Ticket(7), elsewhere));
    let answer = world.answer(change).await;
    assert!(matches!(
        answer,
        Message::Library(LibraryMessage::TargetChanged(Ticket(7), Ok(_)))
    ));
    assert!(!world.load_apis().await.is_empty(), "it went to us-east-1");
    world.order(Effect::Job(Job::UseTarget(Ticket(6))));
    assert!(!world.load_apis().await.is_empty());
    world.order(Effect::Job(Job::UseTarget(Ticket(7))));
    assert!(world.load_apis().await.is_empty(), "it goes to eu-west-1");
}

#[tokio::test]
async fn a_link_that_is_closed_says_so_to_its_peer_also_when_the_program_ends_at_once() {
    let mut world = World::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let request = ConnectRequest {
        url: format!("ws://{}/prod", listener.local_addr().unwrap()),
        ..ConnectRequest::default()
    };
    let peer = tokio::spawn(live::stub::code_of_close(listener));
    let link = LinkId(4);
    world.order(Effect::Link(Link::Open(link, request, None)));
    while !matches!(world.next().await, Message::Link(_, LinkEvent::Open(_))) {}
    world.order(Effect::Link(Link::Close(link)));
    let World {
        effects, messages, ..
    } = world;
    // The loop is gone, and nobody takes messages any more.
    drop(messages);
    let accounts = effects.finish(std::future::ready(()), PATIENCE).await;
    assert_eq!(accounts, [""; 0]);
    assert_eq!(peer.await.unwrap(), Some(1000));
}

#[tokio::test]
async fn a_handshake_that_nobody_can_sign_is_not_sent() {
    let mut world = World::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let request = ConnectRequest {
        url: format!("ws://{}/prod", listener.local_addr().unwrap()),
        ..ConnectRequest::default()
    };
    let link = LinkId(4);
    let nobody = Target::Aws(AwsTarget {
        profile: Some("a-profile-that-nobody-wrote".to_owned()),
        ..AwsTarget::default()
    });
    let order = Effect::Link(Link::Open(link, request, Some(nobody)));
    let first = world.answer(order).await;
    assert_eq!(first, Message::Link(link, LinkEvent::Connecting));
    let Message::Link(_, LinkEvent::Failed(failure)) = world.next().await else {
        panic!("no end");
    };
    assert_eq!(failure.step, LinkStep::Sign);
    assert!(listener.accept().is_err(), "somebody called");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pace_of_the_local_gateway_is_told_whenever_it_changes() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let mut world = World::new();
    let local = world.start_gateway().await;
    for scale in [60.0, 1.0] {
        let mut stream = tokio::net::TcpStream::connect(local.address).await.unwrap();
        let body = format!("{{\"timeScale\": {scale}}}");
        let request = format!(
            "PUT /_stagewire/time-scale HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            local.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let limits = ConnectionLimits::scaled(scale);
        assert_eq!(
            world.next().await,
            Message::Host(HostMessage::LimitsChanged(limits))
        );
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
    }
}

fn endpoint(url: String) -> Target {
    Target::Aws(AwsTarget {
        region: Some("us-east-1".into()),
        endpoint_url: Some(url),
        ..AwsTarget::default()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_is_there_when_the_target_is_chosen_again() {
    let mut world = World::new();
    let local = world.start_gateway().await;
    world.load_apis().await;
    let elsewhere = endpoint(local.endpoint_url());
    let connected = world.change_target(elsewhere.clone()).await;
    assert_eq!(
        connected.recalled, None,
        "of our own gateway nothing is kept"
    );
    let apis = world.load_apis().await;
    world.kept().await;
    let connected = world.change_target(elsewhere).await;
    let recalled = connected.recalled.expect("it was read before");
    assert_eq!(recalled.apis, apis);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_holds_a_reading_up_is_told_and_the_pace_that_was_learned() {
    let is_first = std::sync::atomic::AtomicBool::new(true);
    let stub = Stub::start(move |_| {
        if is_first.swap(false, std::sync::atomic::Ordering::Relaxed) {
            CannedAnswer::error(429, "TooManyRequestsException", "Too Many Requests")
        } else {
            CannedAnswer::json(200, r#"{"items": []}"#)
        }
    });
    let stub = stub.await;
    let mut world = World::new();
    let target = endpoint(format!("http://{}", stub.address));
    let connected = world.change_target(target).await;
    assert_eq!(connected.manner.pace, None);
    let load = Effect::Job(Job::LoadApis(Ticket(2), Priority::Shown));
    world.order(load);
    let (mut is_held_up, mut has_pace) = (false, false);
    loop {
        match world.next().await {
            Message::Library(LibraryMessage::ReadingProgressed(Ticket(2), progress)) => {
                is_held_up |= progress.wait().is_some();
            }
            Message::Library(LibraryMessage::PaceChanged(pace)) => has_pace = pace.is_some(),
            Message::Library(LibraryMessage::ApisLoaded(Ticket(2), Ok(_))) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(is_held_up, "nobody was told why it takes long");
    assert!(has_pace, "the pace came after the answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_a_stage_is_told_as_a_command_and_then_made() {
    let mut world = World::new();
    world.start_gateway().await;
    let api_id = world.load_apis().await[0].id.clone();
    let stage = world.read_stages(&api_id).await.swap_remove(0);
    let from = stage_file(&stage);
    let mut to = from.clone();
    to.default_route_settings.throttling_burst_limit = Some(7);
    let update = Box::new(StageUpdate {
        api_id: api_id.clone(),
        stage: stage.name.clone(),
        from,
        to,
    });
    let plan = Job::PlanStageUpdate(Ticket(4), update.clone());
    let answer = world.answer(Effect::Job(plan)).await;
    let Message::Stage(StageMessage::Planned(Ticket(4), Ok(commands))) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(commands.len(), 1);
    assert!(commands[0].contains("\"ThrottlingBurstLimit\":7"));
    let order = Job::UpdateStage(Ticket(5), update.clone());
    let answer = world.answer(Effect::Job(order)).await;
    let updated = StageMessage::Updated(Ticket(5), update, Ok(()));
    assert_eq!(answer, Message::Stage(updated));
    assert!(!world.effects.is_changing());
    let stages = world.read_stages(&api_id).await;
    let settings = stages[0].default_route_settings.clone();
    assert_eq!(settings.unwrap().throttling_burst_limit, Some(7));
}

#[tokio::test]
async fn a_cancelled_effect_sends_nothing() {
    let mut world = World::new();
    world.order(Effect::Job(Job::ReadStages(
        Ticket(1),
        ApiId::parse("k3v9x2a1bc").unwrap(),
        Priority::Shown,
    )));
    world.order(Effect::Job(Job::Cancel(Ticket(1))));
    let answer = world.answer(Effect::Job(Job::LoadHistory(Ticket(2)))).await;
    assert!(matches!(
        answer,
        Message::Host(HostMessage::HistoryLoaded(..))
    ));
    assert!(world.messages.try_recv().is_err());
}

#[tokio::test]
async fn a_panic_inside_an_effect_is_its_answer() {
    let mut world = World::new();
    world.effects.start(
        Ticket(1),
        async {
            assert!(Handle::current().metrics().num_workers() == 0, "provoked");
            Ok::<(), Failure>(())
        },
        |result| {
            let failure = result.unwrap_err();
            Message::Host(HostMessage::Noticed(failure))
        },
    );
    let Message::Host(HostMessage::Noticed(failure)) = world.next().await else {
        panic!("no answer");
    };
    assert_eq!(failure.kind, FailureKind::Internal);
}
