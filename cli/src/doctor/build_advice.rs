//! How each toolchain is told to keep debug information.

use wasmscope_symbolizer::Toolchain;

/// How a toolchain is told to keep debug information.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Advice {
    /// Who made it, and what is to be known of that.
    pub says: &'static str,
    /// What to write or to run.
    pub lines: &'static [&'static str],
    /// Tools that may run afterwards, and what they need to leave it alone.
    pub then: &'static [&'static str],
}

const WASM_OPT: &str = "wasm-opt needs -g, or it drops names and spoils DWARF: wasm-opt -O2 -g in.wasm -o out.wasm; npm's \
                        build of it spoils DWARF all the same";
const STRIP: &str = "wasm-strip and llvm-strip take all of it away, wasm-tools strip all but names: keep a copy";
const COMPONENT: &str = "wasm-tools component new keeps all of it";

/// Returns the advice for a guest that these toolchains made, the one whose advice matters most first.
pub fn advice(toolchains: &[Toolchain]) -> Vec<Advice> {
    let first = toolchains.first().copied();
    let mut advice = vec![first.map_or(UNKNOWN, of)];
    if first == Some(Toolchain::WasmBindgen) {
        advice.push(of(Toolchain::Rust));
    }
    advice
}

const UNKNOWN: Advice = Advice {
    says: "Nothing in it tells which toolchain made it. Whichever it was: have it write names and DWARF (often -g), and keep \
           the sections name and .debug_* through every step after it.",
    lines: &[],
    then: &[WASM_OPT, STRIP],
};

fn of(toolchain: Toolchain) -> Advice {
    match toolchain {
        Toolchain::Rust => Advice {
            says: "Rust, by cargo. The standard library's own lines are there if its crates were built with them.",
            lines: &["# Cargo.toml", "[profile.release]", "debug = \"line-tables-only\"", "strip = false"],
            then: &[WASM_OPT, STRIP, COMPONENT],
        },
        Toolchain::WasmBindgen => Advice {
            says: "Rust, through wasm-bindgen, which drops DWARF unless it is told to keep it.",
            lines: &[
                "wasm-bindgen --keep-debug ...",
                "# or with wasm-pack, in Cargo.toml:",
                "[package.metadata.wasm-pack.profile.release]",
                "wasm-opt = [\"-O\", \"-g\"]",
                "[package.metadata.wasm-pack.profile.release.wasm-bindgen]",
                "dwarf-debug-info = true",
            ],
            then: &[],
        },
        Toolchain::Clang => Advice {
            says: "C or C++, by clang or wasi-sdk. Functions of the C library have lines only if it was built with -g.",
            lines: &[
                "clang -O2 -g -c app.c -o app.o    (compile)",
                "clang app.o -o app.wasm           (link without -s, -Wl,--strip-debug, and -O)",
            ],
            then: &[
                "with -O, the step that links runs a wasm-opt that is in the PATH, without -g",
                "-gline-tables-only in place of -g is smaller, and enough",
                WASM_OPT,
                STRIP,
            ],
        },
        Toolchain::Zig => Advice {
            says: "Zig's tools, which bring a C library of their own.",
            lines: &[
                "zig cc -O2 -g ...                  (C and C++; without -s)",
                "zig build-exe -O ReleaseSafe -fno-strip ...",
                "exe.root_module.strip = false;     (in build.zig)",
            ],
            then: &[WASM_OPT, STRIP],
        },
        Toolchain::Go => Advice {
            says: "Go. Its linker writes no DWARF for WebAssembly, so names of functions are all there can be: no lines, no \
                   inlined calls.",
            lines: &[
                "GOOS=wasip1 GOARCH=wasm go build ...                    (without -ldflags=-s, which drops names)",
                "GOOS=wasip1 GOARCH=wasm go build -gcflags=all=-l ...    (no inlining: all calls are seen)",
            ],
            then: &[WASM_OPT, STRIP],
        },
        Toolchain::TinyGo => Advice {
            says: "TinyGo. It writes names and DWARF unless it is told not to.",
            lines: &["tinygo build -target=wasip1 ...    (without -no-debug)"],
            then: &[WASM_OPT, STRIP],
        },
        Toolchain::AssemblyScript => Advice {
            says: "AssemblyScript. It writes names, and lines into a source map beside the module.",
            lines: &["asc main.ts --optimize --debug --sourceMap -o main.wasm"],
            then: &["keep main.wasm.map beside main.wasm, or name its folder by --symbols", STRIP],
        },
        Toolchain::ComponentizeJs => Advice {
            says: "JavaScript, run by StarlingMonkey inside the component. Names are those of the engine's own functions, \
                   where there are any; functions of the program are data to it, and do not show.",
            lines: &[
                "jco componentize app.js --debug-starlingmonkey-build ...    (an engine with names)",
                "componentize({ ..., debugBuild: true })                     (the same from JavaScript)",
            ],
            then: &[STRIP],
        },
        Toolchain::ComponentizeQjs => Advice {
            says: "JavaScript, run by QuickJS inside the component, which comes without names and lines. The other engine has \
                   a build with names of its own functions; functions of the program are data to both, and do not show.",
            lines: &["jco componentize app.js --backend starlingmonkey --debug-starlingmonkey-build ..."],
            then: &[STRIP],
        },
        Toolchain::ComponentizePy => Advice {
            says: "Python, run by CPython inside the component. Names are those of CPython's own functions; functions of the \
                   program are data to it, and do not show. componentize-py has no option to add more.",
            lines: &[],
            then: &[STRIP],
        },
        Toolchain::CPython => Advice {
            says: "CPython, compiled to WebAssembly. Names and lines are those of the interpreter; functions of the Python \
                   program do not show.",
            lines: &["./configure --host=wasm32-wasip1 CFLAGS=\"-O2 -g\" ...    (and link without -s)"],
            then: &[WASM_OPT, STRIP],
        },
        Toolchain::Emscripten => Advice {
            says: "C or C++, by Emscripten. Its linker runs wasm-opt, and keeps everything only with -g.",
            lines: &["emcc -O2 -g -sSTANDALONE_WASM ...    (compile and link)"],
            then: &[STRIP],
        },
        Toolchain::Swift => Advice {
            says: "Swift.",
            lines: &["swift build -c release -Xswiftc -g ...    (without -Xlinker -s)"],
            then: &[WASM_OPT, STRIP],
        },
        Toolchain::Wat => Advice {
            says: "The text format. Lines are those of the .wat file; they are made when wasmscope reads it.",
            lines: &["wasm-tools parse -g guest.wat -o guest.wasm    (writes names and lines into a .wasm)"],
            then: &[],
        },
        _ => UNKNOWN,
    }
}
