//! The same echo server on tokio's current-thread runtime: one task a client.
//!
//!   net_tokio tcp|unix|udp ADDRESS
use std::io::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, UdpSocket, UnixListener};

async fn echo(mut client: impl AsyncReadExt + AsyncWriteExt + Unpin) -> Result<()> {
    let mut buffer = vec![0; 16384];
    loop {
        let size = client.read(&mut buffer).await?;
        if size == 0 {
            return Ok(());
        }
        client.write_all(&buffer[..size]).await?;
    }
}

async fn serve_tcp(address: &str) -> Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(format!("{address}:0").parse().expect("an address"))?;
    let listener = socket.listen(4096)?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        tokio::spawn(echo(client));
    }
}

async fn serve_unix(path: &str) -> Result<()> {
    let listener = UnixListener::bind(path)?;
    println!("{path}");
    loop {
        let (client, _) = listener.accept().await?;
        tokio::spawn(echo(client));
    }
}

async fn serve_datagrams(address: &str) -> Result<()> {
    let socket = UdpSocket::bind(format!("{address}:0")).await?;
    println!("{}", socket.local_addr()?.port());
    let mut buffer = vec![0; 65536];
    loop {
        let (size, from) = socket.recv_from(&mut buffer).await?;
        socket.send_to(&buffer[..size], from).await?;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().collect();
    match words[1].as_str() {
        "unix" => serve_unix(&words[2]).await,
        "udp" => serve_datagrams(&words[2]).await,
        _ => serve_tcp(&words[2]).await,
    }
}
