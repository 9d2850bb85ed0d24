//! What the stacks hold that the kernel's ring and the signal engine take of the same guests.

use std::fmt::Write as _;

use anyhow::Result;
use wasmscope::{Guest, ProfileSession, SamplerConfig};
use wasmscope_model::{Event, Place, Recording};
use wasmscope_testkit::guests::{Counts, example_guest, test_guest};
use wasmtime::Module;

use crate::command::{Command, wrapped};
use crate::handler::Deep;
use crate::perf_ring::with_ring;

const RATE_HZ: u32 = 4999;
const REPEATS: u32 = 5;
const SPLIT_PARTS: [&str; 3] = ["seventy", "twenty", "ten"];
const HOST_CALLERS: [&str; 5] = ["guest_loop", "read_clock", "draw", "write_nothing", "move_block"];

const HOW: &str = "Both engines in turn, five times, at 4999 Hz. A sample is in host code where its innermost address is no guest \
    code; such a sample can be attributed where a guest frame lies beneath. It reaches the entry where its outermost guest \
    frame is the function that the host called. Depth counts guest frames.\n";

/// Where the addresses of a module's functions lie.
struct Code {
    /// Start, end and name.
    functions: Vec<(usize, usize, String)>,
}

impl Code {
    fn of(module: &Module) -> Self {
        let base = module.text().as_ptr().addr();
        let function = |function: wasmtime::ModuleFunction| {
            let start = base + function.offset;
            (start, start + function.len, function.name.unwrap_or_default())
        };
        let mut functions: Vec<_> = module.functions().map(function).collect();
        functions.sort();
        Self { functions }
    }

    fn name(&self, address: u64) -> Option<&str> {
        let address = usize::try_from(address).ok()?;
        let index = self.functions.partition_point(|(start, ..)| *start <= address).checked_sub(1)?;
        let (_, end, name) = &self.functions[index];
        // A return address may be that behind the function's last instruction.
        (address <= *end).then_some(name)
    }
}

/// What the stacks of one engine hold.
#[derive(Debug)]
struct Stacks<'a> {
    root: &'a str,
    parts: &'a [&'a str],
    samples: u64,
    lost: u64,
    in_host: u64,
    attributed: u64,
    rooted: u64,
    deepest: usize,
    /// Samples by the innermost function among `parts`.
    by_part: Vec<u64>,
}

