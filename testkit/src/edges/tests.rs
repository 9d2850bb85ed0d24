use wasmscope_model::{CodeOffset, Event, Function, FunctionId, Line, LocationId, ModuleId, SampleRow, StackTable};

use super::*;

/// Calls: `_start` -> `main` -> `fib` -> `fib`; `main` also calls through a table.
const GUEST: &str = r#"(module
    (import "host" "call" (func $host))
    (table 1 funcref)
    (func $_start (export "_start") call $main)
    (func $main call $fib (call_indirect (i32.const 0)))
    (func $fib call $fib)
    (func $lonely nop))"#;

struct Made {
    image: ModuleImage,
    profile: Profile,
}

fn made() -> Made {
    let image = ModuleImage::parse(wat::parse_str(GUEST).unwrap().into()).unwrap();
    let profile = Profile {
        modules: vec![image.to_model_module("guest.wasm")],
        functions: Vec::new(),
        locations: Vec::new(),
        stacks: StackTable::with_max_stacks(100),
        samples: Vec::new(),
        period_nanos: 1,
    };
    Made { image, profile }
}

impl Made {
    /// Adds a sample; functions are named by the guest's function index, innermost first.
    fn sample(&mut self, functions: &[Result<u32, Marker>], count: u64) {
        let ids: Vec<LocationId> = functions.iter().map(|function| self.location(*function)).collect();
        let stack = self.profile.stacks.intern(&ids).unwrap();
        self.profile.samples.push(SampleRow { stack, event: Event::Cpu, count, amount: count });
    }

    fn location(&mut self, function: Result<u32, Marker>) -> LocationId {
        let (place, name) = match function {
            Ok(index) => {
                let body = self.image.body(index).unwrap();
                (Place::Code(ModuleId(0), CodeOffset::new(body.start + 1)), format!("f{index}"))
            }
            Err(marker) => (Place::Marker(marker), marker.label().to_owned()),
        };
        let id = FunctionId(self.profile.functions.len() as u32);
        let function = Function { system_name: name.clone(), name, file: String::new(), start_line: 0 };
        self.profile.functions.push(function);
        let lines = vec![Line { function: id, line: 0, column: 0 }];
        self.profile.locations.push(Location { place, origin: None, lines });
        LocationId(self.profile.locations.len() as u32 - 1)
    }

    fn report(&self) -> StackReport {
        let mut check = StackCheck::new();
        check.add_module(&self.image, &["_start"]);
        check.check(&self.profile);
        check.report().clone()
    }
}

const START: Result<u32, Marker> = Ok(1);
const MAIN: Result<u32, Marker> = Ok(2);
const FIB: Result<u32, Marker> = Ok(3);
const LONELY: Result<u32, Marker> = Ok(4);

#[test]
fn permitted_edges_and_rooted_stacks_pass() {
    let mut made = made();
    made.sample(&[FIB, FIB, MAIN, START], 5);
    made.sample(&[LONELY, MAIN, START], 2);
    made.sample(&[Err(Marker::Host), FIB, MAIN, START], 1);
    let report = made.report();
    assert_eq!((report.samples, report.rooted, report.impossible_edges()), (8, 8, 0));
    assert_eq!(report.edges, 5 * 3 + 2 * 2 + 2);
    assert!((report.rooted_share() - 1.0).abs() < 1e-12);
}

#[test]
fn a_lost_caller_is_an_impossible_edge() {
    let mut made = made();
    made.sample(&[FIB, START], 3);
    made.sample(&[LONELY, FIB, MAIN, START], 4);
    let report = made.report();
    let edges: Vec<_> = report.impossible.iter().map(|(edge, count)| (edge.as_str(), *count)).collect();
    assert_eq!(edges, [("_start -> fib", 3), ("fib -> lonely", 4)]);
}

#[test]
fn stacks_that_begin_elsewhere_are_unrooted_unless_they_say_so() {
    let mut made = made();
    made.sample(&[FIB, FIB], 3);
    made.sample(&[FIB, Err(Marker::Truncated)], 2);
    made.sample(&[Err(Marker::Trampoline)], 1);
    let report = made.report();
    assert_eq!((report.marked, report.without_guest, report.rooted), (2, 1, 0));
    assert_eq!(report.unrooted.get("f3"), Some(&3));
    assert!((report.rooted_share() - 0.4).abs() < 1e-12);
}
