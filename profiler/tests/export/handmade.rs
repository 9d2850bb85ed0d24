//! A small recording made by hand: inlines, host calls, markers, approximate and missing lines, losses.

use std::time::{Duration, UNIX_EPOCH};

use wasmscope_model::{
    ByteSize, ClockAnchor, CodeIdentity, CodeOffset, EngineKind, Event, FrameOrigin, Function, FunctionId,
    LatencyBucket, Line, LineOrigin, Location, LocationId, Losses, Marker, Module, ModuleId, NameOrigin, OwnCost,
    PcKind, Place, Profile, Recording, RequestGroup, RequestSample, Requests, RunReport, SampleRow, StackTable,
    Timeline, TimelinePoint, TimelineThread, TimerKind, Timestamp, WhyNoLine, WhyUnnamed,
};

pub const PERIOD_NANOS: u64 = 10_101_010;

/// Makes the recording.
pub fn recording() -> Recording {
    let mut builder = Builder::default();
    let main = builder.code(0x120, PcKind::ReturnAddress, LineOrigin::Exact, &[("main", "src/main.c", 40)]);
    let hash = builder.code(
        0x240,
        PcKind::Interrupted,
        LineOrigin::Exact,
        &[("rotate", "src/bits.h", 7), ("mix", "src/hash.c", 21), ("hash_all", "src/hash.c", 33)],
    );
    let sort = builder.code(0x300, PcKind::Interrupted, LineOrigin::Approximate, &[("sort", "src/sort.c", 12)]);
    let bare = builder.unnamed(0x400);
    let write = builder.named(Place::HostCall(ModuleId(0)), "wasi_snapshot_preview1.fd_write", NameOrigin::Import);
    let cut = builder.marker(Marker::Truncated);
    let glue = builder.marker(Marker::Trampoline);
    builder.sample(&[hash, main], 70);
    builder.sample(&[sort, main], 20);
    builder.sample(&[write, main], 6);
    builder.sample(&[bare, sort, sort, cut], 3);
    builder.sample(&[glue], 1);
    builder.finish()
}

/// Puts a recording together.
#[derive(Default)]
pub struct Builder {
    pub functions: Vec<Function>,
    pub locations: Vec<Location>,
    pub samples: Vec<(Vec<LocationId>, u64)>,
}

impl Builder {
    /// Adds a function, or finds the one of that name and file.
    pub fn function(&mut self, name: &str, file: &str) -> FunctionId {
        let (name, file) = (name.to_owned(), file.to_owned());
        let known = self.functions.iter().position(|function| function.name == name && function.file == file);
        let index = known.unwrap_or_else(|| {
            self.functions.push(Function { system_name: name.clone(), name, file, start_line: 5 });
            self.functions.len() - 1
        });
        FunctionId(u32::try_from(index).expect("there are few functions"))
    }

    fn location(&mut self, place: Place, origin: FrameOrigin, lines: Vec<Line>) -> LocationId {
        self.locations.push(Location { place, origin: Some(origin), lines });
        LocationId(u32::try_from(self.locations.len() - 1).expect("there are few locations"))
    }

    /// Adds code with its inline chain, innermost first.
    pub fn code(&mut self, offset: u32, pc: PcKind, line: LineOrigin, chain: &[(&str, &str, u32)]) -> LocationId {
        let lines = chain.iter().map(|(name, file, line)| {
            let function = self.function(name, file);
            Line { function, line: *line, column: 3 }
        });
        let lines = lines.collect();
        let place = Place::Code(ModuleId(0), CodeOffset::new(offset));
        self.location(
            place,
            FrameOrigin { pc, line, name: NameOrigin::Dwarf, nearest: line == LineOrigin::Approximate },
            lines,
        )
    }

    fn unnamed(&mut self, offset: u32) -> LocationId {
        let lines = vec![Line { function: self.function("wasm-function[17]", ""), line: 0, column: 0 }];
        let name = NameOrigin::Unnamed(WhyUnnamed::NotListed);
        let origin = FrameOrigin {
            pc: PcKind::Interrupted,
            line: LineOrigin::Missing(WhyNoLine::NotCovered),
            name,
            nearest: false,
        };
        self.location(Place::Code(ModuleId(0), CodeOffset::new(offset)), origin, lines)
    }

    fn named(&mut self, place: Place, name: &str, origin: NameOrigin) -> LocationId {
        let lines = vec![Line { function: self.function(name, ""), line: 0, column: 0 }];
        let line = LineOrigin::Missing(WhyNoLine::NotGuestCode);
        self.location(place, FrameOrigin { pc: PcKind::Interrupted, line, name: origin, nearest: false }, lines)
    }

