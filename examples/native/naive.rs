//! The other client: the token in a variable, an interceptor that refreshes on 401.
//!
//! Written as such clients usually are, with the care that is usual too: requests that fail together share one
//! refresh, each is sent again once, the refresh token is rotated and kept in a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use ureq::http::{Response, header};
use ureq::{Agent, Body, Error};

use crate::http::{self, Credentials, Form};

#[derive(Clone)]
struct Tokens {
    access: String,
    refresh: String,
}

pub(crate) struct Naive {
    agent: Agent,
    base_url: String,
    file: PathBuf,
    tokens: Mutex<Option<Tokens>>,
    refreshing: Mutex<bool>,
    refreshed: Condvar,
}

impl Naive {
    /// Takes the tokens from the file, if they are there.
    pub(crate) fn open(base_url: &str, file: &Path) -> Self {
        let saved = fs::read(file).ok();
        let saved = saved.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self {
            agent: http::api_agent(),
            base_url: base_url.to_owned(),
            file: file.to_path_buf(),
            tokens: Mutex::new(saved.as_ref().and_then(tokens)),
            refreshing: Mutex::new(false),
            refreshed: Condvar::new(),
        }
    }

    pub(crate) fn sign_in(&self, credentials: &Credentials) -> Result<(), Error> {
        let answer = self.request_token(credentials.form())?;
        self.keep(tokens(&answer));
        Ok(())
    }

    pub(crate) fn is_signed_in(&self) -> bool {
        lock(&self.tokens).is_some()
    }

    pub(crate) fn get(&self, url: &str) -> Result<Response<Body>, Error> {
        let response = self.send(url)?;
        if response.status() == 401 {
            if self.refresh() {
                return self.send(url);
            }
        }
        Ok(response)
    }

    /// The request interceptor.
    fn send(&self, url: &str) -> Result<Response<Body>, Error> {
        let mut request = self.agent.get(url);
        if let Some(tokens) = &*lock(&self.tokens) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", tokens.access));
        }
        request.call()
    }

    /// The response interceptor: one refresh at a time, the others wait for it.
    fn refresh(&self) -> bool {
        let mut refreshing = lock(&self.refreshing);
        if *refreshing {
            let done = self
                .refreshed
                .wait_while(refreshing, |refreshing| *refreshing);
            drop(done);
            return self.is_signed_in();
        }
        *refreshing = true;
        drop(refreshing);
        let old = lock(&self.tokens).clone();
        let renewed = match old {
            Some(old) => self.exchange(&old),
            None => false,
        };
        *lock(&self.refreshing) = false;
        self.refreshed.notify_all();
        renewed
    }

    fn exchange(&self, old: &Tokens) -> bool {
        match self.request_token(http::refresh_form(&old.refresh)) {
            Ok(answer) => {
                let renewed = tokens(&answer);
                let is_renewed = renewed.is_some();
                // Without tokens the server has refused: signed out.
                self.keep(renewed);
                is_renewed
            }
            // The network: the session may live on.
            Err(_) => false,
        }
    }

    /// Tells the server, without the interceptors, so that a sign-out never starts a refresh.
    pub(crate) fn sign_out(&self) {
        let old = lock(&self.tokens).clone();
        self.keep(None);
        if let Some(old) = old {
            let request = self.agent.post(format!("{}/logout", self.base_url));
            let bearer = format!("Bearer {}", old.access);
            // Best effort: the user is signed out here either way.
            let _ = request.header(header::AUTHORIZATION, bearer).send_empty();
        }
    }

    fn keep(&self, new: Option<Tokens>) {
        let mut held = lock(&self.tokens);
        let _ = match &new {
            Some(new) => {
                let saved = json!({"access_token": new.access, "refresh_token": new.refresh});
                fs::write(&self.file, saved.to_string())
            }
            None => fs::remove_file(&self.file),
        };
        *held = new;
    }

    fn request_token(&self, mut form: Form) -> Result<Value, Error> {
        form.push(("client_id", "native-app".to_owned()));
        let url = format!("{}/token", self.base_url);
        let body = self
            .agent
            .post(url)
            .send_form(form)?
            .body_mut()
            .read_to_string()?;
        Ok(serde_json::from_str(&body).unwrap_or_default())
    }
}

fn tokens(answer: &Value) -> Option<Tokens> {
    let text = |name| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Tokens {
        access: text("access_token")?,
        refresh: text("refresh_token")?,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
