//! Answers, whole or damaged.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::Value;

/// An answer before it goes to the wire.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(HeaderName, String)>,
    body: Vec<u8>,
}

impl Reply {
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn json(status: u16, value: &Value) -> Self {
        let mut reply = Self::empty(status).with(header::CONTENT_TYPE, "application/json");
        reply.body = value.to_string().into_bytes();
        reply
    }

    pub(crate) fn html(status: u16) -> Self {
        let kind = "text/html; charset=utf-8";
        let mut reply = Self::empty(status).with(header::CONTENT_TYPE, kind);
        reply.body =
            b"<!doctype html><title>Network sign-in</title><p>Sign in to go on.</p>\n".into();
        reply
    }

    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Answers that hold tokens, and errors of the same endpoint, must not be cached.
    pub(crate) fn no_store(self) -> Self {
        self.with(header::CACHE_CONTROL, "no-store")
            .with(header::PRAGMA, "no-cache")
    }

    /// Makes the body something no JSON parser takes.
    pub(crate) fn malformed(mut self) -> Self {
        match self.body.iter_mut().find(|b| **b == b':') {
            Some(colon) => *colon = b'=',
            None => self.body = b"{\"error\"=".into(),
        }
        self
    }

    /// Announces the whole body and sends half of it.
    pub(crate) fn truncated(mut self) -> Response<WireBody> {
        if self.body.is_empty() {
            self.body = b"{\"ok\":true}".into();
        }
        let full = self.body.len();
        self.body.truncate(full / 2);
        let half = Bytes::from(std::mem::take(&mut self.body));
        let reply = self.with(header::CONTENT_LENGTH, full.to_string());
        reply.wire(WireBody::Half {
            data: Some(half),
            flushed: false,
        })
    }

    pub(crate) fn whole(mut self) -> Response<WireBody> {
        let body = Bytes::from(std::mem::take(&mut self.body));
        self.wire(WireBody::Whole(Some(body).filter(|b| !b.is_empty())))
    }

    fn wire(self, body: WireBody) -> Response<WireBody> {
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// The server closes the connection on purpose.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection cut on purpose")
    }
}

impl std::error::Error for Cut {}

/// Body of an answer on the wire.
#[derive(Debug)]
pub(crate) enum WireBody {
    Whole(Option<Bytes>),
    Half { data: Option<Bytes>, flushed: bool },
}

impl Body for WireBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut *self {
            Self::Whole(data) => Poll::Ready(data.take().map(|d| Ok(Frame::data(d)))),
            Self::Half { data, flushed } => {
                if let Some(half) = data.take() {
                    return Poll::Ready(Some(Ok(Frame::data(half))));
                }
                if !*flushed {
                    // The connection writes out what it holds only when the body has to wait.
                    *flushed = true;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(Some(Err(Cut)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(data) => SizeHint::with_exact(data.as_ref().map_or(0, Bytes::len) as u64),
            Self::Half { .. } => SizeHint::default(),
        }
    }
}
