//! The HTTP server of the hello rows on hyper, tokio's HTTP library: one task a client.
//!
//!   net_hyper http ADDRESS
use hyper::server::conn::Http;
use hyper::service::service_fn;
use hyper::{Body, Request, Response};
use std::convert::Infallible;
use tokio::net::TcpSocket;

async fn hello(_: Request<Body>) -> Result<Response<Body>, Infallible> {
    let mut answer = Response::new(Body::from("Hello, world!"));
    let kind = hyper::header::HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
    Ok(answer)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(2).expect("an address");
    let socket = TcpSocket::new_v4()?;
    socket.bind(format!("{address}:0").parse().expect("an address"))?;
    let listener = socket.listen(4096)?;
    println!("{}", listener.local_addr()?.port());
    let mut http = Http::new();
    http.http1_only(true).pipeline_flush(true);
    loop {
        let (client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        tokio::spawn(http.serve_connection(client, service_fn(hello)));
    }
}
