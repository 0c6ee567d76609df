//! Calls over HTTP: one at a time, repeated where the server did not answer.

use std::fmt;
use std::io::{ErrorKind, Read};
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::blocking::{Client as Http, RequestBuilder, Response};
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;

use crate::RegistryError;
use crate::limits::{Budget, JSON_BYTES};

/// Calls made at most before the server counts as away.
const TRIES: u32 = 4;
/// Pause before the second try; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);
/// Bytes of a file that are read at a time.
const PART: usize = 64 << 10;
/// Bytes of a server's error that are read.
const REFUSAL_BYTES: u64 = 4096;
/// The registry's calls.
const API: &str = "api/2.0/mlflow/";
/// The proxy for files.
const FILES: &str = "api/2.0/mlflow-artifacts/artifacts";

pub(super) struct Client {
    /// Ends in a slash.
    base: Url,
    timeout: Duration,
    /// As MLflow's own client has it: a user with a password, or a token.
    login: Option<(String, String)>,
    token: Option<String>,
    /// Made at the first call, which is on a thread that may block.
    http: OnceLock<Http>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "Client({})", self.uri())
    }
}

/// What a call met.
enum Outcome {
    /// An answer that is final.
    Answer(Response),
    /// Something that may pass.
    Trouble(String),
}

