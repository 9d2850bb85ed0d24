//! Text with wasm addresses in it, passed through with names and lines filled in.
//!
//! [`find_mentions`] finds the places of a line that name wasm code, [`KnownModules`] tells which module and function they
//! mean, and [`LogSymbolizer`] copies a log byte for byte and inserts what that tells. Nothing is ever taken out: the
//! output without the insertions is the input.
//!
//! # What the numbers count from
//!
//! | who writes it | what stands there | its number |
//! |---|---|---|
//! | wasmtime, also in a component | `0: 0x3ac - mod.wasm!name`, `0: 0x3ac - <unknown>!<wasm function 10>`, `0: 0x3ac - name` | offset in the file that was loaded (the component's), of the instruction |
//! | wasmtime before 0.21 | `source location: @3ac` | the same |
//! | wasm3 | `0: 0x0003ac - mod!name` | offset in the file, of the instruction |
//! | V8's C API in Envoy's proxy-wasm | `0:  0x3ac - name` | offset in the file, of the instruction |
//! | Chrome, Node.js | `at name (wasm://wasm/mod-00034e3a:wasm-function[10]:0x3ac)`, `at wasm-function[10]:0x3ac`, `at URL.wasm:0x3ac` | function index; offset in the file, of the instruction |
//! | Deno, and whoever asks V8 for a column | `at name (wasm://wasm/00034e3a:1:941)` | line 1; column, one more than the offset in the file |
//! | Firefox | `name@URL:wasm-function[10]:0x3ac` | function index; offset in the file, of the instruction |
//! | Firefox's console | `URL.wasm:940:1` | offset in the file as the line, always column 1 |
//! | Safari until 18 | `mod.wasm-function[10]@[wasm code]`, with a name for the number where there is one | function index or name, no offset |
//! | Safari 26 | `name@wasm-function[10]`, `name@mod:wasm-function[10]` | function index, no offset |
//! | wasmer | `at name (mod[10]:0x3ac)` | function index; offset in the file, of the instruction; `0xffffffff` is unknown |
//! | WAMR, classic interpreter | `#00: 0x03ad - name`, `#00: 0x03ad - $f10` | offset in the file, *behind* the instruction |
//! | WAMR, fast interpreter | the same text | offset in its own code: only the function counts, where its index is shown |
//! | WAMR before 1.3.3 | `#00 $f10` | function index |
//! | wazero | `mod.$10(i32) i32`; with DWARF, an offset in the code section and the line beneath | function index; the line is there already |
//! | WasmEdge | `Bytecode offset: 0x000003ac` | offset in the file, of the instruction |
//! | wasmgdb | `#0 000010 as name ()` | function index |
//! | wasmscope | `0: name at code offset 0x2c1` | offset in the code section, as DWARF counts |
//!
//! A number that does not fit the function shown beside it is left alone: the log comes from another build.
//!
//! # What is inserted
//!
//! Beneath a numbered frame that has a line to itself, lines as wasmtime writes them: `- function`, `at file:line:column`,
//! innermost first. `- function` is left out where the frame says it already. Everywhere else
//! ` = function at file:line:column, inlined into function at …` behind the place. A frame that has its line already
//! (`at …` beneath it) stays as it is. In strings of JSON, new lines and quotes are escaped as the string's own are.

mod escape;
mod filling;
mod find;
mod known_modules;
mod mention;
mod named_offset;
mod numbered_frame;
mod pieces;
mod scan;
mod symbolizer;
mod wasmer_frame;
mod wazero_frame;
mod web_frame;

pub use find::find_mentions;
pub use known_modules::{FoundPlace, KnownModules, WhyNotFound};
pub use mention::{Layout, LogFormat, Mention, Position, ShownFunction};
pub use symbolizer::{LogSymbolizer, LogTotals};
