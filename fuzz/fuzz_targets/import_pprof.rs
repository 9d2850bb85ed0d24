//! Any bytes as a pprof file: refused with a sentence, or a recording that every exporter writes and the reader reads
//! back with the same totals.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wasmscope_model::Event;
use wasmscope_profiler::export::{TableLayout, write_folded, write_pprof, write_svg, write_table};
use wasmscope_profiler::import::read_pprof;

fuzz_target!(|bytes: &[u8]| {
    let Ok(recording) = read_pprof(bytes) else {
        return;
    };
    let mut file = Vec::new();
    write_pprof(&recording, &mut file).expect("a Vec takes everything");
    let again = read_pprof(&file).expect("what we write we read");
    for event in Event::ALL {
        assert_eq!(again.total_count(event), recording.total_count(event));
        assert_eq!(again.total_amount(event), recording.total_amount(event));
    }
    write_table(&recording, &Event::ALL, TableLayout { rows: 50, columns: 80 }, Vec::new()).expect("a Vec takes everything");
    write_folded(&recording, Event::Cpu, Vec::new()).expect("a Vec takes everything");
    // Nothing to draw is an answer too.
    let _ = write_svg(&recording, Event::Cpu, "fuzz", Vec::new());
});
