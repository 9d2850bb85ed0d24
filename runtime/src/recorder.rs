//! A recording in the making.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use wasmscope_model::{Counter, RawSample, Recording};
use wasmscope_profiler::{AdvanceEpoch, RawRecording, RunningSampler, Sampler, SamplerConfig};

use crate::Error;
use crate::session::Shared;

/// Samples until stopped or dropped. Threads may enter guests, and modules may come and go, meanwhile.
#[derive(Debug)]
pub struct Recorder {
    shared: Arc<Shared>,
    sampler: Option<RunningSampler>,
    /// What earlier cuts have counted.
    before: Mutex<BTreeMap<&'static str, u64>>,
}

impl Recorder {
    pub(crate) fn start(shared: Arc<Shared>, config: SamplerConfig) -> Result<Self, Error> {
        // First the modules: one that is unloaded a moment after the first sample must still be known.
        shared.modules.set_recording(true);
        let registry = shared.registry.clone();
        let started = match shared.by_epochs.clone() {
            None => Sampler::start(config, registry),
            Some(engine) => {
                Sampler::start_by_epochs(config, registry, AdvanceEpoch::new(move || engine.increment_epoch()))
            }
        };
        match started {
            Ok(sampler) => Ok(Self { shared, sampler: Some(sampler), before: Mutex::default() }),
            Err(wasmscope_profiler::Error::AlreadyRunning) => Err(wasmscope_profiler::Error::AlreadyRunning.into()),
            Err(error) => {
                shared.modules.set_recording(false);
                Err(error.into())
            }
        }
    }

    /// Hands over what was recorded since the start or the last cut, with names and lines, and goes on.
    ///
    /// After a failed [`Recorder::set_rate`] it hands over what was recorded before that.
    ///
    /// # Errors
    ///
    /// When sampling has stopped because a change of the rate failed, and nothing is left to hand over.
    pub fn cut(&self) -> Result<Recording, Error> {
        let raw = self.remembering_counters(|sampler| sampler.cut().ok_or(Error::NotRecording))?;
        Ok(self.symbolize(raw))
    }

    /// Stops sampling, and hands over what was recorded since the start or the last cut, with names and lines.
    ///
    /// # Errors
    ///
    /// As [`Recorder::cut`].
    pub fn stop(mut self) -> Result<Recording, Error> {
        let raw = self.sampler.take().and_then(RunningSampler::stop).ok_or(Error::NotRecording)?;
        Ok(self.symbolize(raw))
    }

    /// Goes on with another rate, and hands over what was recorded at the old one since the last cut, as
    /// [`Recorder::cut`] does: a recording has one rate.
    ///
    /// # Errors
    ///
    /// For a rate out of range, which changes nothing, and when sampling could not start again; what was recorded is
    /// left for [`Recorder::cut`] or [`Recorder::stop`] then.
    pub fn set_rate(&self, rate_hz: u32) -> Result<Recording, Error> {
        let raw = self.remembering_counters(|sampler| sampler.set_rate(rate_hz).map_err(Error::from))?;
        Ok(self.symbolize(raw))
    }

    /// Adds up the counters of what ends with `cut`, for [`Recorder::counters`].
    fn remembering_counters(
        &self,
        cut: impl FnOnce(&RunningSampler) -> Result<RawRecording, Error>,
    ) -> Result<RawRecording, Error> {
        let before = &mut *self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let counters = self.running().counters();
        let raw = cut(self.running());
        // A change of the rate that fails may leave sampling as it was, or stopped.
        if raw.is_ok() || self.rate_hz() == 0 {
            for counter in counters {
                *before.entry(counter.name).or_default() += counter.value;
            }
        }
        raw
    }

    /// Returns the rate that was asked for; 0 when sampling has stopped.
    pub fn rate_hz(&self) -> u32 {
        self.running().rate_hz()
    }

    /// Returns the last sample of each thread that runs or ran a guest and is alive.
    pub fn last_samples(&self) -> Vec<RawSample> {
        self.running().last_samples()
    }

    /// Returns the counters since the start.
    ///
    /// # Accuracy
    ///
    /// Signals that arrive while a cut is being made may be missing.
    pub fn counters(&self) -> Vec<Counter> {
        let before = &*self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counters = self.running().counters();
        if counters.is_empty() {
            // Sampling has stopped.
            return before.iter().map(|(name, value)| Counter { name, value: *value }).collect();
        }
        for counter in &mut counters {
            counter.value += before.get(counter.name).copied().unwrap_or(0);
        }
        counters
    }

    fn running(&self) -> &RunningSampler {
        #[expect(clippy::expect_used, reason = "only `stop` takes the sampler, and it takes the recorder with it")]
        self.sampler.as_ref().expect("the sampler is there until the recorder is gone")
    }

    fn symbolize(&self, raw: RawRecording) -> Recording {
        let mut symbolizer = self.shared.modules.symbolizer_after_cut();
        let mut notes = self.shared.notes.all();
        let mut recording = match self.shared.keeps_raw {
            true => raw.kept_raw(&mut symbolizer),
            false => {
                notes.extend(self.shared.modules.add_debug_files(&mut symbolizer));
                raw.symbolize(&mut symbolizer)
            }
        };
        if let Some(run) = &mut recording.run {
            run.notes.extend(notes);
        }
        recording
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.modules.set_recording(false);
    }
}
