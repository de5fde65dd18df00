//! How late are timers and posts with tokio, on an idle runtime, beside busy tasks, and beside one
//! whose awaits are always ready? Its timers have a resolution of a millisecond.
use crate::support::{block_on, keep, Row, Watch};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio::task::{spawn, yield_now};
use tokio::time::{sleep_until, Duration};

const INTERVAL: Duration = Duration::from_micros(250);
const STEP: Duration = Duration::from_micros(10);
const BUSY_TASKS: usize = 10;

pub const ROWS: [Row; 5] = [
    ("latency_timer", 1_000, true, |watch, times| timers(watch, times, 0, be_busy)),
    ("latency_timer_busy", 1_000, true, |watch, times| timers(watch, times, BUSY_TASKS, be_busy)),
    ("latency_timer_greedy", 1_000, true, |watch, times| timers(watch, times, 1, never_suspend)),
    ("latency_post", 2_000, true, |watch, times| posts(watch, times, 0)),
    ("latency_post_busy", 2_000, true, |watch, times| posts(watch, times, BUSY_TASKS)),
];

async fn be_busy(done: Arc<AtomicBool>) {
    while !done.load(Relaxed) {
        let end = Instant::now() + STEP;
        while Instant::now() < end {
            keep(end);
        }
        yield_now().await;
    }
}

async fn never_suspend(done: Arc<AtomicBool>) {
    let (sender, mut receiver) = mpsc::channel(1);
    while !done.load(Relaxed) {
        sender.send(1).await.unwrap();
        keep(receiver.recv().await);
    }
}

fn timers<F>(mut watch: Watch, times: u64, tasks: usize, beside: fn(Arc<AtomicBool>) -> F) -> Watch
where
    F: Future<Output = ()> + Send + 'static,
{
    block_on(async {
        let done = Arc::new(AtomicBool::new(false));
        let others: Vec<_> = (0..tasks).map(|_| spawn(beside(done.clone()))).collect();
        let sleeper = spawn(async move {
            let mut late = Vec::new();
            for _ in 0..times {
                let due = Instant::now() + INTERVAL;
                sleep_until(due.into()).await;
                late.push(Instant::now().duration_since(due).as_nanos() as f64);
            }
            late
        });
        watch.start();
        let late = sleeper.await.unwrap();
        watch.stop();
        done.store(true, Relaxed);
        for other in others {
            other.await.unwrap();
        }
        watch.late = late;
        watch
    })
}

fn posts(mut watch: Watch, times: u64, tasks: usize) -> Watch {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Box<dyn FnOnce() -> f64 + Send>>();
    let (arrived, arrivals) = sync_channel(1);
    let thread = std::thread::spawn(move || {
        block_on(async move {
            let done = Arc::new(AtomicBool::new(false));
            let others: Vec<_> = (0..tasks).map(|_| spawn(be_busy(done.clone()))).collect();
            let loop_task = spawn(async move {
                while let Some(work) = receiver.recv().await {
                    arrived.send(work()).unwrap();
                }
            });
            loop_task.await.unwrap();
            done.store(true, Relaxed);
            for other in others {
                other.await.unwrap();
            }
        })
    });
    watch.start();
    for _ in 0..times {
        std::thread::sleep(INTERVAL);
        let sent = Instant::now();
        let work = move || Instant::now().duration_since(sent).as_nanos() as f64;
        assert!(sender.send(Box::new(work)).is_ok());
        watch.late.push(arrivals.recv().unwrap());
    }
    watch.stop();
    drop(sender);
    thread.join().unwrap();
    watch
}
