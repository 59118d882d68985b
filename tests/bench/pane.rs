//! The screen under load: a key and the frame drawn after it must not depend on how many frames are held, and
//! intake must keep up with a flood.

use std::{collections::BTreeMap, hint::black_box};

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use crossterm::event::{KeyCode, KeyEvent};
use jiff::Timestamp;
use ratatui::{Terminal, backend::TestBackend};
use stagewire::{
    model::{
        Api, ApiId, Direction, FrameRecord, LinkEvent, LinkId, Opcode, Part, Route, RouteId,
        StageName, Target,
        link::{Frames, Opened},
        target::LocalTarget,
    },
    ui::{self, Appearance, Message, Remote, Setup, State, route},
};

/// Records that a link hands over at one time.
const BATCH: usize = 512;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    key_to_frame(&mut criterion);
    intake(&mut criterion);
    search(&mut criterion);
    key_in_list(&mut criterion);
    criterion.final_summary();
}

/// A key in the frames, another in the composer, each with the frame that is drawn after it.
fn key_to_frame(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("key to frame");
    for n_frames in [100, 10_000, 1_000_000] {
        let mut state = holding(n_frames);
        let mut terminal = terminal();
        draw(&mut state, &mut terminal);
        group.bench_function(BenchmarkId::new("composer", n_frames), |bencher| {
            bencher.iter(|| {
                press(&mut state, KeyCode::Char('x'));
                draw(&mut state, &mut terminal);
                press(&mut state, KeyCode::Backspace);
                draw(&mut state, &mut terminal);
            });
        });
        press(&mut state, KeyCode::Tab);
        group.bench_function(BenchmarkId::new("frames", n_frames), |bencher| {
            bencher.iter(|| {
                press(&mut state, KeyCode::Up);
                draw(&mut state, &mut terminal);
                press(&mut state, KeyCode::End);
                draw(&mut state, &mut terminal);
            });
        });
        press(&mut state, KeyCode::Char('m'));
        while ui::next_tick(&state).is_some_and(|wait| wait.as_millis() <= 1) {
            ui::update(&mut state, Message::Clock(Timestamp::UNIX_EPOCH));
        }
        group.bench_function(BenchmarkId::new("folded", n_frames), |bencher| {
            bencher.iter(|| {
                press(&mut state, KeyCode::Home);
                draw(&mut state, &mut terminal);
                press(&mut state, KeyCode::End);
                draw(&mut state, &mut terminal);
            });
        });
    }
    group.finish();
}

/// Batches of frames through `update`: into a log with room, into a full one, and into one that is filtered.
fn intake(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("intake");
    group.throughput(Throughput::Elements(BATCH as u64));
    for (name, n_frames, keys) in [
        ("new", 0, ""),
        ("full", 1_000_000, ""),
        ("full, folded", 1_000_000, "\tm"),
        ("full, filtered", 1_000_000, "\t/nowhere"),
    ] {
        let mut state = holding(n_frames);
        for key in keys.chars() {
            let code = match key {
                '\t' => KeyCode::Tab,
                key => KeyCode::Char(key),
            };
            press(&mut state, code);
        }
        let batch = frames(BATCH);
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || batch.clone(),
                |batch| ui::update(&mut state, batch),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// One slice of the search through a full log: what a key may have to wait for.
fn search(criterion: &mut Criterion) {
    let mut state = holding(1_000_000);
    press(&mut state, KeyCode::Tab);
    press(&mut state, KeyCode::Char('/'));
    let mut group = criterion.benchmark_group("search");
    group.bench_function("new filter over 1000000", |bencher| {
        bencher.iter(|| {
            press(&mut state, KeyCode::Char('q'));
            press(&mut state, KeyCode::Backspace);
        });
    });
    group.finish();
}

/// A key in a long list, without the frame that is drawn after it: 1,000 APIs, and the 300 routes of one.
fn key_in_list(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("key in list");
    for (name, keys) in [("1000 APIs", ""), ("300 routes", "\n\t")] {
        let mut state = listing();
        ui::update(&mut state, Message::Clock(Timestamp::UNIX_EPOCH));
        let mut terminal = terminal();
        draw(&mut state, &mut terminal);
        for key in keys.chars() {
            let code = if key == '\n' {
                KeyCode::Enter
            } else {
                KeyCode::Tab
            };
            press(&mut state, code);
            draw(&mut state, &mut terminal);
        }
        let scope = state.scope();
        assert_eq!(scope.title().contains("routes"), name.contains("routes"));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                press(&mut state, KeyCode::Char('j'));
                press(&mut state, KeyCode::Char('k'));
            });
        });
    }
    group.finish();
}

