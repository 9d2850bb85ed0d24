//! A component that is compiled and linked, of which any number of instances can be made.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{Component, Linker};
use wasmtime::{Store, Trap, UpdateDeadline};
use wasmtime_wasi_http::handler::{Proxy, ProxyPre};
use wasmtime_wasi_http::{p2, p3};

use super::dispatcher::Dispatcher;
use super::event::Listener;
use super::in_work::label_request;
use super::limits::{InstanceLimits, ServeLimits};
use super::log::Log;
use super::route::{RouteTemplate, Routes};
use crate::command::{Host, check_imports, give_wasi, limit_store, offer_http};
use crate::compiled::CompiledGuest;
use crate::{AttachedStore, Error, Guest, GuestRun, ProfileSession};

/// How often guests look whether their time is over.
const EPOCH: Duration = Duration::from_millis(10);

/// A component that answers HTTP requests, compiled and linked.
pub struct Service {
    run: GuestRun,
    guest: Guest,
    session: Arc<ProfileSession>,
    pre: ProxyPre<Host>,
    limits: ServeLimits,
    dispatcher: Arc<Dispatcher>,
    log: Arc<Log>,
    routes: Routes,
}

/// An instance that is ready for its first request.
pub(super) struct Instance {
    pub(super) store: Store<Host>,
    pub(super) proxy: Proxy,
    pub(super) attached: Option<AttachedStore>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("guest", &self.guest.name())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Compiles and links a component, and checks everything that can be checked before the first request.
    ///
    /// # Errors
    ///
    /// When wasmtime refuses the guest, it is no component, it exports no handler of `wasi:http`, or an import is missing.
    pub fn prepare(
        run: GuestRun,
        session: Arc<ProfileSession>,
        guest: &Guest,
        limits: ServeLimits,
        templates: Vec<RouteTemplate>,
        listener: Listener,
    ) -> Result<Self, Error> {
        let CompiledGuest::Component(component) = run.compile(&session, guest)? else {
            return Err(Error::wrong_kind(guest, "a component that exports a handler of wasi:http"));
        };
        let mut linker = Linker::new(session.engine());
        let has_cli = offer_http(&mut linker, &run.wasmtime)?;
        let pre = link(guest, &component, &mut linker, &run, has_cli)?;
        let dispatcher = Dispatcher::new(limits.instances, limits.waiting);
        let log = Arc::new(Log::new(listener, guest.clone(), session.shared().clone(), run.backtrace_frames()));
        let routes = Routes::new(templates, limits.routes);
        let service = Self { run, guest: guest.clone(), session, pre, limits, dispatcher, log, routes };
        // What a guest is given may be refused too, such as a directory that is not there.
        service.new_store()?;
        Ok(service)
    }

    /// Tells whether the guest's handler is of WASI 0.3.
    pub fn is_p3(&self) -> bool {
        matches!(self.pre, ProxyPre::P3(_))
    }

    pub(super) fn limits(&self) -> &ServeLimits {
        &self.limits
    }

    pub(super) fn instance_limits(&self) -> InstanceLimits {
        self.limits.of_instance(self.is_p3())
    }

    pub(super) fn dispatcher(&self) -> &Arc<Dispatcher> {
        &self.dispatcher
    }

    pub(super) fn routes(&self) -> &Routes {
        &self.routes
    }

    pub(super) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// How long a request may take, by `-W timeout`.
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.run.wasmtime.wasm.timeout
    }

    fn new_store(&self) -> Result<(Store<Host>, Option<AttachedStore>), Error> {
        let options = &self.run.wasmtime;
        let mut store = Store::new(self.session.engine(), Host::new(options));
        store.limiter(|host| &mut host.limits);
        let attached = self.session.attach_with_hook_if_sampling(&mut store, label_request);
        if let Some(fuel) = options.wasm.fuel {
            store.set_fuel(fuel).map_err(|error| Error::engine(&error))?;
        }
        give_wasi(&mut store, &self.guest, &self.run)?;
        limit_store(&mut store, options);
        if self.timeout().is_some() {
            self.interrupt_late_guests(&mut store, attached.clone());
        }
        Ok((store, attached))
    }

    /// Lets guests look every few milliseconds whether a request's time is over, and others run meanwhile.
    fn interrupt_late_guests(&self, store: &mut Store<Host>, attached: Option<AttachedStore>) {
        let sampled = attached.filter(|_| self.session.shared().by_epochs.is_some());
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |store| {
            if let Some(attached) = &sampled {
                attached.epoch_reached();
            }
            // The client is told first.
            let is_late = |deadline: &Instant| Instant::now() >= *deadline + EPOCH;
            match store.data().deadlines.iter().any(is_late) {
                true => Err(Trap::Interrupt.into()),
                false => Ok(UpdateDeadline::Yield(1)),
            }
        });
    }

    /// Advances the epoch while the service runs, if guests look at it.
    pub(super) async fn advance_epoch(&self) {
        if self.timeout().is_none() {
            return std::future::pending().await;
        }
        let engine = self.session.engine();
        let mut ticks = tokio::time::interval(EPOCH);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            engine.increment_epoch();
        }
    }

    /// Makes an instance, in the time that its first request has.
    pub(super) async fn instantiate(&self, deadline: Option<Instant>) -> Result<Instance, String> {
        let (mut store, attached) = self.new_store().map_err(|error| error.to_string())?;
        store.data_mut().deadlines.extend(deadline);
        let made = self.pre.instantiate_async(&mut store);
        let made = match &attached {
            Some(attached) => attached.sampled(made).await,
            None => made.await,
        };
        let proxy = made.map_err(|error| format!("{error:#}"))?;
        store.data_mut().deadlines.clear();
        Ok(Instance { store, proxy, attached })
    }
}

fn link(
    guest: &Guest,
    component: &Component,
    linker: &mut Linker<Host>,
    run: &GuestRun,
    has_cli: bool,
) -> Result<ProxyPre<Host>, Error> {
    if run.wasmtime.wasm.unknown_imports_trap == Some(true) {
        linker.define_unknown_imports_as_traps(component).map_err(|error| Error::engine(&error))?;
    }
    check_imports(guest, component, linker, run, has_cli)?;
    let pre = linker.instantiate_pre(component).map_err(|error| Error::invalid(guest.path(), &format!("{error:#}")))?;
    if let Ok(pre) = p3::bindings::ServicePre::new(pre.clone()) {
        return Ok(ProxyPre::P3(pre));
    }
    match p2::bindings::ProxyPre::new(pre) {
        Ok(pre) => Ok(ProxyPre::P2(pre)),
        Err(_) => Err(Error::NoHandler(guest.path().to_owned())),
    }
}
