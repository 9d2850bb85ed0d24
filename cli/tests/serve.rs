//! `wasmscope serve` on the example service, spoken to as a client would.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(missing_docs, reason = "a test binary has no readers of its documentation")]

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use wasmscope_model::Event;
use wasmscope_profiler::import::read_pprof;

/// A service that ends with the test.
struct Served {
    child: Child,
    address: SocketAddr,
    /// Lines of its standard error after the first.
    lines: Receiver<String>,
}

fn guest(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/guests").join(name)
}

impl Served {
    fn start(name: &str, options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmscope"));
        command.args(["serve", "--addr", "127.0.0.1:0", "-S", "cli"]).args(options).arg(guest(name));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = stderr.next().unwrap().unwrap();
        let address = first.strip_prefix("Serving HTTP on http://").and_then(|rest| rest.strip_suffix('/'));
        let address = address.unwrap_or_else(|| panic!("{first}")).parse().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || stderr.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, address, lines }
    }

    fn connect(&self) -> BufReader<TcpStream> {
        BufReader::new(TcpStream::connect(self.address).unwrap())
    }

    fn get(&self, path: &str) -> (u16, String) {
        let mut connection = self.connect();
        ask(&mut connection, path);
        answer(&mut connection)
    }

    /// Waits for a line of the log that has this text.
    fn line_with(&self, text: &str) -> String {
        self.lines.iter().find(|line| line.contains(text)).unwrap_or_else(|| panic!("no line with {text}"))
    }

    fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// Ends the service, and returns what it exits with.
    fn stop(mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(connection: &mut BufReader<TcpStream>, path: &str) {
    write!(connection.get_mut(), "GET {path} HTTP/1.1\r\nHost: example\r\n\r\n").unwrap();
}

/// Reads a response: its status and its body.
fn answer(connection: &mut BufReader<TcpStream>) -> (u16, String) {
    let mut line = || {
        let mut line = String::new();
        connection.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let status = line();
    let status = status.split(' ').nth(1).unwrap_or_else(|| panic!("{status:?}")).parse().unwrap();
    let mut length = None;
    loop {
        let header = line().to_ascii_lowercase();
        match header.split_once(": ") {
            Some(("content-length", value)) => length = Some(value.parse::<usize>().unwrap()),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = Vec::new();
    match length {
        Some(length) => {
            body.resize(length, 0);
            connection.read_exact(&mut body).unwrap();
        }
        None => loop {
            let mut size = String::new();
            connection.read_line(&mut size).unwrap();
            let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            connection.read_exact(&mut chunk).unwrap();
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        },
    }
    (status, String::from_utf8(body).unwrap())
}

const BOTH: [&str; 2] = ["service-p2.wasm", "service-p3.wasm"];

#[test]
fn guests_of_both_versions_answer_and_streams_are_whole() {
    for name in BOTH {
        let served = Served::start(name, &[]);
        let (status, body) = served.get("/orders/12");
        assert!(status == 200 && body.contains("12"), "{name}: {status} {body}");
        assert_eq!(served.get("/nothing").0, 404, "{name}");
        let (status, body) = served.get("/stream?chunks=5");
        assert_eq!((status, body.len()), (200, 5 * 1024), "{name}");

        let mut connection = served.connect();
        let sent = "x".repeat(100_000);
        let head = format!("POST /echo HTTP/1.1\r\nHost: example\r\nContent-Length: {}\r\n\r\n", sent.len());
        connection.get_mut().write_all(head.as_bytes()).unwrap();
        connection.get_mut().write_all(sent.as_bytes()).unwrap();
        assert_eq!(answer(&mut connection), (200, sent), "{name}");
        ask(&mut connection, "/fast");
        assert_eq!(answer(&mut connection).0, 200, "{name}: one connection takes several requests");
        assert_eq!(served.stop(), Some(143), "{name}");
    }
}

#[test]
fn a_trap_is_a_bare_500_and_a_stack_with_lines_in_the_log() {
    for name in BOTH {
        let served = Served::start(name, &[]);
        assert_eq!(served.get("/trap"), (500, "500 Internal Server Error\n".to_owned()), "{name}");
        let line = served.line_with("broken_part");
        assert!(line.contains("service::work::broken_part at examples/guests/service/src/work.rs:"), "{name}: {line}");
        assert_eq!(served.get("/fast").0, 200, "{name}: the service lives on");
    }
}

#[test]
fn a_guest_that_hangs_gets_504_and_its_stack_is_in_the_log() {
    for name in BOTH {
        let served = Served::start(name, &["-W", "timeout=300ms"]);
        assert_eq!(served.get("/hang"), (504, "504 Gateway Timeout\n".to_owned()), "{name}");
        served.line_with("GET /hang: no response in the time of -W timeout");
        served.line_with("service::work::hang at examples/guests/service/src/work.rs:");
        assert_eq!(served.get("/fast").0, 200, "{name}: the service lives on");
    }
}

#[test]
fn instances_are_used_again_as_often_as_they_may() {
    let total = |served: &Served| served.get("/leak").1;
    let served = Served::start("service-p3.wasm", &["--max-instance-reuse-count", "2"]);
    let [first, second, third] = [total(&served), total(&served), total(&served)];
    assert!(first != second && third == first, "{first} {second} {third}");
    let served = Served::start("service-p2.wasm", &[]);
    assert_eq!(total(&served), total(&served), "an instance of 0.2 answers one request");
    let served = Served::start("service-p2.wasm", &["--max-instance-reuse-count", "2"]);
    assert_ne!(total(&served), total(&served));
}

#[test]
fn requests_that_no_instance_has_room_for_wait_and_more_are_refused() {
    let served = Served::start("service-p2.wasm", &["--max-instances", "1", "--max-waiting", "1", "-W", "timeout=2s"]);
    let mut connections = [served.connect(), served.connect(), served.connect()];
    for connection in &mut connections {
        ask(connection, "/hang");
    }
    // One has the instance, one waits, and one is told at once; which is which depends on the system.
    let mut statuses = connections.map(|mut connection| answer(&mut connection).0);
    statuses.sort_unstable();
    assert_eq!(statuses, [503, 504, 504]);
}

#[test]
fn a_service_is_recorded_until_a_signal_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("service.pb.gz");
    let served = Served::start("service-p3.wasm", &["--record", file.to_str().unwrap()]);
    for _ in 0..200 {
        assert_eq!(served.get("/cpu").0, 200);
    }
    assert_eq!(served.stop(), Some(143));
    let mut bytes = Vec::new();
    File::open(&file).unwrap().read_to_end(&mut bytes).unwrap();
    let recording = read_pprof(&bytes).unwrap();
    let samples = |name: &str| -> u64 {
        let has = |row: &wasmscope_model::SampleRow| {
            let lines = recording.stack(row.stack).flat_map(|location| &location.lines);
            lines.map(|line| &recording.profile.functions[line.function.0 as usize].name).any(|it| it.contains(name))
        };
        recording.rows(Event::Cpu).filter(|row| has(row)).map(|row| row.count).sum()
    };
    let (hash, sort, all) = (samples("hash_part"), samples("sort_part"), recording.total_count(Event::Cpu));
    assert!(hash > sort && sort > 0, "70 % and 30 % by construction: {hash} and {sort} of {all}");
    assert_eq!(recording.losses.lost_samples(), 0);
}

#[test]
fn requests_are_counted_by_route_and_their_samples_are_theirs() {
    for name in BOTH {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("service.pb.gz");
        let served = Served::start(name, &["--record", file.to_str().unwrap()]);
        let mut connection = served.connect();
        for number in 0..100 {
            for path in [format!("/orders/{number}"), "/cpu".to_owned(), format!("/bimodal/wait?n={number}")] {
                ask(&mut connection, &path);
                assert_eq!(answer(&mut connection).0, 200, "{name}: {path}");
            }
        }
        for path in ["/nothing", "/trap"] {
            served.get(path);
        }
        assert_eq!(served.stop(), Some(143), "{name}");
        let recording = read_pprof(&std::fs::read(&file).unwrap()).unwrap();
        let requests = recording.requests.as_ref().unwrap();
        let routes: Vec<_> =
            requests.routes().into_iter().map(|route| (route.route, route.count, route.failed)).collect();
        let expected = [
            ("GET /bimodal/wait", 100, 0),
            ("GET /cpu", 100, 0),
            ("GET /orders/{number}", 100, 0),
            ("GET /trap", 1, 1),
            ("GET [not found]", 1, 0),
        ];
        assert_eq!(routes, expected.map(|(route, count, failed)| (route.to_owned(), count, failed)), "{name}");

        let part = |route| recording.of_requests(requests, &requests.select(Some(route), None));
        let cpu = part("GET /cpu");
        let has = |row: &wasmscope_model::SampleRow, function: &str| {
            let lines = cpu.stack(row.stack).flat_map(|location| &location.lines);
            lines.map(|line| &cpu.profile.functions[line.function.0 as usize].name).any(|it| it.contains(function))
        };
        // One part in ten of the time is more than anything but that work takes.
        let in_work: u64 = cpu.rows(Event::Cpu).filter(|row| has(row, "work::")).map(|row| row.count).sum();
        assert!(in_work * 10 > cpu.total_count(Event::Cpu) && in_work > 0, "{name}: {in_work}");
        let others = ["GET /bimodal/wait", "GET /orders/{number}"].map(part);
        let hashed = others.iter().flat_map(|other| other.rows(Event::Cpu)).filter(|row| has(row, "hash_part"));
        assert_eq!(hashed.count(), 0, "{name}: no other route hashes");
        if name == "service-p2.wasm" {
            // The one slow request naps for 20 ms; tasks of 0.3 wait without a stack, and whose they are is not told.
            let route = part("GET /bimodal/wait");
            let [waited, ready] = [Event::Wait, Event::Ready].map(|event| route.total_amount(event));
            assert!(waited > 0 && waited + ready >= 20_000_000, "{waited} {ready}");
        }
    }
}

#[test]
fn what_cannot_be_served_is_refused_before_the_first_request() {
    let refused = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmscope"));
        let output = command.args(["serve"]).args(options).output().unwrap();
        assert_eq!(output.status.code(), Some(125), "{options:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let path = |name: &str| guest(name).to_str().unwrap().to_owned();
    // Port 0 is free: whatever is refused, it is not for the address.
    let free = ["--addr", "127.0.0.1:0"];
    let refused_guest = |options: &[&str]| refused(&[&free, options].concat());
    assert!(
        refused_guest(&[&path("split.wasm")]).contains("split.wasm: it is a core module, and a component that exports")
    );
    let command = path("../../testkit/guests/waits-p2.wasm");
    assert!(refused_guest(&["-S", "cli", &command]).contains("exports neither wasi:http/incoming-handler@0.2 nor"));
    let without_cli = refused_guest(&[&path("service-p2.wasm")]);
    assert!(without_cli.contains("which -S cli offers"), "{without_cli}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let in_use = refused(&["--addr", &address, "-S", "cli", &path("service-p2.wasm")]);
    assert!(in_use.contains(&format!("failed to listen on {address}: Address already in use")), "{in_use}");
}
