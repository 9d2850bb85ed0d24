//! One request in a guest: the call of its handler, and the response on its way out.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::component::{Accessor, GuestTaskId, Resource, TypedFuncCallConcurrent};
use wasmtime::{AsContextMut, StoreContextMut};
use wasmtime_wasi_http::handler::{Proxy, Request};
use wasmtime_wasi_http::p2::bindings::http::types as p2;
use wasmtime_wasi_http::p3::bindings::http::types as p3;
use wasmtime_wasi_http::p3::{Request as P3Request, Response as P3Response};
use wasmtime_wasi_http::{Error as HttpError, WasiHttpView};

use super::job::{Failure, Reply};
use crate::command::Host;

/// How the guest's reading of the request's body ended.
type BodyRead = Pin<Box<dyn Future<Output = Result<(), HttpError>> + Send>>;

/// What a handler of 0.3 returns.
type P3Result = (Result<Resource<P3Response>, p3::ErrorCode>,);

/// A call of a guest's handler that is about to run.
pub(super) enum Call {
    /// `wasi:http/incoming-handler@0.2`: the guest hands its response over while it runs.
    P2 {
        call: TypedFuncCallConcurrent<Host, (Resource<p2::IncomingRequest>, Resource<p2::ResponseOutparam>), ()>,
        reply: SharedReply,
    },
    /// `wasi:http/handler@0.3`: the guest returns it.
    P3 { call: TypedFuncCallConcurrent<Host, (Resource<P3Request>,), P3Result>, reply: Reply, body_read: BodyRead },
}

/// A reply that the guest gives, or that is given for it when it ends without.
type SharedReply = Arc<Mutex<Option<Reply>>>;

fn take(reply: &SharedReply) -> Option<Reply> {
    reply.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl Call {
    /// Hands a request to the guest. Its handler runs once the store's event loop does.
    ///
    /// # Errors
    ///
    /// When the store has no room for the request, or its guest has trapped; the reply is dropped then.
    pub(super) fn start(
        mut store: StoreContextMut<'_, Host>,
        proxy: &Proxy,
        request: Request,
        reply: Reply,
    ) -> wasmtime::Result<Self> {
        match proxy {
            Proxy::P2(guest) => {
                let request = store.data_mut().http().new_incoming_request(p2::Scheme::Http, request)?;
                let reply = Arc::new(Mutex::new(Some(reply)));
                let of_guest = reply.clone();
                let out = store.data_mut().http().new_response_outparam_from_callback(move |response| {
                    if let Some(reply) = take(&of_guest) {
                        match response {
                            Ok(response) => reply.respond(response),
                            Err(code) => reply.fail(Failure::Guest(code.to_string())),
                        }
                    }
                })?;
                let function = guest.wasi_http_incoming_handler().func_handle();
                Ok(Self::P2 { call: function.start_call_concurrent(store, (request, out))?, reply })
            }
            Proxy::P3(guest) => {
                let (request, body_read) = P3Request::from_http(store.data_mut().http().hooks, request);
                let request = store.data_mut().http().table.push(request)?;
                let function = guest.wasi_http_handler().func_handle();
                Ok(Self::P3 {
                    call: function.start_call_concurrent(store, (request,))?,
                    reply,
                    body_read: Box::pin(body_read),
                })
            }
        }
    }

    /// The guest's task.
    pub(super) fn task(&self) -> GuestTaskId {
        match self {
            Self::P2 { call, .. } => call.task(),
            Self::P3 { call, .. } => call.task(),
        }
    }

    /// Runs the handler to its end. What it streams afterwards goes on as a task of the store's.
    ///
    /// # Errors
    ///
    /// When the guest trapped: nothing of its store can run any more.
    pub(super) async fn finish(self, accessor: &Accessor<Host>, proxy: &Proxy) -> wasmtime::Result<()> {
        match (self, proxy) {
            (Self::P2 { call, reply }, Proxy::P2(guest)) => {
                let function = guest.wasi_http_incoming_handler().func_handle();
                let ended = function.finish_call_concurrent(accessor, call).await;
                // A guest that traps after its response has answered all the same.
                if let Some(reply) = take(&reply).filter(|_| ended.is_ok()) {
                    reply.fail(Failure::Guest("it returned without a response".to_owned()));
                }
                ended
            }
            (Self::P3 { call, reply, body_read }, Proxy::P3(guest)) => {
                let function = guest.wasi_http_handler().func_handle();
                let (result,) = function.finish_call_concurrent(accessor, call).await?;
                let response = match result {
                    Err(code) => {
                        reply.fail(Failure::Guest(code.to_string()));
                        return Ok(());
                    }
                    Ok(response) => accessor.with(|mut store| {
                        let response = store.data_mut().http().table.delete(response)?;
                        response.into_http_with_getter(store.as_context_mut(), body_read, WasiHttpView::http)
                    }),
                };
                match response {
                    Ok(response) => reply.respond(response),
                    Err(error) => reply.fail(Failure::Guest(format!("its response cannot be sent: {error:#}"))),
                }
                Ok(())
            }
            _ => Err(wasmtime::format_err!("the call is of another version of wasi:http than the guest")),
        }
    }
}