impl Client {
    pub(super) fn new(uri: &str, timeout: Duration) -> Result<Client, RegistryError> {
        let wrong = || RegistryError::Setting {
            setting: "registry.mlflow_tracking_uri (or MLFLOW_TRACKING_URI)",
            expected: "the address of an MLflow server, such as http://127.0.0.1:5000",
            found: uri.to_owned(),
        };
        let mut base = Url::parse(uri).map_err(|_| wrong())?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(wrong());
        }
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        // What is in the address goes before; it is not shown in messages.
        let login = match base.username() {
            "" => env("MLFLOW_TRACKING_USERNAME")
                .map(|user| (user, env("MLFLOW_TRACKING_PASSWORD").unwrap_or_default())),
            user => {
                let credentials = (user.to_owned(), base.password().unwrap_or("").to_owned());
                Some(credentials)
            }
        };
        // Neither fails for an address with a host.
        let _ = base.set_username("");
        let _ = base.set_password(None);
        Ok(Client {
            base,
            timeout,
            login,
            token: env("MLFLOW_TRACKING_TOKEN"),
            http: OnceLock::new(),
        })
    }

    pub(super) fn uri(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    pub(super) fn get(&self, call: &str, query: &[(&str, &str)]) -> Result<Value, RegistryError> {
        let url = self.url(&format!("{API}{call}"), query)?;
        self.json(call, &|http| http.request(Method::GET, url.clone()))
    }

    pub(super) fn post(&self, call: &str, body: &Value) -> Result<Value, RegistryError> {
        self.send(Method::POST, call, body)
    }

    pub(super) fn send(
        &self,
        method: Method,
        call: &str,
        body: &Value,
    ) -> Result<Value, RegistryError> {
        let url = self.url(&format!("{API}{call}"), &[])?;
        self.json(call, &|http| {
            http.request(method.clone(), url.clone()).json(body)
        })
    }

    /// Names in a folder of the proxy.
    pub(super) fn list(&self, path: &str) -> Result<Vec<String>, RegistryError> {
        let url = self.url(FILES, &[("path", path)])?;
        let answer = self.json("a list of files", &|http| {
            http.request(Method::GET, url.clone())
        })?;
        let files = answer["files"].as_array().cloned().unwrap_or_default();
        let name = |file: &Value| file["path"].as_str().map(str::to_owned);
        Ok(files.iter().filter_map(name).collect())
    }

    pub(super) fn upload(&self, path: &str, bytes: Vec<u8>) -> Result<(), RegistryError> {
        let url = self.url(&format!("{FILES}/{path}"), &[])?;
        let what = format!("the file {path}");
        self.answer(&what, &|http| {
            http.request(Method::PUT, url.clone()).body(bytes.clone())
        })
        .map(drop)
    }

    /// A file, within what is left of a budget.
    pub(super) fn download(
        &self,
        path: &str,
        budget: &mut Budget,
    ) -> Result<Vec<u8>, RegistryError> {
        let url = self.url(&format!("{FILES}/{path}"), &[])?;
        let what = format!("the file {path}");
        let answer = self.answer(&what, &|http| http.request(Method::GET, url.clone()))?;
        if answer
            .content_length()
            .is_some_and(|length| length > budget.left())
        {
            return Err(budget.too_large());
        }
        let (mut bytes, mut part) = (Vec::new(), vec![0; PART]);
        let mut answer = answer;
        loop {
            // Each part within the call's timeout, all of them within the budget's.
            match answer.read(&mut part) {
                Ok(0) => return Ok(bytes),
                Ok(length) => {
                    budget.take(length)?;
                    bytes.extend_from_slice(&part[..length]);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.cut_short(&error)),
            }
        }
    }

    /// The text of an answer that is not a file.
    fn text(&self, answer: Response) -> Result<String, RegistryError> {
        let mut bytes = Vec::new();
        let mut bound = answer.take(JSON_BYTES + 1);
        bound
            .read_to_end(&mut bytes)
            .map_err(|error| self.cut_short(&error))?;
        match bytes.len() as u64 > JSON_BYTES {
            true => Err(RegistryError::Refused {
                uri: self.uri().to_owned(),
                call: "an answer".to_owned(),
                code: format!("more than {JSON_BYTES} bytes"),
                message: "is it an MLflow server?".to_owned(),
            }),
            false => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    fn cut_short(&self, error: &std::io::Error) -> RegistryError {
        RegistryError::Unreachable {
            uri: self.uri().to_owned(),
            detail: format!("its answer was truncated: {error}"),
        }
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Result<Url, RegistryError> {
        let mut url = self.base.join(path).map_err(|_| RegistryError::Setting {
            setting: "the name of a file on the server",
            expected: "a path",
            found: path.to_owned(),
        })?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    fn json(
        &self,
        call: &str,
        request: &dyn Fn(&Http) -> RequestBuilder,
    ) -> Result<Value, RegistryError> {
        let answer = self.answer(call, request)?;
        let text = self.text(answer)?;
        serde_json::from_str(&text).map_err(|error| RegistryError::Refused {
            uri: self.uri().to_owned(),
            call: call.to_owned(),
            code: "an answer that is not JSON".to_owned(),
            message: format!("{error}; is it an MLflow server?"),
        })
    }

    fn answer(
        &self,
        call: &str,
        request: &dyn Fn(&Http) -> RequestBuilder,
    ) -> Result<Response, RegistryError> {
        let http = self.http()?;
        let mut pause = PAUSE;
        let mut last = String::new();
        for attempt in 1..=TRIES {
            let mut request = request(http).timeout(self.timeout);
            if let Some((user, password)) = &self.login {
                request = request.basic_auth(user, Some(password));
            } else if let Some(token) = &self.token {
                request = request.bearer_auth(token);
            }
            match met(request) {
                Outcome::Answer(answer) if answer.status().is_success() => return Ok(answer),
                Outcome::Answer(answer) => return Err(self.refusal(call, answer)),
                Outcome::Trouble(detail) => last = detail,
            }
            if attempt < TRIES {
                tracing::debug!("{call} of {}: {last}; retrying", self.uri());
                std::thread::sleep(pause);
                pause *= 2;
            }
        }
        Err(RegistryError::Unreachable {
            uri: self.uri().to_owned(),
            detail: last,
        })
    }

    fn http(&self) -> Result<&Http, RegistryError> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        // An error says that there is a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let built = Http::builder()
            .timeout(self.timeout)
            .redirect(same_host())
            .build();
        let built = built.map_err(|error| self.away(&error))?;
        Ok(self.http.get_or_init(|| built))
    }

    fn refusal(&self, call: &str, answer: Response) -> RegistryError {
        let status = answer.status();
        let text = self.text(answer).unwrap_or_default();
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let code = body["error_code"].as_str().map(str::to_owned);
        RegistryError::Refused {
            uri: self.uri().to_owned(),
            call: call.to_owned(),
            code: code.unwrap_or_else(|| status.to_string()),
            message: match body["message"].as_str() {
                Some(message) => message.to_owned(),
                None => text.chars().take(300).collect(),
            },
        }
    }

    fn away(&self, error: &reqwest::Error) -> RegistryError {
        RegistryError::Unreachable {
            uri: self.uri().to_owned(),
            detail: causes(error),
        }
    }
}

/// Redirections within the server, of which none leaves TLS: anyone who answers for it could else have this
/// machine ask any other, and take what that says for a model.
fn same_host() -> Policy {
    Policy::custom(|attempt| {
        let Some(from) = attempt.previous().last().cloned() else {
            return attempt.stop();
        };
        let to = attempt.url();
        let is_same = from.host_str() == to.host_str();
        let is_as_safe = from.scheme() == to.scheme() || to.scheme() == "https";
        match (is_same && is_as_safe, attempt.previous().len()) {
            (true, 0..=5) => attempt.follow(),
            (true, _) => attempt.error("too many redirections"),
            (false, _) => {
                let refused = format!("redirected to {to}, which is another server: not followed");
                attempt.error(refused)
            }
        }
    })
}

fn met(request: RequestBuilder) -> Outcome {
    match request.send() {
        Ok(answer) => match answer.status() {
            status @ (StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT) => Outcome::Trouble(status.to_string()),
            status if status.is_server_error() => {
                let mut text = Vec::new();
                // What could not be read is left out of the message.
                let _ = answer.take(REFUSAL_BYTES).read_to_end(&mut text);
                let text = String::from_utf8_lossy(&text);
                let text: String = text.chars().take(300).collect();
                Outcome::Trouble(format!("{status}: {text}"))
            }
            _ => Outcome::Answer(answer),
        },
        Err(error) => Outcome::Trouble(causes(&error)),
    }
}

/// The innermost cause states what to do; the outer ones repeat the address.
fn causes(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Whether the server answered that there is no such thing.
pub(super) fn is_absent(error: &RegistryError) -> bool {
    matches!(error, RegistryError::Refused { code, .. } if code == "RESOURCE_DOES_NOT_EXIST")
}

/// Whether the server answered that it is there already.
pub(super) fn is_there(error: &RegistryError) -> bool {
    matches!(error, RegistryError::Refused { code, .. } if code == "RESOURCE_ALREADY_EXISTS")
}
