//! What do calling, spawning, switching, gathering and cancelling cost with tokio?
use crate::support::{keep, run, Row, Watch};
use std::future::Future;
use std::pin::Pin;
use tokio::task::{spawn, yield_now, JoinHandle};

pub const ROWS: [Row; 8] = [
    ("await_child", 1_000_000, false, await_child),
    ("ready_awaits_10m", 10_000_000, true, await_child),
    ("spawn_join", 500_000, false, spawn_join),
    ("yield_1", 500_000, false, |watch, operations| yield_with(watch, operations, 1)),
    ("yield_100", 500_000, false, |watch, operations| yield_with(watch, operations, 100)),
    ("yield_10k", 500_000, false, |watch, operations| yield_with(watch, operations, 10_000)),
    ("gather_1000", 500_000, false, gather_1000),
    ("cancel_3_deep", 50_000, false, cancel_3_deep),
];

/// Boxed, as behind a trait: an async fn that is awaited in place is no call at all.
#[inline(never)]
fn boxed_child(value: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move { value })
}

fn await_child(mut watch: Watch, operations: u64) -> Watch {
    run(async move {
        let mut sum = 0;
        watch.start();
        for i in 0..operations {
            sum += boxed_child(i).await;
        }
        watch.stop();
        keep(sum);
        watch
    })
}

async fn child(value: u64) -> u64 {
    value
}

fn spawn_join(mut watch: Watch, operations: u64) -> Watch {
    run(async move {
        let mut sum = 0;
        watch.start();
        for i in 0..operations {
            sum += spawn(child(i)).await.unwrap();
        }
        watch.stop();
        keep(sum);
        watch
    })
}

async fn yield_times(times: u64) {
    for _ in 0..times {
        yield_now().await;
    }
}

fn yield_with(mut watch: Watch, operations: u64, tasks: u64) -> Watch {
    run(async move {
        let yielders: Vec<_> = (0..tasks).map(|_| spawn(yield_times(operations / tasks))).collect();
        watch.start();
        for yielder in yielders {
            yielder.await.unwrap();
        }
        watch.stop();
        watch
    })
}

fn gather_1000(mut watch: Watch, operations: u64) -> Watch {
    run(async move {
        let mut sum = 0;
        watch.start();
        for _ in 0..operations / 1_000 {
            let children: Vec<JoinHandle<u64>> = (0..1_000).map(|i| spawn(child(i))).collect();
            for each in children {
                sum += each.await.unwrap();
            }
        }
        watch.stop();
        assert_eq!(sum, operations / 1_000 * 499_500);
        watch
    })
}

// ---- cancel three coroutines deep: abort() drops the futures, nothing is thrown ------------------
#[inline(never)]
fn innermost() -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async {
        std::future::pending::<()>().await;
        1
    })
}
#[inline(never)]
fn middle() -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async { 1 + innermost().await })
}
async fn outermost() -> u64 {
    1 + middle().await
}

fn cancel_3_deep(mut watch: Watch, operations: u64) -> Watch {
    run(async move {
        watch.start();
        for _ in 0..operations {
            let task = spawn(outermost());
            yield_now().await;
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
        watch.stop();
        watch
    })
}
