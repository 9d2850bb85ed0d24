//! One probe for each engine whose stores are sampled.

use std::sync::{Arc, PoisonError, RwLock};

use wasmtime::{Engine, EngineWeak, Store};

use super::self_check::host_route_works;
use super::store_context::{Probe, StoreWords};

/// Makes a probe on an engine's first use, after the self-check, and keeps it as long as the engine lives.
#[derive(Default)]
pub(crate) struct Probes(RwLock<Vec<(EngineWeak, Checked)>>);

/// A probe, or why this engine cannot have one.
type Checked = Result<Arc<Probe>, Arc<str>>;

impl std::fmt::Debug for Probes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probes").finish_non_exhaustive()
    }
}

impl Probes {
    /// Finds the words of a store, or tells why its host calls will have no guest stack.
    pub(crate) fn words_of<T: 'static>(&self, store: &mut Store<T>) -> Result<StoreWords, String> {
        match self.of_engine(store.engine()) {
            Ok(probe) => probe.find(store),
            Err(reason) => Err((*reason).to_owned()),
        }
    }

    /// Returns the probe of an engine; the first call runs the self-check.
    pub(crate) fn of_engine(&self, engine: &Engine) -> Checked {
        let is_known = |known: &EngineWeak| known.upgrade().is_some_and(|known| Engine::same(&known, engine));
        // Stores of a known engine, which may be made for every request, do not wait for one another.
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, checked)) = known.iter().find(|(known, _)| is_known(known)) {
            return checked.clone();
        }
        drop(known);
        let probes = &mut *self.0.write().unwrap_or_else(PoisonError::into_inner);
        probes.retain(|(known, _)| known.upgrade().is_some());
        if let Some((_, checked)) = probes.iter().find(|(known, _)| is_known(known)) {
            return checked.clone();
        }
        let checked = host_route_works(engine)
            .and_then(|()| Probe::new(engine).map_err(|error| format!("{error:#}")))
            .map(Arc::new)
            .map_err(Arc::from);
        probes.push((engine.weak(), checked.clone()));
        checked
    }
}
