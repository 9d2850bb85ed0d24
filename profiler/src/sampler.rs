//! Starting and stopping.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use wasmscope_model::{Counter, RawSample, TimerKind};
use wasmscope_signal::{self as signal, InstallError};

use crate::epoch::{AdvanceEpoch, EpochTicker};
use crate::host_calls;
use crate::raw_recording::RawRecording;
use crate::requests;
use crate::session::Session;
use crate::sys;
use crate::threads::{self, Threads};
use crate::ticks;
use crate::timer::TimerChoice;
use crate::{CodeRegistry, Error, SamplerConfig};

/// Samples every thread of this process that runs a guest.
///
/// # Accuracy
///
/// Samples are spread evenly over the CPU time of each thread; with n samples a share p has a standard error of
/// √(p(1-p)/n). What is missed is counted in [`wasmscope_model::Losses`].
///
/// # Security
///
/// A recording holds function names, source paths and module names, and no data of the guest.
#[derive(Debug)]
pub struct Sampler;

/// A sampler at work; it stops on drop.
#[derive(Debug)]
pub struct RunningSampler {
    registry: Arc<CodeRegistry>,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Running(Running),
    /// A change of the rate failed: what was recorded before it, until somebody takes it.
    Stopped(Option<Box<RawRecording>>),
}

#[derive(Debug)]
struct Running {
    session: Arc<Session>,
    drain: JoinHandle<()>,
    drive: Drive,
    ticker: Option<EpochTicker>,
}

/// What makes the samples.
#[derive(Clone, Debug)]
enum Drive {
    Signals,
    Epochs(AdvanceEpoch),
}

impl Sampler {
    /// Starts sampling. Threads that are inside a guest, and those that enter one later, are sampled from then on.
    ///
    /// # Errors
    ///
    /// When SIGPROF is taken (by name of who has it), when a sampler of this process is running already, when no timer
    /// works here, and for a rate out of range.
    pub fn start(config: SamplerConfig, registry: Arc<CodeRegistry>) -> Result<RunningSampler, Error> {
        config.period()?;
        install()?;
        match Running::start(config, registry.clone(), Drive::Signals) {
            Ok(running) => Ok(RunningSampler { registry, state: Mutex::new(State::Running(running)) }),
            Err(error) => {
                signal::uninstall();
                Err(error)
            }
        }
    }

    /// Starts sampling without signals, by the checks of guests whose engines `advance` advances the epochs of. Their stores
    /// must call [`crate::epoch_reached`] when a check finds a new epoch, and let the guest go on until the next.
    ///
    /// # Errors
    ///
    /// When a sampler of this process is running already, and for a rate out of range.
    ///
    /// # Accuracy
    ///
    /// See [`crate::epoch_reached`].
    pub fn start_by_epochs(
        config: SamplerConfig,
        registry: Arc<CodeRegistry>,
        advance: AdvanceEpoch,
    ) -> Result<RunningSampler, Error> {
        let running = Running::start(config, registry.clone(), Drive::Epochs(advance))?;
        Ok(RunningSampler { registry, state: Mutex::new(State::Running(running)) })
    }
}

/// Installs the handler.
fn install() -> Result<(), Error> {
    signal::install().map_err(|error| match error {
        InstallError::AlreadyInstalled => Error::AlreadyRunning,
        InstallError::Taken(address) => Error::SignalTaken { by: sys::name_of_function(address) },
        InstallError::Refused(errno) => {
            Error::HandlerRefused { reason: std::io::Error::from_raw_os_error(errno).to_string() }
        }
    })
}

/// SIGPROF, taken for a moment; put back on drop.
pub(crate) struct HeldSignal(());

impl HeldSignal {
    /// Takes the signal, without sampling anything.
    pub(crate) fn take() -> Result<Self, Error> {
        install().map(|()| Self(()))
    }
}

impl Drop for HeldSignal {
    fn drop(&mut self) {
        signal::uninstall();
    }
}

impl Drive {
    /// Puts SIGPROF back as it was, if it was taken.
    fn uninstall(&self) {
        if matches!(self, Drive::Signals) {
            signal::uninstall();
        }
    }
}

impl Running {
    fn start(config: SamplerConfig, registry: Arc<CodeRegistry>, drive: Drive) -> Result<Self, Error> {
        let choice = match drive {
            Drive::Signals => TimerChoice::make(&config)?,
            Drive::Epochs(_) => TimerChoice::epochs(&config)?,
        };
        let period = choice.period;
        ticks::choose_clock();
        let session = Arc::new(Session::new(config, choice, registry));
        let for_drain = session.clone();
        let drain = std::thread::Builder::new()
            .name("wasmscope-drain".into())
            .spawn(move || for_drain.drain_loop())
            .map_err(|error| Error::Thread { reason: error.to_string() })?;
        let threads = &mut *Threads::lock();
        if threads.session.is_some() {
            // Another engine than ours samples already.
            session.tell_drain_to_stop();
            return Err(Error::AlreadyRunning);
        }
        let ticker = match &drive {
            Drive::Signals => None,
            Drive::Epochs(advance) => {
                let ticker = EpochTicker::start(period, advance.clone());
                Some(ticker.inspect_err(|_| session.tell_drain_to_stop())?)
            }
        };
        threads::set_epoch_period(match drive {
            Drive::Signals => 0,
            Drive::Epochs(_) => u64::try_from(period.as_nanos()).unwrap_or(u64::MAX),
        });
        host_calls::begin(session.config.waits);
        requests::set_recording(true);
        for thread in &mut threads.live {
            session.arm(thread);
        }
        threads.begin(session.clone());
        Ok(Self { session, drain, drive, ticker })
    }

