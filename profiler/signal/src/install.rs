//! Putting the handler in place, and back.

use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::handler::on_signal;
use crate::thread_table::UNREGISTERED_SIGNALS;

/// What a process does about SIGPROF.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disposition {
    /// The default: the process ends.
    Default,
    /// The signal is ignored.
    Ignore,
    /// A function at this address handles it.
    Handler(usize),
}

/// Why the handler was not installed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InstallError {
    /// Someone else handles SIGPROF, by the function at this address.
    Taken(usize),
    /// It is installed already.
    AlreadyInstalled,
    /// The kernel refused, with this error number.
    Refused(i32),
}

static INSTALLED: AtomicBool = AtomicBool::new(false);
static PREVIOUS_IGNORED: AtomicBool = AtomicBool::new(false);

/// Installs the handler for SIGPROF.
///
/// # Errors
///
/// [`InstallError::Taken`] when someone else handles the signal; that handler is left in place.
pub fn install() -> Result<(), InstallError> {
    if INSTALLED.swap(true, Ordering::AcqRel) {
        return Err(InstallError::AlreadyInstalled);
    }
    // Asked first, so that the signals of whoever holds it do not come our way for a moment.
    if let Disposition::Handler(address) = previous_disposition() {
        INSTALLED.store(false, Ordering::Release);
        return Err(InstallError::Taken(address));
    }
    let flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_signal;
    let result = match replace(handler as libc::sighandler_t, flags) {
        Ok(Replaced { disposition: Disposition::Handler(address), action }) => {
            put_back(&action);
            Err(InstallError::Taken(address))
        }
        Ok(Replaced { disposition, .. }) => {
            PREVIOUS_IGNORED.store(disposition == Disposition::Ignore, Ordering::Relaxed);
            Ok(())
        }
        Err(error) => Err(error),
    };
    if result.is_err() {
        INSTALLED.store(false, Ordering::Release);
    }
    result
}

/// Puts back what was there before. All timers must have been deleted.
///
/// Pending signals are discarded first: with the default disposition back in place they would end the process. If
/// somebody else has replaced our handler since, theirs stays.
pub fn uninstall() {
    if !INSTALLED.load(Ordering::Acquire) {
        return;
    }
    // Ignoring a signal discards those that are pending, in every thread.
    if let Ok(replaced) = replace(libc::SIG_IGN, 0) {
        if replaced.disposition != Disposition::Handler(on_signal as *const () as usize) {
            put_back(&replaced.action);
        } else if !PREVIOUS_IGNORED.load(Ordering::Relaxed) {
            // The kernel does not refuse SIG_DFL for SIGPROF; if it did, ignoring the signal stays, which is harmless.
            let _ = replace(libc::SIG_DFL, 0);
        }
    }
    INSTALLED.store(false, Ordering::Release);
}

/// Returns what the process does about SIGPROF now.
pub fn previous_disposition() -> Disposition {
    let mut current = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action asks only; `current` has room for the answer.
    unsafe { libc::sigaction(libc::SIGPROF, ptr::null(), current.as_mut_ptr()) };
    // SAFETY: a zeroed sigaction is a valid one (SIG_DFL), so it is initialised even if the call failed.
    disposition(&unsafe { current.assume_init() })
}

/// Returns how many signals found no state for their thread, since the process began.
pub fn unregistered_signals() -> u64 {
    UNREGISTERED_SIGNALS.load(Ordering::Relaxed)
}

struct Replaced {
    disposition: Disposition,
    action: libc::sigaction,
}

fn disposition(action: &libc::sigaction) -> Disposition {
    match action.sa_sigaction {
        libc::SIG_DFL => Disposition::Default,
        libc::SIG_IGN => Disposition::Ignore,
        handler => Disposition::Handler(handler),
    }
}

fn replace(handler: libc::sighandler_t, flags: libc::c_int) -> Result<Replaced, InstallError> {
    let new = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a zeroed sigaction is a valid one: no flags, an empty mask, the default disposition.
    let mut new = unsafe { new.assume_init() };
    new.sa_sigaction = handler;
    new.sa_flags = flags;
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: both point to live sigactions; the handler obeys the rules of signal-safety(7).
    let result = unsafe { libc::sigaction(libc::SIGPROF, &new, old.as_mut_ptr()) };
    if result != 0 {
        // SAFETY: errno's address is valid on every thread.
        let errno_address = unsafe { libc::__errno_location() };
        // SAFETY: as above.
        return Err(InstallError::Refused(unsafe { errno_address.read() }));
    }
    // SAFETY: the call succeeded and filled it in.
    let action = unsafe { old.assume_init() };
    Ok(Replaced { disposition: disposition(&action), action })
}

fn put_back(action: &libc::sigaction) {
    // SAFETY: `action` is what sigaction itself returned a moment ago.
    unsafe { libc::sigaction(libc::SIGPROF, action, ptr::null_mut()) };
}
