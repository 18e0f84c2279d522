//! A plain HTTP client, one connection per request.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::time::Duration;

use serde_json::Value;
use testserver::{Settings, TestServer};
use ureq::http::Response;
use ureq::{Agent, Body};

/// A server without latency, whose tokens outlive the test.
pub fn server() -> TestServer {
    TestServer::start(settings()).unwrap()
}

pub fn settings() -> Settings {
    Settings {
        access_ttl: Duration::from_secs(600),
        latency: Duration::ZERO,
        ..Settings::default()
    }
}

pub fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        // A connection kept alive could hide that the server closed one.
        .max_idle_connections(0)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into()
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub text: String,
    headers: ureq::http::HeaderMap,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|v| v.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn str(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap().to_owned()
    }

    pub fn error(&self) -> String {
        self.str("error")
    }

    pub fn tokens(&self) -> Tokens {
        assert_eq!(self.status, 200, "{}", self.text);
        Tokens {
            access: self.str("access_token"),
            refresh: self.str("refresh_token"),
        }
    }
}

#[derive(Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

pub type Got = Result<Answer, ureq::Error>;

pub fn read(response: Result<Response<Body>, ureq::Error>) -> Got {
    let mut response = response?;
    Ok(Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.body_mut().read_to_string()?,
    })
}

pub fn post(url: &str, form: &[(&str, &str)]) -> Got {
    read(agent().post(url).send_form(form.iter().copied()))
}

pub fn token(server: &TestServer, form: &[(&str, &str)]) -> Got {
    post(&server.token_endpoint(), form)
}

pub fn try_login(server: &TestServer) -> Got {
    login_as(server, "alice", "wonderland", &[])
}

pub fn login(server: &TestServer) -> Tokens {
    try_login(server).unwrap().tokens()
}

pub fn login_as(server: &TestServer, name: &str, password: &str, more: &[(&str, &str)]) -> Got {
    let mut form = vec![
        ("grant_type", "password"),
        ("client_id", "native-app"),
        ("username", name),
        ("password", password),
    ];
    form.extend_from_slice(more);
    token(server, &form)
}

pub fn refresh(server: &TestServer, refresh_token: &str) -> Got {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "native-app"),
        ("refresh_token", refresh_token),
    ];
    token(server, &form)
}

pub fn revoke(server: &TestServer, token: &str) -> Got {
    let form = [("client_id", "native-app"), ("token", token)];
    post(&server.revocation_endpoint(), &form)
}

pub fn get(url: &str, authorization: Option<&str>) -> Got {
    let mut request = agent().get(url);
    if let Some(value) = authorization {
        request = request.header("Authorization", value);
    }
    read(request.call())
}

pub fn api(server: &TestServer, path: &str, access_token: &str) -> Got {
    let value = format!("Bearer {access_token}");
    get(&server.api_url(path), Some(&value))
}
