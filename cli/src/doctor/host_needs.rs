//! What a guest needs of its host, and which verbs can run it.

use std::collections::BTreeMap;

use super::guest_facts::GuestFacts;
use super::page::{count, listed};

/// Names that are spelled out of a kind; further ones are counted.
const MAX_LISTED: usize = 6;

/// What a guest needs of its host, and which verbs can run it.
pub struct HostNeeds {
    /// Versions of WASI, with what is taken of each.
    pub wasi: Vec<String>,
    /// Imports that are of no WASI: whoever runs the guest has to offer them.
    pub others: Vec<String>,
    /// Why `wasmscope run` can run it, or why not.
    pub run: Result<String, String>,
    /// Why it can answer HTTP requests, or why not.
    pub serve: Result<String, String>,
}

impl HostNeeds {
    /// Tells what a guest needs.
    pub fn of(guest: &GuestFacts) -> Self {
        match &guest.component {
            Some(surface) => of_component(&surface.imports, &surface.exports),
            None => of_module(guest),
        }
    }
}

fn of_module(guest: &GuestFacts) -> HostNeeds {
    let Some(surface) = guest.modules.first().map(|module| &module.inspection.surface) else {
        return of_component(&[], &[]);
    };
    let mut by_module: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for import in &surface.imports {
        by_module.entry(&import.module).or_default().push(&import.name);
    }
    let mut needs =
        HostNeeds { wasi: Vec::new(), others: Vec::new(), run: Ok(String::new()), serve: Ok(String::new()) };
    for (module, names) in by_module {
        let version = match module {
            "wasi_snapshot_preview1" => "WASI preview 1 (0.1)",
            "wasi_unstable" => "WASI preview 0 (wasi_unstable)",
            _ => {
                let names = names.iter().map(|name| format!("{module}.{name}")).collect::<Vec<_>>();
                needs.others.push(listed(names.into_iter(), MAX_LISTED));
                continue;
            }
        };
        needs.wasi.push(format!("{version}, {}", count(names.len(), "import")));
    }
    let exports: Vec<&String> = surface.exports.iter().filter(|name| !name.starts_with('_')).collect();
    let callable = listed(exports.iter().map(|name| (*name).clone()), MAX_LISTED);
    needs.run = match () {
        () if surface.has_export("_start") => Ok("it exports _start".to_owned()),
        () if exports.is_empty() => Err("it exports no function".to_owned()),
        () => Ok(format!("with --invoke, as it has no _start; it exports {callable}")),
    };
    needs.serve = Err("core modules answer no HTTP requests; a component can".to_owned());
    needs
}

fn of_component(imports: &[String], exports: &[String]) -> HostNeeds {
    let mut wasi: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut others = Vec::new();
    for import in imports {
        match import.strip_prefix("wasi:") {
            Some(rest) => {
                let (path, version) = rest.split_once('@').unwrap_or((rest, "of no version"));
                let package = path.split('/').next().unwrap_or(path);
                let packages = wasi.entry(version).or_default();
                if !packages.contains(&package) {
                    packages.push(package);
                }
            }
            None => others.push(import.clone()),
        }
    }
    let wasi = wasi.into_iter().map(|(version, mut packages)| {
        packages.sort_unstable();
        format!("WASI {version}: {}", packages.join(", "))
    });
    let export =
        |wanted: &[&str]| exports.iter().find(|name| wanted.contains(&name.split('@').next().unwrap_or(name))).cloned();
    let all = listed(exports.iter().cloned(), MAX_LISTED);
    let run = match export(&["wasi:cli/run"]) {
        Some(name) => Ok(format!("it exports {name}")),
        None if exports.is_empty() => Err("it exports nothing".to_owned()),
        None => Err(format!("it exports no wasi:cli/run; --invoke calls a function of {all}")),
    };
    let serve = match export(&["wasi:http/incoming-handler", "wasi:http/handler"]) {
        Some(name) => Ok(format!("it exports {name}")),
        None => Err("it exports no wasi:http/incoming-handler and no wasi:http/handler".to_owned()),
    };
    HostNeeds { wasi: wasi.collect(), others, run, serve }
}