    pub fn marker(&mut self, marker: Marker) -> LocationId {
        self.named(Place::Marker(marker), marker.label(), NameOrigin::Marker)
    }

    pub fn sample(&mut self, stack: &[LocationId], count: u64) {
        self.samples.push((stack.to_vec(), count));
    }

    pub fn finish(self) -> Recording {
        let mut stacks = StackTable::with_max_stacks(1 << 20);
        let samples = self.samples.iter().map(|(stack, count)| SampleRow {
            stack: stacks.intern(stack).expect("the table has room"),
            event: Event::Cpu,
            count: *count,
            amount: count * PERIOD_NANOS,
        });
        let samples: Vec<SampleRow> = samples.collect();
        let count = samples.iter().map(|row| row.count).sum::<u64>();
        let recording = Recording {
            host_calls: vec![wasmscope_model::HostCallTotals {
                name: "wasi_snapshot_preview1.fd_write".into(),
                count: 3,
                total: std::time::Duration::from_micros(70),
                max: std::time::Duration::from_micros(40),
                p99: std::time::Duration::from_micros(40),
            }],
            timeline: Some(timeline(&samples)),
            requests: (!samples.is_empty()).then(|| requests(&samples)),
            profile: Profile {
                modules: vec![module()],
                functions: self.functions,
                locations: self.locations,
                stacks,
                samples,
                period_nanos: PERIOD_NANOS,
            },
            losses: Losses { dropped_ring_full: 2, truncated_at_max_depth: 3, outside_guest: 4, ..Losses::default() },
            run: Some(run(count)),
            started: Some(ClockAnchor {
                monotonic: Timestamp::from_monotonic_nanos(123_456_789),
                wall: UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789),
            }),
            notes: Vec::new(),
        };
        recording.validate().expect("every index is in range");
        recording
    }
}

/// Spreads each row over two buckets and two threads.
fn timeline(samples: &[SampleRow]) -> Timeline {
    let thread = |name: &str, tid| TimelineThread { name: name.into(), tid };
    let point =
        |bucket, thread, row: u32, count| TimelinePoint { bucket, thread, row, count, amount: count * PERIOD_NANOS };
    let first = (0..).zip(samples).map(|(row, sample)| point(2, 0, row, sample.count / 2));
    let rest = (0..).zip(samples).map(|(row, sample)| point(900, 1, row, sample.count - sample.count / 2));
    let points = first.chain(rest).filter(|point| point.count > 0).collect();
    Timeline { bucket_nanos: 1_000_000, threads: vec![thread("guest", 41), thread("", 42)], points }
}

/// Two routes, of which one has the even rows and the other the odd ones.
fn requests(samples: &[SampleRow]) -> Requests {
    let group = |route: &str, status_class, nanos| RequestGroup {
        route: route.into(),
        status_class,
        bucket: LatencyBucket::of_nanos(nanos),
        count: 2,
        latency_nanos: 2 * nanos,
    };
    let sample = |(row, sample): (u32, &SampleRow)| RequestSample {
        group: row % 2,
        row,
        count: sample.count,
        amount: sample.amount,
    };
    let mut of_requests: Vec<_> = (0..).zip(samples).map(sample).collect();
    of_requests.sort_by_key(|sample| (sample.group, sample.row));
    let groups = vec![group("GET /", 2, 1_000_000), group("POST /orders", 5, 70_000_000)];
    Requests { groups, samples: of_requests }
}

fn module() -> Module {
    Module {
        name: "guest.wasm".into(),
        identity: CodeIdentity::from_digest([0xab; 32]),
        code_section_start: ByteSize::new(0x90),
        code_section_size: ByteSize::new(0x1000),
        file_hash: "cd".repeat(32),
        build_id: "0123456789abcdef".into(),
        is_adapter: false,
    }
}

fn run(samples: u64) -> RunReport {
    RunReport {
        engine: EngineKind::Signal,
        timer: TimerKind::PerfTaskClock,
        timer_reason: "exact at any rate, and works here".into(),
        rate_hz: 99,
        duration: Duration::from_millis(1100),
        cpu: Some(Duration::from_millis(1070)),
        signals: samples + 6,
        threads: 1,
        cost: OwnCost { handler: Duration::from_micros(31), drain: Duration::from_micros(412) },
        notes: vec!["parked stacks are not on the wasm stack".into()],
    }
}
