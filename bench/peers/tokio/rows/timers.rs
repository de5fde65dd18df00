//! What do timers cost with tokio? Its wheel has a resolution of a millisecond.
use crate::support::{run, Row, Watch};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::task::{spawn, yield_now, JoinHandle};
use tokio::time::{sleep_until, timeout, Duration, Instant, Sleep};

pub const ROWS: [Row; 4] = [
    ("timer_insert_cancel", 500_000, false, timer_insert_cancel),
    ("timer_insert_fire_1m", 1_000_000, true, timer_insert_fire),
    ("timeout_yield", 200_000, false, timeout_yield),
    ("deadline_passes", 200, false, deadline_passes),
];

/// Polls a sleeper once, after which it is in the wheel.
struct Arm<'a>(Pin<&'a mut Sleep>);

impl Future for Arm<'_> {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        assert!(self.0.as_mut().poll(context).is_pending());
        Poll::Ready(())
    }
}

/// As in a server: ten thousand other deadlines stand in the wheel, most timeouts never fire.
async fn background(now: Instant) -> Vec<Pin<Box<Sleep>>> {
    let mut sleepers = Vec::new();
    for i in 0..10_000 {
        let delay = Duration::from_nanos(5_000_000_000 + i * 4_999_993);
        let mut sleeper = Box::pin(sleep_until(now + delay));
        Arm(sleeper.as_mut()).await;
        sleepers.push(sleeper);
    }
    sleepers
}

fn timer_insert_cancel(mut watch: Watch, operations: u64) -> Watch {
    run(async move {
        let now = Instant::now();
        let others = background(now).await;
        let later = now + Duration::from_secs(10);
        watch.start();
        for i in 0..operations {
            let sleeper = sleep_until(later + Duration::from_nanos(i));
            tokio::pin!(sleeper);
            Arm(sleeper).await;
        }
        watch.stop();
        drop(others);
        watch
    })
}

/// A task for each, since a timer of tokio wakes one.
fn timer_insert_fire(mut watch: Watch, operations: u64) -> Watch {
    run(async move {
        let now = Instant::now();
        watch.start();
        let sleepers: Vec<JoinHandle<()>> = (0..operations)
            .map(|i| spawn(sleep_until(now + Duration::from_nanos(i * 7_919 % 10_000_000))))
            .collect();
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
        watch.stop();
        watch
    })
}

fn timeout_yield(mut watch: Watch, operations: u64) -> Watch {
    run(async move {
        watch.start();
        for _ in 0..operations {
            timeout(Duration::from_secs(10), yield_now()).await.unwrap();
        }
        watch.stop();
        watch
    })
}

/// Sleeps in the kernel until the next millisecond; the row is CPU time.
fn deadline_passes(mut watch: Watch, operations: u64) -> Watch {
    run(async move {
        watch.start();
        for _ in 0..operations {
            let never = std::future::pending::<()>();
            timeout(Duration::from_nanos(1), never).await.unwrap_err();
        }
        watch.stop();
        watch
    })
}
