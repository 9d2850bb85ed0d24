//! Learning where wasmtime puts machine code, by making it executable for wasmtime.
#![allow(unsafe_code, reason = "memory protection is changed through libc")]

use std::sync::Arc;

use wasmscope_model::{ByteSize, NativeAddress};
use wasmscope_profiler::CodeRegistry;
use wasmtime::CustomCodeMemory;

use crate::loaded_modules::LoadedModules;

/// Makes code executable, and reports where it lies.
///
/// The duties that come with it: regions begin and end at pages, memory is never writable and executable at once, and
/// taking code back never fails, since wasmtime would panic.
pub(crate) struct SampledCodeMemory {
    registry: Arc<CodeRegistry>,
    modules: Arc<LoadedModules>,
    page_size: usize,
}

impl SampledCodeMemory {
    /// Makes the code memory of one engine; `None` on processors where code needs more than a change of protection
    /// (64-bit Arm keeps instructions and data coherent by hand). Modules are registered one by one there.
    pub(crate) fn new(registry: Arc<CodeRegistry>, modules: Arc<LoadedModules>) -> Option<Self> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            return None;
        }
        // SAFETY: sysconf has no preconditions.
        let page_size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        Some(Self { registry, modules, page_size: usize::try_from(page_size).unwrap_or(4096) })
    }

    fn protect(&self, start: *const u8, size: usize, protection: libc::c_int) -> std::io::Result<()> {
        let size = size.next_multiple_of(self.page_size);
        // SAFETY: wasmtime hands over memory of its own, aligned as `required_alignment` asks; the pages hold nothing
        // but this code, and wasmtime promises that nobody runs in it while it is writable.
        let result = unsafe { libc::mprotect(start.cast_mut().cast(), size, protection) };
        if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    }
}

impl CustomCodeMemory for SampledCodeMemory {
    fn required_alignment(&self) -> usize {
        self.page_size
    }

    fn publish_executable(&self, start: *const u8, size: usize) -> wasmtime::Result<()> {
        self.protect(start, size, libc::PROT_READ | libc::PROT_EXEC)?;
        self.registry.publish(NativeAddress::new(start.addr() as u64), ByteSize::new(size as u64));
        Ok(())
    }

    fn unpublish_executable(&self, start: *const u8, size: usize) -> wasmtime::Result<()> {
        let address = NativeAddress::new(start.addr() as u64);
        self.registry.retire(address);
        self.modules.unload(address);
        // wasmtime unmaps or overwrites the memory next. Should the kernel refuse, that fails by itself; failing here
        // would end the process.
        let _ = self.protect(start, size, libc::PROT_READ | libc::PROT_WRITE);
        Ok(())
    }
}
