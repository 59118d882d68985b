//! stagewire: a terminal console for WebSocket APIs on Amazon API Gateway.
//!
//! Choose an API, deploy it to a stage, and watch that stage live, frame by frame, without leaving the keyboard. A local
//! gateway that speaks API Gateway's own protocol is built in, so that all of it runs without an account.
//!
//! # How it works
//!
//! ```text
//!  keyboard, paste, resize                    AWS · WebSocket · gateway · disk
//!         │                                              ▲
//!         ▼                                              │ async, cancellable
//!   console/input ──► Message ──► ui::update ──► Effect ──► console/effects
//!                       ▲         (&mut State)                  │
//!                       └──────────── Message ◄─────────────────┘
//!                                       │
//!                                       ▼ after a batch of messages
//!                              ui::render(&State) ──► terminal
//! ```
//!
//! A key becomes an [`ui::Action`] (a wish) in the binding table. All that can happen is a [`ui::Message`] (a fact).
//! `ui::update` is the only code that changes the state; what it asks of the world is a list of [`ui::Effect`]s
//! (orders), each of which is answered with exactly one final message. `ui::render` draws.
//!
//! # Floors
//!
//! ```text
//!  5  cli/ (and main.rs)             one file per subcommand; starts everything else
//!  4  console/                       the terminal shell: event loop, effect runner, terminal guard
//!  3  ui/        ops/                the screen, pure  │  jobs: deploy, drift, definitions as files
//!  2  aws/       live/     gateway/  the SDK  │  our WebSocket client  │  the local gateway
//!  1  config/                        settings and paths
//!  0  model/                         plain data and pure functions
//! ```
//!
//! Imports point down, never up or sideways. `tests/tidy.rs` holds them to it.
//!
//! # Invariants, above all of what is absent
//!
//! - `model` and `ui` do not wait, read a clock or touch the outside world. Time enters with [`ui::Message::Clock`].
//! - Only `aws` names the AWS SDK, only `gateway::store` the database, only `live` and `gateway::data` the WebSocket
//!   library, only `cli::output` prints, only `ui::theme` has colours. No foreign type leaves the floor that names it.
//! - `aws` and `gateway` share no shapes: the client's are the SDK's, the gateway's are written from the API reference.
//!   A helper that both used would let both be wrong together.
//! - Every call to the control plane passes one of the two gates in `aws::call`, behind the governor of calls: nothing is
//!   sent faster than a target takes it, and nothing changes anything but through the one for writes.
//! - `ops` alone knows how a job is done; the screen and the command line call the same functions.
//! - There is one queue of messages, no global, no thread-local, and no lock shared with the screen.
//! - Nothing writes to the terminal but the frame writer, in one write a frame; no byte from elsewhere reaches it raw.
//! - Payloads, tokens and signatures never go to a log.

pub mod model;

pub mod config;

pub mod aws;
pub mod gateway;
pub mod live;

pub mod ops;
pub mod ui;

pub mod console;

pub mod cli;
