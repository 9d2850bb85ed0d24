//! What it costs to name 20 000 places: in CPU time of this thread, cold and warm.
//!
//! Of SQLite when `WASMSCOPE_GUESTS` names the folder that `testkit/guests/fetch.sh` filled, else of a checked-in guest.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BatchSize, Criterion};
use rustix::time::{ClockId, clock_gettime};
use wasmscope_model::{CodeLocation, CodeOffset, SymbolSource};
use wasmscope_symbolizer::{ModuleImage, Symbolizer};

const PLACES: usize = 20_000;

/// Time that this thread was on a CPU, so that neighbours on a busy machine do not count.
struct ThreadCpuTime;

impl Measurement for ThreadCpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    }

    fn end(&self, began: Duration) -> Duration {
        self.start().saturating_sub(began)
    }

    fn add(&self, first: &Duration, second: &Duration) -> Duration {
        *first + *second
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// Picks unique places, spread evenly over all code.
fn places(image: &ModuleImage) -> Vec<CodeLocation> {
    let code: Vec<(u32, u32)> =
        image.bodies().flat_map(|(function, body)| body.map(move |offset| (function, offset))).collect();
    let step = (code.len() / PLACES).max(1);
    let place = |&(function_index, offset): &(u32, u32)| CodeLocation {
        module: image.identity(),
        function_index,
        offset: Some(CodeOffset::new(offset)),
        approximate: false,
    };
    code.iter().step_by(step).take(PLACES).map(place).collect()
}

fn resolve_all(symbolizer: &mut Symbolizer, places: &[CodeLocation]) -> usize {
    places.iter().map(|place| symbolizer.resolve(place).frames.len()).sum()
}

fn main() {
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/guests/cpp-clang.wasm");
    let fetched = std::env::var_os("WASMSCOPE_GUESTS").map(|folder| Path::new(&folder).join("sqlite.wasm"));
    let guest = fetched.filter(|path| path.exists()).unwrap_or(checked_in);
    let bytes: Arc<[u8]> = std::fs::read(&guest).expect("the guest can be read").into();
    let image = ModuleImage::parse(bytes.clone()).expect("the guest is a module");
    let places = places(&image);
    println!("{}, {} bytes, {} places", guest.display(), bytes.len(), places.len());

    let mut criterion = Criterion::default().with_measurement(ThreadCpuTime).sample_size(10).configure_from_args();
    criterion.bench_function("parse_module", |bencher| {
        bencher.iter_batched(|| bytes.clone(), ModuleImage::parse, BatchSize::PerIteration);
    });
    criterion.bench_function("resolve_cold", |bencher| {
        let fresh = || {
            let mut symbolizer = Symbolizer::new();
            symbolizer.add_module(image.clone());
            symbolizer
        };
        let resolve = |mut symbolizer| (resolve_all(&mut symbolizer, &places), symbolizer);
        bencher.iter_batched(fresh, resolve, BatchSize::PerIteration);
    });
    criterion.bench_function("resolve_warm", |bencher| {
        let mut symbolizer = Symbolizer::new();
        symbolizer.add_module(image.clone());
        resolve_all(&mut symbolizer, &places);
        bencher.iter(|| resolve_all(&mut symbolizer, &places));
    });
    criterion.final_summary();
}
