// The in-process rows in Go, on one CPU where the row has one thread: GOMAXPROCS follows taskset.
//
//	bench_go --rows                     the rows and how many operations one run has
//	bench_go --measure ROW SECONDS      repeats the row for so long; prints its figures as JSON
package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

type watch struct {
	wall, cpu, bytes float64
	started          time.Time
	startedCPU       float64
}

func cpuSeconds() float64 {
	var used syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &used) == nil, "getrusage failed")
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)*1e-6 }
	return seconds(used.Utime) + seconds(used.Stime)
}

func (w *watch) start() {
	w.started, w.startedCPU = time.Now(), cpuSeconds()
}

func (w *watch) stop() {
	w.wall += time.Since(w.started).Seconds()
	w.cpu += cpuSeconds() - w.startedCPU
}

func residentBytes() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	check(err == nil, "/proc is not mounted")
	var total, resident float64
	fmt.Sscan(string(text), &total, &resident)
	return resident * float64(os.Getpagesize())
}

func check(holds bool, what string) {
	if !holds {
		fmt.Fprintln(os.Stderr, "this row measured something else than it says:", what)
		os.Exit(1)
	}
}

type row struct {
	name       string
	operations int
	once       bool
	run        func(w *watch, operations int)
}

var rows = []row{
	{"spawn_join", 500_000, false, spawnJoin},
	{"yield_1", 500_000, false, yieldWith(1)},
	{"yield_100", 500_000, false, yieldWith(100)},
	{"yield_10k", 500_000, false, yieldWith(10_000)},
	{"gather_1000", 500_000, false, gather1000},
	{"cancel_3_deep", 50_000, false, cancel3Deep},
	{"queue_ping_pong", 200_000, false, queuePingPong},
	{"timer_insert_cancel", 500_000, false, timerInsertCancel},
	{"timer_insert_fire_1m", 1_000_000, true, timerInsertFire},
	{"timeout_yield", 200_000, false, timeoutYield},
	{"lock_free", 1_000_000, false, lockFree},
	{"lock_100", 200_000, false, lock100},
	{"post_from_thread", 500_000, false, postFromThread},
	{"wake_from_thread", 20_000, false, wakeFromThread},
	{"wake_1m", 1_000_000, true, wake1M},
	{"sleep_1m", 200_000, true, sleep1M},
}

func measure(r row, seconds float64) {
	var w watch
	runs := 0
	for runs == 0 || (!r.once && w.wall < seconds) {
		r.run(&w, r.operations)
		runs++
	}
	each := 1e9 / float64(r.operations*runs)
	bytes := ""
	if w.bytes != 0 {
		bytes = fmt.Sprintf(", \"bytes\": %.1f", w.bytes)
	}
	fmt.Printf("{\"ns\": %.3f, \"cpu_ns\": %.3f%s}\n", w.wall*each, w.cpu*each, bytes)
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--rows" {
		for _, r := range rows {
			fmt.Println(r.name, r.operations)
		}
		return
	}
	if len(os.Args) == 4 && os.Args[1] == "--measure" {
		for _, r := range rows {
			if r.name == os.Args[2] {
				seconds, err := strconv.ParseFloat(os.Args[3], 64)
				check(err == nil, "seconds are a number")
				measure(r, seconds)
				return
			}
		}
	}
	fmt.Fprintln(os.Stderr, "bench_go --rows | --measure ROW SECONDS")
	os.Exit(2)
}
