//! What do a lock and a queue cost with tokio?
use crate::support::{keep, run, Row, Watch};
use std::sync::Arc;
use tokio::sync::{mpsc, Mutex};
use tokio::task::{spawn, yield_now};

pub const ROWS: [Row; 3] = [
    ("queue_ping_pong", 200_000, false, queue_ping_pong),
    ("lock_free", 1_000_000, false, lock_free),
    ("lock_100", 200_000, false, lock_100),
];

fn queue_ping_pong(mut watch: Watch, operations: u64) -> Watch {
    run(async move {
        let (there, mut arriving) = mpsc::channel(1);
        let (back, mut answers) = mpsc::channel(1);
        let pong = spawn(async move {
            while let Some(value) = arriving.recv().await {
                back.send(value).await.unwrap();
            }
        });
        watch.start();
        let ping = spawn(async move {
            for i in 0..operations {
                there.send(i).await.unwrap();
                assert_eq!(answers.recv().await, Some(i));
            }
        });
        ping.await.unwrap();
        watch.stop();
        pong.await.unwrap();
        watch
    })
}

fn lock_free(mut watch: Watch, operations: u64) -> Watch {
    run(async move {
        let lock = Mutex::new(());
        watch.start();
        for _ in 0..operations {
            keep(lock.lock().await);
        }
        watch.stop();
        watch
    })
}

fn lock_100(mut watch: Watch, operations: u64) -> Watch {
    run(async move {
        let lock = Arc::new(Mutex::new(()));
        let contenders: Vec<_> = (0..100)
            .map(|_| {
                let lock = lock.clone();
                spawn(async move {
                    for _ in 0..operations / 100 {
                        let _held = lock.lock().await;
                        yield_now().await;
                    }
                })
            })
            .collect();
        watch.start();
        for contender in contenders {
            contender.await.unwrap();
        }
        watch.stop();
        watch
    })
}
