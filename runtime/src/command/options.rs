//! What becomes of each of wasmtime's own options.

use wasmtime_cli_flags::CommonOptions;

/// Which letter an option goes with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OptionGroup {
    /// `-O`
    Optimize,
    /// `-C`
    Codegen,
    /// `-D`
    Debug,
    /// `-W`
    Wasm,
    /// `-S`
    Wasi,
}

impl OptionGroup {
    /// Returns the letter.
    pub const fn letter(self) -> char {
        match self {
            OptionGroup::Optimize => 'O',
            OptionGroup::Codegen => 'C',
            OptionGroup::Debug => 'D',
            OptionGroup::Wasm => 'W',
            OptionGroup::Wasi => 'S',
        }
    }
}

/// Tells whether an option is set to the value that is refused.
pub type IsSet = fn(&CommonOptions) -> bool;

/// What becomes of an option.
#[derive(Clone, Copy, Debug)]
pub enum Verdict {
    /// It does what it does for wasmtime.
    Honoured,
    /// It is refused while a guest is sampled, for this reason, and honoured otherwise.
    NotWhileSampling(&'static str, IsSet),
    /// It is refused, for this reason.
    Refused(&'static str, IsSet),
}

/// One of wasmtime's own options.
#[derive(Clone, Copy, Debug)]
pub struct WasmtimeOption {
    /// Which letter it goes with.
    pub group: OptionGroup,
    /// Its name.
    pub key: &'static str,
    /// What becomes of it.
    pub verdict: Verdict,
}
