//! The limit for any applier over HTTP: actix-web that takes the body of every `POST` and returns the bytes of a
//! file, whatever was asked. It prints its address, alone, on one line, and runs until it is stopped.

use std::path::PathBuf;

use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;
use clap::Parser;

/// Largest body taken, in bytes: that of `POST /predict`.
const MAX_BODY_BYTES: usize = 4 << 20;

#[derive(Parser)]
struct Args {
    /// What is returned, as JSON
    answer: PathBuf,
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let path = Args::parse().answer;
    let answer =
        std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let answer = web::Bytes::from(answer);
    let server = HttpServer::new(move || {
        let answer = answer.clone();
        App::new()
            .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
            .default_service(web::to(move |_body: web::Bytes| {
                let answer = answer.clone();
                async move {
                    HttpResponse::Ok()
                        .content_type("application/json")
                        .body(answer)
                }
            }))
    })
    .bind("127.0.0.1:0")?;
    for address in server.addrs() {
        println!("{address}");
    }
    Ok(server.run().await?)
}