/// The list of 1,000 APIs, of which each has 300 routes that were read.
fn listing() -> State {
    let mut state = at_local_gateway();
    let now = state.look.now;
    let routes: Vec<Route> = (0..300).map(|idx| keyed(&format!("route{idx}"))).collect();
    let apis: Vec<Api> = (0..1000)
        .map(|idx| {
            let id = ApiId::parse(&format!("k3v9x2{idx:04}")).expect("invariant: a valid id");
            Api {
                id,
                name: format!("api {idx}"),
                ..api()
            }
        })
        .collect();
    for api in &apis {
        state.data.library.meet(api);
        if let Some(detail) = state.data.library.detail_mut(&api.id) {
            detail.stages = Part::read(Vec::new(), now);
            detail.routes = Part::read(routes.clone(), now);
        }
    }
    state.data.library.apis = Remote::Ready(apis);
    state
}

fn keyed(key: &str) -> Route {
    Route {
        id: RouteId::parse(&format!("r-{key}")).expect("invariant: a valid id"),
        key: key.to_owned(),
        target: None,
        authorization_type: "NONE".to_owned(),
        authorizer_id: None,
        api_key_required: false,
        model_selection_expression: None,
        operation_name: None,
        request_models: BTreeMap::new(),
        request_parameters: BTreeMap::new(),
        route_response_selection_expression: None,
        responses: Vec::new(),
    }
}

/// The console at a local gateway, of which nothing was read.
fn at_local_gateway() -> State {
    let target = Target::Local(LocalTarget {
        address: ([127, 0, 0, 1], 4566).into(),
        region: "us-east-1".to_owned(),
    });
    let mut state = state(target.clone());
    state.data.library.target = Remote::Ready(target);
    state
}

fn state(target: Target) -> State {
    State::new(Setup {
        now: Timestamp::UNIX_EPOCH,
        target: Some(target),
        appearance: Appearance::default(),
        production: Vec::new(),
        log_path: None,
    })
}

fn terminal() -> Terminal<TestBackend> {
    Terminal::new(TestBackend::new(120, 36)).expect("invariant: a test backend never fails")
}

fn draw(state: &mut State, terminal: &mut Terminal<TestBackend>) {
    let mut geometry = None;
    terminal
        .draw(|frame| geometry = Some(ui::render(state, frame)))
        .expect("invariant: a test backend never fails");
    state.place(geometry.unwrap_or_default());
}

fn press(state: &mut State, code: KeyCode) {
    black_box(ui::update(state, Message::Key(KeyEvent::from(code))));
}

/// A live screen whose log holds so many frames.
fn holding(n_frames: usize) -> State {
    let mut state = at_local_gateway();
    let stage = StageName::parse("prod").expect("invariant: a valid stage name");
    state.data.library.meet(&api());
    state.open(route::Route::Watch(api().id, stage), &mut Vec::new());
    let opened = Opened {
        at: Timestamp::UNIX_EPOCH,
        subprotocol: None,
        headers: Vec::new(),
    };
    ui::update(
        &mut state,
        Message::Link(LinkId(1), LinkEvent::Open(opened)),
    );
    let mut left = n_frames;
    while left > 0 {
        let now = left.min(BATCH);
        ui::update(&mut state, frames(now));
        left -= now;
    }
    state
}

/// Text messages of 100 bytes, in and out in turn.
fn frames(count: usize) -> Message {
    let payload = Bytes::from(format!(
        "{{\"action\":\"tick\",\"data\":\"{}\"}}",
        "y".repeat(72)
    ));
    let records = (0..count).map(|idx| FrameRecord {
        direction: if idx % 2 == 0 {
            Direction::In
        } else {
            Direction::Out
        },
        opcode: Opcode::Text,
        is_final: true,
        reserved_bits: 0,
        is_masked: false,
        payload: Bytes::copy_from_slice(&payload),
        payload_length: payload.len() as u64,
        part: 1,
        at: Timestamp::UNIX_EPOCH,
    });
    let frames = Frames {
        records: records.collect(),
        dropped: 0,
    };
    Message::Link(LinkId(1), LinkEvent::Frames(frames))
}

fn api() -> Api {
    Api {
        id: ApiId::parse("k3v9x2a1bc").expect("invariant: a valid id"),
        name: "chat".to_owned(),
        description: None,
        endpoint: "ws://127.0.0.1:4566/k3v9x2a1bc".to_owned(),
        route_selection_expression: "$request.body.action".to_owned(),
        api_key_selection_expression: None,
        disable_execute_api_endpoint: false,
        disable_schema_validation: false,
        ip_address_type: None,
        version: None,
        created_at: None,
        tags: BTreeMap::new(),
    }
}
