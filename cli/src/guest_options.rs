//! The guest, and what it is given.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::{Args, CommandFactory};
use wasmscope::GuestRun;

use crate::profile::Profile;

/// The guest, and what it is given.
#[derive(Args, Debug)]
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
    /// `_initialize` is called before it where there is one. Without this option `_start` is called.
    #[arg(long, value_name = "FUNCTION")]
    invoke: Option<String>,

    /// Compile anew; else machine code is kept in the cache folder.
    ///
    /// The folder is wasmscope in XDG_CACHE_HOME, or in .cache in the home folder.
    #[arg(long)]
    no_cache: bool,

    /// The .wasm or .wat file, and the arguments that it gets.
    ///
    /// Options of wasmscope go before it; whatever follows is the guest's.
    #[arg(value_name = "GUEST [ARGS]", trailing_var_arg = true, required = true, help_heading = None)]
    guest_and_args: Vec<OsString>,
}

fn parse_env(text: &str) -> Result<(String, Option<String>), String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    if name.is_empty() { Err("the name is missing".to_owned()) } else { Ok((name.to_owned(), value)) }
}

fn parse_dir(text: &str) -> Result<(PathBuf, String), String> {
    let (host, guest) = text.split_once("::").unwrap_or((text, text));
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
    pub fn run(&self) -> Result<GuestRun> {
        let args =
            self.guest_and_args.iter().skip(1).map(|arg| {
                arg.to_str().map(str::to_owned).ok_or_else(|| anyhow!("argument {arg:?} is not valid UTF-8"))
            });
        let (env, dirs) = (self.env.clone(), self.dir.clone());
        Ok(GuestRun { args: args.collect::<Result<_>>()?, env, dirs, invoke: self.invoke.clone() })
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
        const COMMON: [&str; 6] = ["color", "dir", "env", "force", "help", "version"];
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
