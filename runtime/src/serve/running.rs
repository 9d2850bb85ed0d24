//! A service on threads of its own.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use tokio::sync::oneshot;

use super::listener::serve;
use super::service::Service;

/// A service that answers requests until it is told to end.
#[derive(Debug)]
pub struct RunningService {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl Service {
    /// Starts to answer requests, on as many threads as there are processors. `failed` is called if the listener fails.
    ///
    /// # Errors
    ///
    /// When the system gives no threads.
    pub fn start(self, listener: TcpListener, failed: impl FnOnce() + Send + 'static) -> io::Result<RunningService> {
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("service").build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let run = move || {
            let result = runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                // Whoever starts a service and forgets it has it until the process ends.
                let stopped = async {
                    if stopped.await.is_err() {
                        std::future::pending().await
                    }
                };
                serve(Arc::new(self), listener, stopped).await
            });
            // A guest that goes on, and a thread that still reads standard input, would not let go.
            runtime.shutdown_background();
            if result.is_err() {
                failed();
            }
            result
        };
        Ok(RunningService { stop, thread: Builder::new().name("service".into()).spawn(run)? })
    }
}

impl RunningService {
    /// Accepts no more connections, and waits for requests in work, as long as [`super::ServeLimits::drain`] says.
    ///
    /// # Errors
    ///
    /// When the listener has failed.
    pub fn stop(self) -> io::Result<()> {
        // It may have ended by itself.
        let _ = self.stop.send(());
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the service's thread panicked")))
    }
}
