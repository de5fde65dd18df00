//! How many bytes does a waiting task need with tokio, and what does waking a million cost?
use crate::support::{resident_bytes, run, Row, Watch};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::{spawn, yield_now};
use tokio::time::{sleep, sleep_until, Duration, Instant};

pub const ROWS: [Row; 2] =
    [("wake_1m", 1_000_000, true, wake_1m), ("sleep_1m", 1_000_000, true, sleep_1m)];

static ARRIVED: AtomicU64 = AtomicU64::new(0); // not captured: a future would keep them
static WOKEN: AtomicU64 = AtomicU64::new(0);

async fn wait_and_count(event: Arc<Notify>) {
    ARRIVED.fetch_add(1, Relaxed);
    event.notified().await;
    WOKEN.fetch_add(1, Relaxed);
}

fn wake_1m(mut watch: Watch, operations: u64) -> Watch {
    run(async move {
        let event = Arc::new(Notify::new());
        let before = resident_bytes();
        for _ in 0..operations {
            spawn(wait_and_count(event.clone()));
        }
        while ARRIVED.load(Relaxed) < operations {
            yield_now().await;
        }
        watch.bytes = Some((resident_bytes() - before) / operations as f64);
        watch.start();
        event.notify_waiters();
        while WOKEN.load(Relaxed) < operations {
            yield_now().await;
        }
        watch.stop();
        watch
    })
}

async fn sleep_and_count(wake_at: Instant) {
    ARRIVED.fetch_add(1, Relaxed);
    sleep_until(wake_at).await;
    WOKEN.fetch_add(1, Relaxed);
}

/// All asleep at once; the row is CPU time, since waiting is what they do.
fn sleep_1m(mut watch: Watch, operations: u64) -> Watch {
    run(async move {
        let before = resident_bytes();
        let wake_at = Instant::now() + Duration::from_millis(2_500);
        watch.start();
        for i in 0..operations {
            spawn(sleep_and_count(wake_at + Duration::from_nanos(i * 7_919 % operations)));
        }
        while ARRIVED.load(Relaxed) < operations {
            yield_now().await;
        }
        watch.bytes = Some((resident_bytes() - before) / operations as f64);
        assert_eq!(WOKEN.load(Relaxed), 0, "some woke before all slept");
        while WOKEN.load(Relaxed) < operations {
            sleep(Duration::from_millis(100)).await;
        }
        watch.stop();
        watch
    })
}
