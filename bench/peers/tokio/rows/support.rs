//! A stopwatch and the command line:
//!
//!   bench_tokio --rows                     the rows and how many operations one run has
//!   bench_tokio --measure ROW SECONDS      repeats the row for so long; prints its figures as JSON
use std::future::Future;
use std::time::Instant;

#[derive(Default)]
pub struct Watch {
    wall: f64,
    cpu: f64,
    started: Option<(Instant, f64)>,
    pub bytes: Option<f64>,
    pub late: Vec<f64>, // nanoseconds
}

impl Watch {
    pub fn start(&mut self) {
        self.started = Some((Instant::now(), cpu_seconds()));
    }
    pub fn stop(&mut self) {
        let (wall, cpu) = self.started.take().expect("stop() comes after start()");
        self.wall += wall.elapsed().as_secs_f64();
        self.cpu += cpu_seconds() - cpu;
    }
}

fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

pub fn resident_bytes() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("/proc is mounted");
    let pages: f64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as f64
}

/// Tells the compiler that the value is used. std::hint::black_box is younger than Debian's rustc.
pub fn keep<T>(value: T) {
    unsafe { std::arch::asm!("/* {0} */", in(reg) &value, options(nostack, preserves_flags)) };
}

pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Runs the workload in a task, which is quicker than the future of block_on() itself: when that
/// waits, the kernel is asked for events.
pub fn run<F: Future<Output = Watch> + Send + 'static>(workload: F) -> Watch {
    block_on(async { tokio::spawn(workload).await.unwrap() })
}

/// Name, operations of a run, whether it runs once only, and what it does between start and stop.
pub type Row = (&'static str, u64, bool, fn(Watch, u64) -> Watch);

pub fn main(rows: &[Row]) {
    let words: Vec<String> = std::env::args().collect();
    if words.len() == 2 && words[1] == "--rows" {
        for (name, operations, ..) in rows {
            println!("{name} {operations}");
        }
    } else if words.len() == 4 && words[1] == "--measure" {
        let row = rows.iter().find(|row| row.0 == words[2]).expect("a row of --rows");
        measure(row, words[3].parse().expect("seconds"));
    } else {
        eprintln!("bench_tokio --rows | --measure ROW SECONDS");
        std::process::exit(2);
    }
}

fn measure(&(_, operations, once, run): &Row, seconds: f64) {
    let mut watch = Watch::default();
    let mut runs = 0;
    while runs == 0 || (!once && watch.wall < seconds) {
        watch = run(watch, operations);
        runs += 1;
    }
    let each = 1e9 / (operations * runs) as f64;
    let bytes = watch.bytes.map_or(String::new(), |bytes| format!(", \"bytes\": {bytes:.1}"));
    let late = latencies(watch.late);
    println!(
        "{{\"ns\": {:.3}, \"cpu_ns\": {:.3}{bytes}{late}}}",
        watch.wall * each,
        watch.cpu * each
    );
}

fn latencies(mut late: Vec<f64>) -> String {
    if late.is_empty() {
        return String::new();
    }
    late.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let (count, max) = (late.len(), late[late.len() - 1]);
    let p999 = late[count - 1 - count / 1000];
    format!(", \"p50\": {}, \"p999\": {p999}, \"max\": {max}", late[count / 2])
}
