//! The thread that accepts connections.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::runtime;
use tokio::sync::oneshot;

use crate::desk::Shared;
use crate::http;

/// Starts the thread. It ends, with all connections, when `stopped` is dropped by its sender.
pub(crate) fn spawn(
    listener: TcpListener,
    shared: Arc<Shared>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<JoinHandle<()>> {
    listener.set_nonblocking(true)?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let listener = {
        let _context = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let thread = thread::Builder::new().name("testserver".into());
    thread.spawn(move || {
        runtime.block_on(async {
            tokio::spawn(accept(listener, shared));
            // An error means the handle is gone, which is the signal.
            let _ = stopped.await;
        });
        // The runtime is dropped here and closes what is open.
    })
}

async fn accept(listener: tokio::net::TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of file handles, most likely: let others close some.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Small answers must not wait for the acknowledgement of earlier ones.
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| http::answer(Arc::clone(&shared), peer, request));
        tokio::spawn(async move {
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // Errors are clients that went away and connections cut on purpose.
            let _ = connection.await;
        });
    }
}
