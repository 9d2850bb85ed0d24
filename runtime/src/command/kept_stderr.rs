//! The guest's standard error: it goes to ours, and its end is kept for the report of a trap.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// A message that stands further from the end is not found again.
const MAX_KEPT: usize = 16 << 10;

/// Our standard error for a guest; clones keep the same text.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeptStderr(Arc<Mutex<VecDeque<u8>>>);

impl KeptStderr {
    fn keep(&self, bytes: &[u8]) {
        let kept = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = bytes.get(bytes.len().saturating_sub(MAX_KEPT)..).unwrap_or_default();
        let too_many = (kept.len() + bytes.len()).saturating_sub(MAX_KEPT);
        kept.drain(..too_many.min(kept.len()));
        kept.extend(bytes);
    }

    /// Returns the last that the guest wrote.
    pub(crate) fn text(&self) -> String {
        let kept = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(kept.make_contiguous()).into_owned()
    }
}

impl IsTerminal for KeptStderr {
    fn is_terminal(&self) -> bool {
        IsTerminal::is_terminal(&io::stderr())
    }
}

impl StdoutStream for KeptStderr {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(KeptWrite { kept: self.clone(), inner: Pin::from(io::stderr().async_stream()) })
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(KeptOutput { kept: self.clone(), inner: io::stderr().p2_stream() })
    }
}

/// A stream of WASI 0.2.
struct KeptOutput {
    kept: KeptStderr,
    inner: Box<dyn OutputStream>,
}

#[wasmtime_wasi::async_trait]
impl Pollable for KeptOutput {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

impl OutputStream for KeptOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.kept.keep(&bytes);
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.inner.check_write()
    }
}

/// A stream of WASI 0.1 and 0.3.
struct KeptWrite {
    kept: KeptStderr,
    inner: Pin<Box<dyn AsyncWrite + Send + Sync>>,
}

impl AsyncWrite for KeptWrite {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.inner.as_mut().poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = written {
            self.kept.keep(bytes.get(..count).unwrap_or(bytes));
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.as_mut().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.as_mut().poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_whatever_is_written() {
        let kept = KeptStderr::default();
        kept.keep(&vec![b'a'; MAX_KEPT - 1]);
        kept.keep(b"bc");
        assert_eq!((kept.text().len(), kept.text().ends_with("abc")), (MAX_KEPT, true));
        kept.keep(&vec![b'd'; 3 * MAX_KEPT]);
        assert_eq!(kept.text(), "d".repeat(MAX_KEPT));
    }
}
