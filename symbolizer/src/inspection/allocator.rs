//! Which allocator a module has, by the names of its functions.

use std::fmt;

/// An allocator that is known by its functions.
///
/// The order is that in which they are told: what allocates the language's objects before the C library's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Allocator {
    /// CPython's allocator of small objects.
    CPythonObmalloc,
    /// The garbage collector of SpiderMonkey, the engine of StarlingMonkey.
    SpiderMonkey,
    /// The garbage collector of Go.
    Go,
    /// The garbage collector of TinyGo.
    TinyGo,
    /// AssemblyScript's incremental collector.
    AssemblyScriptItcms,
    /// AssemblyScript's two-level segregated fit.
    AssemblyScriptTlsf,
    /// AssemblyScript's stub, which never frees.
    AssemblyScriptStub,
    /// Rust's crate `dlmalloc`, which its standard library takes where there is no C library.
    RustDlmalloc,
    /// Rust's crate `talc`.
    Talc,
    /// Rust's crate `wee_alloc`.
    WeeAlloc,
    /// mimalloc.
    Mimalloc,
    /// Emscripten's and wasi-libc's emmalloc.
    Emmalloc,
    /// dlmalloc in C, wasi-libc's default.
    Dlmalloc,
    /// The allocator of Zig's own C library.
    ZigLibc,
    /// Zig's allocator for WebAssembly.
    ZigWasm,
}

impl fmt::Display for Allocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Allocator::CPythonObmalloc => "CPython's obmalloc",
            Allocator::SpiderMonkey => "SpiderMonkey's garbage collector",
            Allocator::Go => "Go's garbage collector",
            Allocator::TinyGo => "TinyGo's garbage collector",
            Allocator::AssemblyScriptItcms => "AssemblyScript's incremental collector",
            Allocator::AssemblyScriptTlsf => "AssemblyScript's TLSF",
            Allocator::AssemblyScriptStub => "AssemblyScript's stub, which never frees",
            Allocator::RustDlmalloc => "Rust's dlmalloc",
            Allocator::Talc => "talc",
            Allocator::WeeAlloc => "wee_alloc",
            Allocator::Mimalloc => "mimalloc",
            Allocator::Emmalloc => "emmalloc",
            Allocator::Dlmalloc => "dlmalloc of the C library",
            Allocator::ZigLibc => "malloc of Zig's C library",
            Allocator::ZigWasm => "Zig's WasmAllocator",
        })
    }
}

/// An allocator, and a function that gave it away.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Which.
    pub allocator: Allocator,
    /// The first function by which it was recognised.
    pub function: String,
}

/// Looks for allocators in names, one by one.
#[derive(Debug, Default)]
pub(super) struct Search(Vec<Found>);

impl Search {
    /// Looks at the name of a function, demangled.
    pub(super) fn see(&mut self, name: &str) {
        if let Some(allocator) = allocator_of(name)
            && !self.0.iter().any(|found| found.allocator == allocator)
        {
            self.0.push(Found { allocator, function: without_parameters(name).to_owned() });
        }
    }

    /// Returns what was found, in order.
    pub(super) fn found(mut self) -> Vec<Found> {
        self.0.sort_by_key(|found| found.allocator);
        self.0
    }
}

/// Leaves the parameters of a function of C++ out of its name.
fn without_parameters(name: &str) -> &str {
    name.split_once('(').map_or(name, |(function, _)| function)
}

/// Recognises functions that only one allocator has.
fn allocator_of(name: &str) -> Option<Allocator> {
    // Rust's newer names have the hash of the crate in brackets behind it.
    let of_crate = |krate: &str| {
        let path = name.trim_start_matches('<');
        path.strip_prefix(krate).is_some_and(|rest| rest.starts_with("::") || rest.starts_with('['))
    };
    Some(match name {
        "dlmalloc" | "dlfree" | "dlrealloc" | "dispose_chunk" => Allocator::Dlmalloc,
        "_PyObject_Malloc" | "pymalloc_alloc" | "_PyObject_Free" => Allocator::CPythonObmalloc,
        "emmalloc_malloc" | "emmalloc_free" | "emmalloc_memalign" => Allocator::Emmalloc,
        "mi_malloc" | "_mi_malloc_generic" | "mi_free" | "_mi_page_malloc" => Allocator::Mimalloc,
        "runtime.mallocgc" | "runtime.mallocinit" | "runtime.gcStart" => Allocator::Go,
        "runtime.alloc" | "runtime.runGC" => Allocator::TinyGo,
        _ if name.starts_with("~lib/rt/itcms/") => Allocator::AssemblyScriptItcms,
        _ if name.starts_with("~lib/rt/tlsf/") => Allocator::AssemblyScriptTlsf,
        _ if name.starts_with("~lib/rt/stub/") => Allocator::AssemblyScriptStub,
        _ if name.starts_with("js::gc::") => Allocator::SpiderMonkey,
        _ if of_crate("dlmalloc") => Allocator::RustDlmalloc,
        _ if of_crate("talc") => Allocator::Talc,
        _ if of_crate("wee_alloc") => Allocator::WeeAlloc,
        _ if name.trim_start_matches(".L").starts_with("heap.BrkAllocator.") || name.starts_with("c.malloc.") => {
            Allocator::ZigLibc
        }
        _ if name.starts_with("heap.WasmAllocator.") => Allocator::ZigWasm,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocators_are_known_by_their_own_functions_and_not_by_others() {
        for (name, allocator) in [
            ("dlfree", Some(Allocator::Dlmalloc)),
            ("malloc", None),
            (
                "<dlmalloc[8a3f]::dlmalloc::Dlmalloc<dlmalloc[8a3f]::sys::System>>::malloc",
                Some(Allocator::RustDlmalloc),
            ),
            ("dlmalloc::dlmalloc::Dlmalloc<A>::malloc", Some(Allocator::RustDlmalloc)),
            ("talc::Talc<O>::malloc", Some(Allocator::Talc)),
            ("talcum::powder", None),
            ("~lib/rt/tlsf/allocateBlock", Some(Allocator::AssemblyScriptTlsf)),
            ("runtime.mallocgcTinySC2", None),
            (".Lheap.BrkAllocator.alloc", Some(Allocator::ZigLibc)),
            ("js::gc::GCRuntime::collect", Some(Allocator::SpiderMonkey)),
        ] {
            assert_eq!(allocator_of(name), allocator, "{name}");
        }
    }

    #[test]
    fn each_allocator_is_told_once_and_the_languages_first() {
        let mut search = Search::default();
        ["dlmalloc", "dlfree", "_PyObject_Malloc"].iter().for_each(|name| search.see(name));
        let found: Vec<_> = search.found().into_iter().map(|found| (found.allocator, found.function)).collect();
        let expected = [(Allocator::CPythonObmalloc, "_PyObject_Malloc"), (Allocator::Dlmalloc, "dlmalloc")];
        assert_eq!(found, expected.map(|(allocator, function)| (allocator, function.to_owned())));
    }
}
