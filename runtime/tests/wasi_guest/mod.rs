//! Running WASI guests under a session, with what they print kept.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::path::{Path, PathBuf};

use wasmscope::{Guest, ProfileSession, Recorder, SamplerConfig};
use wasmscope_model::{Event, Recording};
use wasmscope_testkit::edges::{StackCheck, StackReport};
use wasmscope_testkit::patience::until_some;
use wasmtime::{Linker, Module, Store};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtxBuilder};

/// A guest that is compiled for a session and can be run again and again.
pub struct WasiGuest {
    session: ProfileSession,
    guest: Guest,
    module: Module,
    linker: Linker<WasiP1Ctx>,
    /// Directories of the host that the guest may read, with its names for them.
    dirs: Vec<(PathBuf, &'static str)>,
}

/// The rate of tests that want many samples soon.
pub fn dense() -> SamplerConfig {
    SamplerConfig { rate_hz: 9973, ..SamplerConfig::default() }
}

impl WasiGuest {
    pub fn load(path: &Path) -> Self {
        Self::new(Guest::load(path).unwrap())
    }

    pub fn new(guest: Guest) -> Self {
        Self::in_session(ProfileSession::builder().build().unwrap(), guest)
    }

    pub fn in_session(session: ProfileSession, guest: Guest) -> Self {
        let module = session.load(&guest).unwrap();
        let mut linker = Linker::new(session.engine());
        p1::add_to_linker_sync(&mut linker, |context| context).unwrap();
        Self { session, guest, module, linker, dirs: Vec::new() }
    }

    /// Shows a directory of the host to the guest, under a name of its own and only for reading.
    pub fn with_dir(mut self, host: PathBuf, name: &'static str) -> Self {
        self.dirs.push((host, name));
        self
    }

    pub fn session(&self) -> &ProfileSession {
        &self.session
    }

    pub fn guest(&self) -> &Guest {
        &self.guest
    }

    /// Runs the command once, and returns what it printed.
    pub fn run(&self, args: &[&str]) -> String {
        self.call("_start", args)
    }

    /// Calls an export without parameters and results once, and returns what the guest printed.
    pub fn call(&self, export: &str, args: &[&str]) -> String {
        let stdout = MemoryOutputPipe::new(1 << 20);
        let mut context = WasiCtxBuilder::new();
        context.allow_blocking_current_thread(true).stdout(stdout.clone()).arg(self.guest.name()).args(args);
        for (host, name) in &self.dirs {
            context.preopened_dir(host, name, FsPerms::ReadOnly).unwrap();
        }
        let mut store = self.session.new_store(context.build_p1());
        self.enter(&mut store, export);
        drop(store);
        String::from_utf8_lossy(&stdout.contents()).into_owned()
    }

    fn enter(&self, store: &mut Store<WasiP1Ctx>, export: &str) {
        let instance = self.linker.instantiate(&mut *store, &self.module).unwrap();
        let function = instance.get_typed_func::<(), ()>(&mut *store, export).unwrap();
        if let Err(error) = function.call(&mut *store, ()) {
            assert_eq!(error.downcast_ref::<I32Exit>().map(|exit| exit.0), Some(0), "{error:?}");
        }
    }

    /// Runs the command until there are `samples` samples; returns the recording and what the last run printed.
    pub fn record(&self, config: SamplerConfig, samples: u64, args: &[&str]) -> (Recording, String) {
        let recorder = self.session.record(config).unwrap();
        let printed = until_some("samples", || {
            let printed = self.run(args);
            (counter(&recorder, "samples") >= samples).then_some(printed)
        });
        (recorder.stop().unwrap(), printed)
    }

    /// Holds the stacks of a recording against the guest's instructions.
    pub fn check_stacks(&self, recording: &Recording, entries: &[&str]) -> StackReport {
        let mut check = StackCheck::new();
        check.add_module(self.guest.image().unwrap(), entries);
        check.check(&recording.profile);
        check.report().clone()
    }
}

/// Returns one of a recorder's counters.
pub fn counter(recorder: &Recorder, name: &str) -> u64 {
    recorder.counters().iter().find(|counter| counter.name == name).unwrap().value
}

/// Returns the stacks of a recording by physical function, outermost first and joined by `;`, with their counts.
pub fn physical_stacks(recording: &Recording) -> Vec<(String, u64)> {
    let name = |location: &wasmscope_model::Location| {
        let function = location.lines.last().unwrap().function;
        recording.profile.functions[function.0 as usize].name.clone()
    };
    let stack = |row: &wasmscope_model::SampleRow| {
        let names: Vec<String> = recording.stack(row.stack).rev().map(name).collect();
        (names.join(";"), row.count)
    };
    recording.rows(Event::Cpu).map(stack).collect()
}

/// Returns the count of all samples in whose physical stack `wanted` holds.
pub fn samples_with(recording: &Recording, wanted: impl Fn(&str) -> bool) -> u64 {
    physical_stacks(recording).iter().filter(|(stack, _)| wanted(stack)).map(|(_, count)| count).sum()
}
