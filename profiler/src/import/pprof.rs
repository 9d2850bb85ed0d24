//! Reading pprof files.

use std::io::Read;
use std::time::{Duration, UNIX_EPOCH};

use flate2::read::MultiGzDecoder;
use prost::Message;
use wasmscope_model::{
    ByteSize, ClockAnchor, EngineKind, Event, HostCallTotals, Losses, OwnCost, Recording, RecordingError, RunReport,
    TimerKind, Timestamp,
};

use super::decoded_size::decoded_size;
use super::{requests, tables, timeline};
use crate::export::EXTENSION_VERSION;
use crate::export::extension::{Extension, Run};
use crate::export::messages::Profile;

/// Profiles larger than this when unpacked are refused: a small file can unpack to any size.
pub const MAX_PROFILE_BYTES: u64 = 512 << 20;
/// Profiles whose messages take more than this in memory are refused: two bytes can claim a whole message.
const MAX_DECODED_BYTES: u64 = 2 << 30;
/// Profiles whose names are longer than this are refused: a few bytes can refer to one long name again and again.
const MAX_TEXT_BYTES: u64 = 1 << 30;

/// Why a file is not a profile that can be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The compression is broken or ends early.
    #[error("the gzip data is damaged: {reason}")]
    Gzip {
        /// What the decompressor says.
        reason: String,
    },
    /// It is larger than any profile should be.
    #[error("{what} more than {} of memory, which no real profile does", ByteSize::new(*limit))]
    TooLarge {
        /// What is large.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// Its stacks are longer than those of any profile should be.
    #[error("its stacks have more than {limit} frames in all, which no real profile has")]
    TooManyFrames {
        /// The limit.
        limit: u64,
    },
    /// The values of one column add up to more than fits.
    #[error("the values of {column:?} add up to more than 2^63")]
    TotalTooLarge {
        /// The column.
        column: String,
    },
    /// The bytes are not a pprof message.
    #[error("not a pprof profile: {reason}")]
    NotPprof {
        /// What the decoder says.
        reason: String,
    },
    /// The message has no samples and no tables: most likely something else.
    #[error("not a pprof profile: it has no sample types")]
    NoSampleTypes,
    /// An index or id points to something that is not there.
    #[error("{what} refers to {target} {index}, which does not exist")]
    Dangling {
        /// What refers.
        what: String,
        /// What is referred to.
        target: &'static str,
        /// The index or id.
        index: i128,
    },
    /// Two things have the same id, or an id is zero.
    #[error("{target} id {id} is zero or used twice")]
    BadId {
        /// What has the id.
        target: &'static str,
        /// The id.
        id: u64,
    },
    /// A sample has not as many values as there are sample types.
    #[error("sample {sample} has {found} values, and there are {expected} sample types")]
    ValueCount {
        /// Which sample, from 0.
        sample: usize,
        /// How many it has.
        found: usize,
        /// How many it must have.
        expected: usize,
    },
    /// A value is negative, as in differences of profiles.
    #[error("sample {sample} has the negative value {value}; differences of profiles cannot be read")]
    Negative {
        /// Which sample, from 0.
        sample: usize,
        /// The value.
        value: i64,
    },
    /// The tables do not fit together.
    #[error(transparent)]
    Inconsistent(#[from] RecordingError),
}

/// Reads a pprof file, gzipped or not: ours with everything it holds, or another tool's.
///
/// # Errors
///
/// When the bytes are not a profile, or its parts do not fit together; nothing is guessed.
pub fn read_pprof(bytes: &[u8]) -> Result<Recording, ImportError> {
    let unpacked;
    let message = if bytes.starts_with(&[0x1f, 0x8b]) {
        unpacked = unpack(bytes, MAX_PROFILE_BYTES)?;
        &unpacked
    } else {
        bytes
    };
    let profile = decode(message, MAX_DECODED_BYTES)?;
    if profile.sample_type.is_empty() {
        return Err(ImportError::NoSampleTypes);
    }
    let mut notes = Vec::new();
    let version = profile.extension.as_ref().map_or(0, |extension| extension.version);
    if version > EXTENSION_VERSION {
        notes.push(format!(
            "written by a newer wasmscope (extension version {version}, known is {EXTENSION_VERSION}); what it adds is not shown"
        ));
    }
    let tables = tables::convert(&profile, MAX_TEXT_BYTES, &mut notes)?;
    let extension = profile.extension.as_ref();
    let run = extension.and_then(|extension| extension.run.as_ref()).and_then(run_of);
    let timeline = extension.and_then(|extension| timeline::read(extension.timeline.as_ref()?, &tables, &mut notes));
    let requests = extension.and_then(|extension| requests::read(extension.requests.as_ref()?, &tables, &mut notes));
    let recording = Recording {
        profile: tables,
        host_calls: extension.map(host_calls_of).unwrap_or_default(),
        timeline,
        requests,
        losses: extension.map(losses_of).unwrap_or_default(),
        run,
        started: started(&profile),
        notes,
    };
    recording.validate()?;
    Ok(recording)
}

fn unpack(bytes: &[u8], limit: u64) -> Result<Vec<u8>, ImportError> {
    let mut unpacked = Vec::new();
    let mut limited = MultiGzDecoder::new(bytes).take(limit.saturating_add(1));
    limited.read_to_end(&mut unpacked).map_err(|error| ImportError::Gzip { reason: error.to_string() })?;
    if unpacked.len() as u64 > limit {
        return Err(ImportError::TooLarge { what: "unpacked it takes", limit });
    }
    Ok(unpacked)
}

fn decode(message: &[u8], limit: u64) -> Result<Profile, ImportError> {
    if decoded_size(message) > limit {
        return Err(ImportError::TooLarge { what: "decoded it takes", limit });
    }
    Profile::decode(message).map_err(|error| ImportError::NotPprof { reason: error.to_string() })
}

fn started(profile: &Profile) -> Option<ClockAnchor> {
    let nanos = u64::try_from(profile.time_nanos).ok().filter(|nanos| *nanos != 0)?;
    let monotonic = profile.extension.as_ref().and_then(|extension| extension.started_monotonic_nanos);
    Some(ClockAnchor {
        monotonic: Timestamp::from_monotonic_nanos(monotonic.unwrap_or(0)),
        wall: UNIX_EPOCH.checked_add(Duration::from_nanos(nanos))?,
    })
}

fn losses_of(extension: &Extension) -> Losses {
    let mut losses = Losses::default();
    for loss in &extension.losses {
        // A reason that a later version added is not known here, and its samples are not ours to judge.
        losses.set(&loss.reason, loss.count);
    }
    losses
}

fn host_calls_of(extension: &Extension) -> Vec<HostCallTotals> {
    let calls = extension.host_calls.iter().map(|calls| HostCallTotals {
        name: calls.name.clone(),
        count: calls.count,
        total: Duration::from_nanos(calls.total_nanos),
        max: Duration::from_nanos(calls.max_nanos),
        p99: Duration::from_nanos(calls.p99_nanos),
    });
    calls.collect()
}

fn run_of(run: &Run) -> Option<RunReport> {
    Some(RunReport {
        engine: EngineKind::from_name(&run.engine)?,
        timer: TimerKind::from_name(&run.timer)?,
        timer_reason: run.timer_reason.clone(),
        rate_hz: run.rate_hz,
        duration: Duration::from_nanos(run.duration_nanos),
        cpu: run.cpu_nanos.map(Duration::from_nanos),
        signals: run.signals,
        threads: run.threads,
        cost: OwnCost {
            handler: Duration::from_nanos(run.handler_nanos),
            drain: Duration::from_nanos(run.drain_nanos),
        },
        notes: run.notes.clone(),
    })
}

/// Returns which event a pair of columns holds, by the name of its second.
pub(super) fn event_of_column(name: &str) -> Option<Event> {
    match name {
        "cpu" => Some(Event::Cpu),
        "wait" => Some(Event::Wait),
        "ready" => Some(Event::Ready),
        "alloc_space" => Some(Event::Alloc),
        "inuse_space" => Some(Event::Live),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
