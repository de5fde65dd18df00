//! What does handing work to a runtime on another thread cost, at full speed and when it sleeps?
use crate::support::{block_on, Row, Watch};
use std::sync::mpsc::sync_channel;
use std::thread::{spawn, JoinHandle};
use tokio::sync::mpsc::{unbounded_channel, UnboundedSender};

pub const ROWS: [Row; 2] = [
    ("post_from_thread", 500_000, false, post_from_thread),
    ("wake_from_thread", 20_000, false, wake_from_thread),
];

type Work = Box<dyn FnOnce(&mut u64) + Send>;

/// A runtime on a thread of its own, whose task runs what is sent to it until the sender is gone.
fn loop_thread() -> (UnboundedSender<Work>, JoinHandle<u64>) {
    let (posts, mut arriving) = unbounded_channel::<Work>();
    let thread = spawn(move || {
        block_on(async move {
            let mut ran = 0;
            while let Some(work) = arriving.recv().await {
                work(&mut ran);
            }
            ran
        })
    });
    (posts, thread)
}

fn post(posts: &UnboundedSender<Work>, work: impl FnOnce(&mut u64) + Send + 'static) {
    assert!(posts.send(Box::new(work)).is_ok());
}

fn post_from_thread(mut watch: Watch, operations: u64) -> Watch {
    let (posts, thread) = loop_thread();
    let (last, all_ran) = sync_channel(1);
    watch.start();
    for i in 0..operations {
        post(&posts, move |ran| *ran += (i < u64::MAX) as u64);
    }
    post(&posts, move |_| last.send(()).unwrap());
    all_ran.recv().unwrap();
    watch.stop();
    drop(posts);
    assert_eq!(thread.join().unwrap(), operations);
    watch
}

fn wake_from_thread(mut watch: Watch, operations: u64) -> Watch {
    let (posts, thread) = loop_thread();
    let (there, arrived) = sync_channel(1);
    watch.start();
    for _ in 0..operations {
        let there = there.clone();
        post(&posts, move |_| there.send(()).unwrap());
        arrived.recv().unwrap();
    }
    watch.stop();
    drop(posts);
    thread.join().unwrap();
    watch
}
