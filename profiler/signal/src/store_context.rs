//! Where a store tells how its guest was left and entered.

/// Where a store keeps its last exit from, and its last entry into, WebAssembly.
///
/// The words belong to wasmtime's `VMStoreContext`; zero means that there was none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoreContext {
    pub(crate) exit_fp: *const usize,
    pub(crate) exit_pc: *const usize,
    pub(crate) entry_fp: *const usize,
}

// SAFETY: the pointers are only read by a handler on the thread that entered the store, under the promise of `new`.
unsafe impl Send for StoreContext {}
// SAFETY: as above.
unsafe impl Sync for StoreContext {}

impl StoreContext {
    /// Wraps the addresses of a store's words: the frame pointer of the trampoline through which the guest last called
    /// the host, the guest's return address of that call, and the frame pointer of the trampoline through which the
    /// host entered the guest.
    ///
    /// # Safety
    ///
    /// The words must hold what is said above whenever they are not zero: the walk reads the stack between those frame
    /// pointers. They must stay readable as long as a copy of this is used, and until the store is forgotten on every
    /// thread that was given one.
    ///
    /// While one thread has the store between [`crate::Activations::begin_poll`] and [`crate::Activations::end_poll`], no other may run
    /// its guests, unless the store is forgotten on that thread first, and is read there no more.
    pub const unsafe fn new(exit_fp: *const usize, exit_pc: *const usize, entry_fp: *const usize) -> Self {
        Self { exit_fp, exit_pc, entry_fp }
    }

    /// Reads the words.
    pub fn read(&self) -> ExitPoint {
        let read = |word: *const usize| {
            // SAFETY: `new` asks for words that stay readable as long as this is used.
            unsafe { word.read_volatile() }
        };
        ExitPoint { exit_fp: read(self.exit_fp), exit_pc: read(self.exit_pc), entry_fp: read(self.entry_fp) }
    }
}

/// The values of a [`StoreContext`] at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ExitPoint {
    /// The frame pointer of the trampoline through which the guest last called the host.
    pub exit_fp: usize,
    /// The guest's return address of that call.
    pub exit_pc: usize,
    /// The frame pointer of the trampoline through which the host entered the guest.
    pub entry_fp: usize,
}
