//! A guest whose threads share a memory: the host starts them, each with an instance of its own.

use std::sync::Arc;

use wasmscope::{Guest, ProfileSession};
use wasmscope_testkit::exclusive::exclusive;
use wasmscope_testkit::guests::test_guest;
use wasmtime::{Config, Linker, MemoryType, SharedMemory};

use crate::guest::{assert_all_counted, dense, stacks};

#[test]
fn threads_of_one_guest_are_each_sampled_with_whole_stacks() {
    let _exclusive = exclusive();
    let mut config = Config::new();
    config.wasm_threads(true).shared_memory(true);
    let session = Arc::new(ProfileSession::builder().config(config).build().unwrap());
    let module = session.load(&Guest::load(&test_guest("threaded.wat")).unwrap()).unwrap();
    let memory = SharedMemory::new(session.engine(), MemoryType::shared(1, 1)).unwrap();
    let enter = |export: &'static str, argument: i32| {
        let (session, module, memory) = (session.clone(), module.clone(), memory.clone());
        std::thread::spawn(move || {
            let mut store = session.new_store(());
            let mut linker = Linker::new(session.engine());
            linker.define(&store, "env", "memory", memory).unwrap();
            let instance = linker.instantiate(&mut store, &module).unwrap();
            match export {
                "join" => instance.get_typed_func::<i32, i64>(&mut store, export).unwrap().call(&mut store, argument),
                _ => {
                    let run = instance.get_typed_func::<i32, i32>(&mut store, export).unwrap();
                    run.call(&mut store, argument).map(i64::from)
                }
            }
        })
    };
    let recorder = session.record(dense()).unwrap();
    let joiner = enter("join", 3);
    let workers: Vec<_> = (0..3).map(|_| enter("run", 60_000_000)).collect();
    let mut tickets: Vec<i64> = workers.into_iter().map(|worker| worker.join().unwrap().unwrap()).collect();
    tickets.sort_unstable();
    assert_eq!(tickets, [0, 1, 2]);
    assert_eq!(joiner.join().unwrap().unwrap(), 180_000_000);
    let recording = recorder.stop().unwrap();
    assert_all_counted(&[&recording]);
    let working: u64 = stacks(&recording).iter().filter(|(stack, _)| stack == "run;worker").map(|(_, n)| n).sum();
    assert!(working > 200, "{:?}", stacks(&recording));
    for (stack, count) in stacks(&recording) {
        let known = ["run", "join", "[wasm trampoline]"];
        assert!(known.iter().any(|root| stack.starts_with(root)), "{count} x {stack}");
    }
    assert_eq!(recording.run.unwrap().threads, 4);
}