    /// Stops the timers and the drain thread, cuts what was recorded, and lets the threads go.
    fn halt(self) -> RawRecording {
        let Self { session, drain, ticker, drive: _ } = self;
        drop(ticker);
        threads::set_epoch_period(0);
        session.disarm_all(&mut Threads::lock());
        session.tell_drain_to_stop();
        // A drain thread that panicked has lost nothing that the cut cannot still find in the rings.
        let _ = drain.join();
        let recording = session.last_cut();
        host_calls::end();
        requests::set_recording(false);
        let threads = &mut *Threads::lock();
        threads.session = None;
        session.release_threads(threads);
        recording
    }
}

impl RunningSampler {
    /// Hands over what was recorded since the start or the last cut, and goes on sampling.
    ///
    /// After a failed [`RunningSampler::set_rate`] it hands over what was recorded before that, then `None`.
    pub fn cut(&self) -> Option<RawRecording> {
        match &mut *self.lock() {
            State::Running(running) => Some(running.session.cut()),
            State::Stopped(left) => left.take().map(|left| *left),
        }
    }

    /// Stops sampling, puts SIGPROF back as it was, and hands over what was recorded since the last cut.
    ///
    /// After a failed [`RunningSampler::set_rate`] it hands over what was recorded before that, if no cut has.
    pub fn stop(self) -> Option<RawRecording> {
        self.halt()
    }

    /// Goes on with another rate, and hands over what was recorded at the old one since the last cut: a recording has
    /// one rate.
    ///
    /// # Errors
    ///
    /// As [`Sampler::start`]. A rate out of range changes nothing. On any other error sampling has stopped, and what was
    /// recorded is left for [`RunningSampler::cut`] or [`RunningSampler::stop`].
    pub fn set_rate(&self, rate_hz: u32) -> Result<RawRecording, Error> {
        let state = &mut *self.lock();
        let State::Running(running) = state else {
            return Err(Error::NoTimer { reasons: "sampling has stopped".to_owned() });
        };
        let config = SamplerConfig { rate_hz, ..running.session.config.clone() };
        config.period()?;
        let State::Running(running) = std::mem::replace(state, State::Stopped(None)) else {
            return Err(Error::NoTimer { reasons: "sampling has stopped".to_owned() });
        };
        let drive = running.drive.clone();
        let recording = running.halt();
        match Running::start(config, self.registry.clone(), drive.clone()) {
            Ok(next) => {
                *state = State::Running(next);
                Ok(recording)
            }
            Err(error) => {
                drive.uninstall();
                *state = State::Stopped(Some(Box::new(recording)));
                Err(error)
            }
        }
    }

    /// Returns the rate that was asked for; 0 when sampling has stopped.
    pub fn rate_hz(&self) -> u32 {
        self.with(|running| running.session.config.rate_hz).unwrap_or(0)
    }

    /// Returns which timer is used, and why.
    pub fn timer(&self) -> Option<(TimerKind, String)> {
        self.with(|running| (running.session.choice.kind, running.session.choice.reason.clone()))
    }

    /// Returns the last sample of each thread that is still alive.
    ///
    /// # Accuracy
    ///
    /// As old as the thread's last sample: a thread that uses no CPU is not sampled, and shows where it last ran.
    pub fn last_samples(&self) -> Vec<RawSample> {
        self.with(|running| running.session.last_samples()).unwrap_or_default()
    }

    /// Returns the counters since the last cut.
    pub fn counters(&self) -> Vec<Counter> {
        self.with(|running| running.session.counters()).unwrap_or_default()
    }

    fn with<T>(&self, act: impl FnOnce(&Running) -> T) -> Option<T> {
        match &*self.lock() {
            State::Running(running) => Some(act(running)),
            State::Stopped(_) => None,
        }
    }

    fn halt(&self) -> Option<RawRecording> {
        match std::mem::replace(&mut *self.lock(), State::Stopped(None)) {
            State::Running(running) => {
                let drive = running.drive.clone();
                let recording = running.halt();
                drive.uninstall();
                Some(recording)
            }
            State::Stopped(left) => left.map(|left| *left),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RunningSampler {
    fn drop(&mut self) {
        self.halt();
    }
}
