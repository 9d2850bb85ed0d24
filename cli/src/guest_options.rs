//! The guest, and what it is given.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::{Args, CommandFactory};
use wasmscope::{CommonOptions, GuestRun, NativeProfile};

use crate::profile::Profile;
use crate::symbol_options::SymbolOptions;

/// The guest, and what it is given.
#[derive(Args)]
#[command(next_help_heading = "Guest")]
pub struct GuestOptions {
    /// Set an environment variable of the guest; NAME alone inherits it.
    #[arg(long, value_name = "NAME[=VAL]", value_parser = parse_env)]
    env: Vec<(String, Option<String>)>,

    /// Let the guest use a directory, under another name after `::`.
    #[arg(long, value_name = "HOST[::GUEST]", value_parser = parse_dir)]
    dir: Vec<(PathBuf, String)>,

    /// Call this exported function, with ARGS as its arguments.
    ///
    /// `_initialize` is called before it where there is one. Without this option `_start` is called. For a component it
    /// is a call in WAVE's notation, such as 'add(1, 2)' or 'my:pkg/iface.func("text")'.
    #[arg(long, value_name = "FUNCTION")]
    invoke: Option<String>,

    /// Give the guest this name of itself in place of its file's.
    #[arg(long, value_name = "NAME")]
    argv0: Option<String>,

    /// Instantiate a core module first, for the guest to import from by NAME.
    #[arg(long, value_name = "NAME=FILE", value_parser = parse_preload)]
    preload: Vec<(String, PathBuf)>,

    /// Allow guests that are machine code, by `wasmtime compile`.
    ///
    /// Such a file may do whatever this process may. Allow it only for files that you have made yourself.
    #[arg(long)]
    allow_precompiled: bool,

    /// Also write a profile for the system's tools: perfmap or jitdump.
    ///
    /// This is wasmtime's option. Its `guest` is what `wasmscope profile` does, with less bias.
    #[arg(long, value_name = "STRATEGY", value_parser = parse_native_profile)]
    profile: Option<NativeProfile>,

    /// Compile anew; else machine code is kept in the cache folder.
    ///
    /// The folder is wasmscope in XDG_CACHE_HOME, or in .cache in the home folder. -C cache-config=FILE takes another.
    #[arg(long)]
    no_cache: bool,

    /// Keep the recording without names and lines; `wasmscope report --symbols` looks them up, elsewhere too.
    #[arg(long)]
    raw: bool,

    #[command(flatten)]
    pub symbols: SymbolOptions,

    #[command(flatten, next_help_heading = "wasmtime's options")]
    wasmtime: CommonOptions,

    /// The .wasm, .wat or .cwasm file, and the arguments that it gets; - reads standard input.
    ///
    /// Options of wasmscope go before it; whatever follows is the guest's.
    #[arg(value_name = "GUEST [ARGS]", trailing_var_arg = true, required = true, help_heading = None)]
    guest_and_args: Vec<OsString>,
}

/// Takes the long name of wasmtime's `--record` away: that word is ours. Its letter stays, and is refused; the parser
/// needs some long name.
pub fn without_long_name(record: clap::Arg) -> clap::Arg {
    record.long("wasmtime-record").hide(true)
}

fn parse_preload(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !file.is_empty() => Ok((name.to_owned(), file.into())),
        _ => Err("it is NAME=FILE".to_owned()),
    }
}

fn parse_native_profile(text: &str) -> Result<NativeProfile, String> {
    match text {
        "perfmap" => Ok(NativeProfile::PerfMap),
        "jitdump" => Ok(NativeProfile::JitDump),
        "vtune" => Err("VTune's library is not built in".to_owned()),
        guest if guest.starts_with("guest") => {
            Err("`wasmscope profile GUEST` profiles the guest, without compiling epochs into it".to_owned())
        }
        _ => Err("there is no such strategy; there are perfmap and jitdump".to_owned()),
    }
}

fn parse_env(text: &str) -> Result<(String, Option<String>), std::convert::Infallible> {
    Ok(match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (text.to_owned(), None),
    })
}

fn parse_dir(text: &str) -> Result<(PathBuf, String), String> {
    // What follows a second `::` is left alone, as by wasmtime.
    let mut parts = text.split("::");
    let host = parts.next().unwrap_or(text);
    let guest = parts.next().unwrap_or(host);
    if host.is_empty() { Err("the directory is missing".to_owned()) } else { Ok((host.into(), guest.to_owned())) }
}

impl GuestOptions {
    /// Returns the guest's file.
    pub fn path(&self) -> Result<&Path> {
        let path = self.guest_and_args.first().map(Path::new).ok_or_else(|| anyhow!("no guest was named"))?;
        if !path.exists() && is_running_target(&path.to_string_lossy()) {
            let target = path.display();
            return Err(anyhow!("cannot profile {target}: this version profiles guests that it starts itself"));
        }
        Ok(path)
    }

    /// Returns what to run, and with what.
    pub fn guest_run(&self) -> Result<GuestRun> {
        let args =
            self.guest_and_args.iter().skip(1).map(|arg| {
                arg.to_str().map(str::to_owned).ok_or_else(|| anyhow!("argument {arg:?} is not valid UTF-8"))
            });
        Ok(GuestRun {
            args: args.collect::<Result<_>>()?,
            argv0: self.argv0.clone(),
            env: self.env.clone(),
            dirs: self.dir.clone(),
            invoke: self.invoke.clone(),
            preload: self.preload.clone(),
            allow_precompiled: self.allow_precompiled,
            native_profile: self.profile,
            wasmtime: self.wasmtime.clone(),
        })
    }

    /// Refuses what only guests with a beginning and an end have.
    pub fn check_for_service(&self) -> Result<()> {
        if self.invoke.is_some() {
            return Err(anyhow!("--invoke: a service answers requests; `wasmscope run --invoke` calls a function"));
        }
        if !self.preload.is_empty() {
            return Err(anyhow!("--preload: a service is a component, and cannot import from core modules"));
        }
        Ok(())
    }

    /// Tells whether a recording is left without names and lines.
    pub fn raw(&self) -> bool {
        self.raw
    }

    /// Tells whether compiled code is kept between runs.
    pub fn cache(&self) -> bool {
        !self.no_cache
    }

    /// Finds an argument of the guest's that is most likely meant for us.
    ///
    /// That is one of our long options, unless its name is one that many programs have, and `-o` with a file name
    /// whose ending is one of ours.
    pub fn misplaced_option(&self) -> Option<String> {
        const COMMON: [&str; 7] = ["color", "dir", "env", "force", "format", "help", "version"];
        let command = Profile::command();
        let args: Vec<_> = self.guest_and_args.iter().skip(1).map(|arg| arg.to_string_lossy()).collect();
        let mut with_next = args.iter().zip(args.iter().skip(1).map(Some).chain([None]));
        let found = with_next.find(|(arg, next)| {
            let ours = arg.strip_prefix("--").map(|name| name.split('=').next().unwrap_or(name));
            match ours {
                Some(name) if COMMON.contains(&name) => false,
                Some(name) => command.get_arguments().any(|option| option.get_long() == Some(name)),
                None => *arg == "-o" && next.is_some_and(|file| crate::output_options::has_known_ending(file)),
            }
        });
        found.map(|(arg, _)| arg.clone().into_owned())
    }
}

/// Tells whether a name denotes something that runs already.
fn is_running_target(name: &str) -> bool {
    let is_pid = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let prefixes = ["unix:", "http://", "https://", "core:", "@"];
    is_pid || name.ends_with(".sock") || prefixes.iter().any(|prefix| name.starts_with(prefix))
}
