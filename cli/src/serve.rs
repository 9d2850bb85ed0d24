//! `wasmscope serve`: run a component that answers HTTP requests.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Parser};
use wasmscope::serve::{RouteTemplate, ServeLimits, Service, ServiceEvent};
use wasmscope::{Guest, ProfileSession, SamplerConfig};
use wasmscope_model::{EngineKind, Event};

use crate::event_loop::{self, EventLoop};
use crate::guest_options::{GuestOptions, without_long_name};
use crate::output_options::Outputs;
use crate::quantity::parse_duration;
use crate::terminal;
use crate::verdict::{OWN_FAILURE_BESIDE_GUEST, Verdict};

const EXAMPLES: &str = "\
Examples:
  Answer requests:
    $ wasmscope serve --addr 127.0.0.1:8080 service.wasm

  Give each request five seconds, and record all of them until Ctrl-C:
    $ wasmscope serve -W timeout=5s --record profile.pb.gz service.wasm

Exit code: 130 or 143 after Ctrl-C or SIGTERM, with the profile written; 125 when
wasmscope failed.";

/// Run a component that answers HTTP requests.
///
/// The component exports wasi:http/incoming-handler@0.2 or wasi:http/handler@0.3, and runs as `wasmtime serve` runs it. A guest
/// that traps is shown with its stack, functions and lines; its client gets a bare 500.
#[derive(Parser)]
#[command(
    name = "serve",
    override_usage = "wasmscope serve [OPTIONS] GUEST",
    after_long_help = EXAMPLES,
    mut_arg("record_raw", without_long_name)
)]
pub struct Serve {
    /// Listen here; port 0 takes one that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    addr: SocketAddr,

    /// Sample the guest, and write the profile at the end: .pb.gz, .html, .svg or any other form that `profile -o` writes.
    ///
    /// %m in the name is the guest's name, %t the time.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Replace the file of --record if it exists.
    #[arg(long, requires = "record")]
    force: bool,

    /// Call paths of this form one route, such as /orders/{id} or /static/{*file}; may be repeated.
    ///
    /// Numbers, UUIDs and other identifiers in paths are folded without it.
    #[arg(long, value_name = "PATH")]
    route_template: Vec<RouteTemplate>,

    #[command(flatten)]
    limits: LimitOptions,

    #[command(flatten)]
    guest: GuestOptions,
}

/// How much of the machine the service may take.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
struct LimitOptions {
    /// Requests that an instance answers before it is thrown away [default: 1 for WASI 0.2, 128 for 0.3].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    max_instance_reuse_count: Option<usize>,

    /// Requests that an instance of WASI 0.3 has in work at once [default: 16].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    max_instance_concurrent_reuse_count: Option<usize>,

    /// How long an instance without work is kept.
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "1s")]
    idle_instance_timeout: Duration,

    /// Instances at once; further requests wait.
    #[arg(long, value_name = "N", value_parser = at_least_one, default_value_t = ServeLimits::default().instances)]
    max_instances: usize,

    /// Requests that wait for an instance; further ones are answered by 503.
    #[arg(long, value_name = "N", default_value_t = ServeLimits::default().waiting)]
    max_waiting: usize,

    /// How long requests in work may go on when the service is told to end.
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "10s")]
    drain_timeout: Duration,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it is at least 1".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("it is a whole number".to_owned()),
    }
}

impl LimitOptions {
    fn limits(&self) -> ServeLimits {
        ServeLimits {
            instances: self.max_instances,
            waiting: self.max_waiting,
            reuse: self.max_instance_reuse_count,
            concurrency: self.max_instance_concurrent_reuse_count,
            idle: self.idle_instance_timeout,
            drain: self.drain_timeout,
            ..ServeLimits::default()
        }
    }
}

impl Serve {
    /// Answers requests until a signal comes, and tells what to exit with.
    pub fn execute(self) -> Verdict {
        self.run().unwrap_or_else(|error| Verdict::failure(&error, OWN_FAILURE_BESIDE_GUEST))
    }

    fn run(&self) -> Result<Verdict> {
        self.guest.check_for_service()?;
        let guest = Guest::load(self.guest.path()?)?;
        let outputs = match &self.record {
            Some(file) => Some(Outputs::check(std::slice::from_ref(file), self.force, guest.name())?),
            None => None,
        };
        let (session, service) = self.prepared(&guest)?;
        let listener = TcpListener::bind(self.addr).with_context(|| format!("failed to listen on {}", self.addr))?;
        let address = listener.local_addr()?;
        let events = EventLoop::new()?;
        let recorder = match &outputs {
            Some(_) => Some(session.record(SamplerConfig::default())?),
            None => None,
        };
        let service =
            service.start(listener, events.service_failed()).context("failed to start the service's threads")?;
        terminal::note(format_args!("Serving HTTP on http://{address}/"));
        let event = events.wait()?;
        let stopped = service.stop();
        let mut code = match event {
            event_loop::Event::Signal(signal) => event_loop::exit_code_of(signal),
            _ => i32::from(OWN_FAILURE_BESIDE_GUEST),
        };
        if let (Some(recorder), Some(outputs)) = (recorder, outputs)
            && !outputs.write(&recorder.stop()?, Event::Cpu, guest.name())
        {
            code = i32::from(OWN_FAILURE_BESIDE_GUEST);
        }
        stopped.with_context(|| format!("failed to accept connections on {address}"))?;
        Ok(Verdict(code))
    }

    fn prepared(&self, guest: &Guest) -> Result<(Arc<ProfileSession>, Service)> {
        let mut run = self.guest.guest_run()?;
        let builder = run.service_session(self.record.is_some())?.sampled_by(EngineKind::Signal);
        self.guest.symbols.check(guest)?;
        let folder = Path::new(guest.path()).parent();
        let builder = builder.debug_files(self.guest.symbols.debug_files(folder)).keep_raw(self.guest.raw());
        let session = if self.guest.cache() { builder.build()? } else { builder.user_cache(false).build()? };
        let session = Arc::new(session);
        let (limits, templates) = (self.limits.limits(), self.route_template.clone());
        let service = Service::prepare(run, session.clone(), guest, limits, templates, Box::new(tell))?;
        Ok((session, service))
    }
}

/// Says what happened.
fn tell(event: ServiceEvent) {
    match event {
        ServiceEvent::Trapped(report) => terminal::error(report),
        ServiceEvent::MoreTrapped(count) => terminal::error(format_args!("{count} more guests trapped meanwhile")),
        ServiceEvent::TimedOut { request } => {
            terminal::error(format_args!("{request}: no response in the time of -W timeout; the client got 504"));
        }
        ServiceEvent::GuestError(reason) => terminal::error(format_args!("the guest failed to respond: {reason}")),
        ServiceEvent::NoInstance(reason) => terminal::error(format_args!("no instance could be made: {reason}")),
        _ => {}
    }
}
