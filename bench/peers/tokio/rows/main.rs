//! The in-process rows on tokio's current-thread runtime, its best case: no locks against other
//! workers. Row names are those of bench/rows.toml; support.rs says how a row is run.
mod coroutines;
mod latency;
mod memory;
mod support;
mod sync;
mod threads;
mod timers;

fn main() {
    let mut rows = Vec::new();
    rows.extend(coroutines::ROWS);
    rows.extend(sync::ROWS);
    rows.extend(timers::ROWS);
    rows.extend(threads::ROWS);
    rows.extend(memory::ROWS);
    rows.extend(latency::ROWS);
    support::main(&rows);
}