impl<'a> Stacks<'a> {
    fn new(root: &'a str, parts: &'a [&'a str]) -> Self {
        let by_part = vec![0; parts.len()];
        Self { root, parts, samples: 0, lost: 0, in_host: 0, attributed: 0, rooted: 0, deepest: 0, by_part }
    }

    /// Adds `count` samples of one stack, whose guest frames have these names, innermost first.
    fn add(&mut self, count: u64, in_host: bool, names: &[&str]) {
        self.samples += count;
        self.deepest = self.deepest.max(names.len());
        self.in_host += if in_host { count } else { 0 };
        self.attributed += if in_host && !names.is_empty() { count } else { 0 };
        self.rooted += if names.last().is_some_and(|name| name.starts_with(self.root)) { count } else { 0 };
        if let Some(part) = names.iter().find_map(|name| self.parts.iter().position(|part| part == name)) {
            self.by_part[part] += count;
        }
    }

    fn add_chain(&mut self, chain: &[u64], code: &Code) {
        let names: Vec<&str> = chain.iter().filter_map(|address| code.name(*address)).collect();
        let in_host = chain.first().and_then(|address| code.name(*address)).is_none();
        self.add(1, in_host, &names);
    }

    fn add_recording(&mut self, recording: &Recording) {
        for row in recording.rows(Event::Cpu) {
            let is_guest = |place: &Place| matches!(place, Place::Code(..));
            let in_host = !recording.stack(row.stack).next().is_some_and(|location| is_guest(&location.place));
            let guest = recording.stack(row.stack).filter(|location| is_guest(&location.place));
            let names = guest.filter_map(|location| location.lines.last());
            let names: Vec<&str> =
                names.map(|line| recording.profile.functions[line.function.0 as usize].name.as_str()).collect();
            self.add(row.count, in_host, &names);
        }
        self.add(recording.losses.outside_guest, true, &[]);
        self.lost += recording.losses.lost_samples();
    }

    fn row(&self, guest: &str, engine: &str) -> String {
        let Self { samples, lost, in_host, attributed, rooted, deepest, .. } = self;
        let [host, found, rooted] =
            [percent(*in_host, *samples), percent(*attributed, *in_host), percent(*rooted, *samples)];
        let found = if *in_host == 0 { "-".to_owned() } else { format!("{found:.1}") };
        format!("| {guest} | {engine} | {samples} | {lost} | {host:.1} | {found} | {rooted:.1} | {deepest} |")
    }

    fn shares(&self) -> String {
        let shares = self.by_part.iter().map(|count| format!("{:.1}", percent(*count, self.samples)));
        shares.collect::<Vec<_>>().join(" | ")
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// Compares what both engines see of loops, of host calls and of deep stacks.
pub fn compare(body: &mut String) -> Result<()> {
    let _ = writeln!(body, "\n## Stacks\n\n{HOW}");
    let limit = std::fs::read_to_string("/proc/sys/kernel/perf_event_max_stack").unwrap_or_default();
    let _ = writeln!(body, "The kernel's limit, `kernel.perf_event_max_stack`, is {} frames.\n", limit.trim());
    let columns = "samples | lost | in host code % | of these attributed % | that reach the entry % | deepest";
    let _ = writeln!(body, "| guest | engine | {columns} |\n|---|---|---|---|---|---|---|---|");
    let session = ProfileSession::builder().build()?;
    let (split, printed) = of_command(&session, &Guest::load(&example_guest("split.wasm"))?, "60000", &SPLIT_PARTS)?;
    rows(body, "split.wasm", &split);
    let calls = Guest::load(&test_guest("hostcalls.wasm"))?;
    let (calls, _) = of_command(&session, &calls, "400000", &HOST_CALLERS)?;
    rows(body, "hostcalls.wasm", &calls);
    let mut deep = Deep::new(&session)?;
    for depth in [100, 500] {
        let (module, steps) = (deep.module.clone(), 300_000_000);
        let run = || deep.run.call(&mut deep.store, (steps, depth)).map(drop).map_err(wrapped);
        rows(body, &format!("{depth} frames"), &of_both(&session, &module, ("run", &[]), run)?);
    }
    let counts = Counts::parse(&printed);
    let truth = SPLIT_PARTS.map(|part| format!("{:.1}", counts.share(part, &SPLIT_PARTS) * 100.0));
    let _ = writeln!(body, "\nShares of all samples in %, by the innermost of these functions. Of split.wasm:\n");
    let _ = writeln!(body, "| engine | {} |\n|---|---|---|---|", SPLIT_PARTS.join(" | "));
    let _ = writeln!(body, "| counted by the guest | {} |", truth.join(" | "));
    let _ = writeln!(body, "| signal | {} |\n| ring | {} |", split[0].shares(), split[1].shares());
    let _ = writeln!(body, "\nOf hostcalls.wasm:\n");
    let _ = writeln!(body, "| engine | {} |\n|---|---|---|---|---|---|", HOST_CALLERS.join(" | "));
    let _ = writeln!(body, "| signal | {} |\n| ring | {} |", calls[0].shares(), calls[1].shares());
    Ok(())
}

fn rows(body: &mut String, guest: &str, [signal, ring]: &[Stacks<'_>; 2]) {
    let _ = writeln!(body, "{}\n{}", signal.row(guest, "signal"), ring.row(guest, "ring"));
}

/// Samples a command under both engines; returns also what it printed last.
fn of_command<'a>(
    session: &ProfileSession,
    guest: &Guest,
    arg: &str,
    parts: &'a [&'a str],
) -> Result<([Stacks<'a>; 2], String)> {
    let command = Command::load(session, guest)?;
    let mut printed = String::new();
    let run = || {
        let mut ready = command.prepare(&[arg.to_owned()], |context| session.new_store(context))?;
        ready.call()?;
        printed = ready.printed();
        Ok(())
    };
    let stacks = of_both(session, command.module(), ("_start", parts), run)?;
    Ok((stacks, printed))
}

/// Samples `run` by signals and into a ring, in turn; returns what each saw.
fn of_both<'a>(
    session: &ProfileSession,
    module: &Module,
    (root, parts): (&'a str, &'a [&'a str]),
    mut run: impl FnMut() -> Result<()>,
) -> Result<[Stacks<'a>; 2]> {
    let code = Code::of(module);
    let (mut signal, mut ring) = (Stacks::new(root, parts), Stacks::new(root, parts));
    for _ in 0..REPEATS {
        ring.lost += with_ring(RATE_HZ, |chain| ring.add_chain(chain, &code), &mut run)?;
        let recorder = session.record(SamplerConfig { rate_hz: RATE_HZ, ..SamplerConfig::default() })?;
        run()?;
        signal.add_recording(&recorder.stop()?);
    }
    Ok([signal, ring])
}
