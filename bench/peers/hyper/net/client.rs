//! The HTTP client of the rows on hyper.
//!
//!   client_hyper PORT IN_FLIGHT SECONDS      prints the CPU of a request in us, and the rate
use hyper::{body, Client, Uri};
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let words: Vec<String> = std::env::args().collect();
    let uri: Uri = format!("http://127.0.0.1:{}/", words[1]).parse().unwrap();
    let in_flight: usize = words[2].parse().unwrap();
    let seconds: f64 = words[3].parse().unwrap();
    let client = Client::new();
    let done = Rc::new(Cell::new(0u64));
    let end = Instant::now() + Duration::from_secs_f64(0.2 + seconds);
    let local = tokio::task::LocalSet::new();
    for _ in 0..in_flight {
        let (client, uri, done) = (client.clone(), uri.clone(), done.clone());
        local.spawn_local(async move {
            while Instant::now() < end {
                let page = client.get(uri.clone()).await.unwrap();
                assert_eq!(page.status(), 200);
                assert_eq!(&body::to_bytes(page.into_body()).await.unwrap()[..], b"Hello, world!");
                done.set(done.get() + 1);
            }
        });
    }
    local.run_until(tokio::time::sleep(Duration::from_millis(200))).await;
    let (start, cpu) = (Instant::now(), cpu_seconds());
    done.set(0);
    local.await;
    let each = (cpu_seconds() - cpu) * 1e6 / done.get() as f64;
    println!("{each:.4} {:.1}", done.get() as f64 / start.elapsed().as_secs_f64());
}
