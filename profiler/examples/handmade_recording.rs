//! Writes the hand-made recording of the tests in every format: `handmade_recording FOLDER`.

#[path = "../tests/export/handmade.rs"]
mod handmade;

use std::path::Path;

use wasmscope_model::Event;
use wasmscope_profiler::export::{TableLayout, write_file, write_table};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: handmade_recording FOLDER")?;
    let recording = handmade::recording();
    for ending in ["pb.gz", "svg", "folded", "firefox.json", "speedscope.json", "perfetto.json"] {
        write_file(&recording, Event::Cpu, &Path::new(&folder).join(format!("handmade.{ending}")), "guest.wasm", true)?;
    }
    let table = std::fs::File::create(Path::new(&folder).join("handmade.table"))?;
    write_table(&recording, &[Event::Cpu], TableLayout { rows: 100, ..TableLayout::default() }, table)?;
    Ok(())
}
