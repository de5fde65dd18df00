// What do goroutines, channels, timers and locks cost? A goroutine that is joined answers through a
// channel; a deadline is a context; cancelling is closing one and returning an error.
package main

import (
	"context"
	"math/rand"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

func spawnJoin(w *watch, operations int) {
	sum := 0
	w.start()
	for i := 0; i < operations; i++ {
		answer := make(chan int, 1)
		go func(value int) { answer <- value }(i)
		sum += <-answer
	}
	w.stop()
	check(sum == operations*(operations-1)/2, "the values do not add up")
}

func yieldWith(tasks int) func(w *watch, operations int) {
	return func(w *watch, operations int) {
		var all sync.WaitGroup
		all.Add(tasks)
		w.start()
		for task := 0; task < tasks; task++ {
			go func() {
				for i := 0; i < operations/tasks; i++ {
					runtime.Gosched()
				}
				all.Done()
			}()
		}
		all.Wait()
		w.stop()
	}
}

func gather1000(w *watch, operations int) {
	sum := 0
	w.start()
	for done := 0; done < operations; done += 1_000 {
		values := make([]int, 1_000)
		var all sync.WaitGroup
		all.Add(len(values))
		for i := range values {
			go func(place int) {
				values[place] = place
				all.Done()
			}(i)
		}
		all.Wait()
		for _, value := range values {
			sum += value
		}
	}
	w.stop()
	check(sum == operations/1_000*499_500, "the values do not add up")
}

//go:noinline
func innermost(scope context.Context) (int, error) {
	<-scope.Done()
	return 0, scope.Err()
}

//go:noinline
func middle(scope context.Context) (int, error) {
	value, err := innermost(scope)
	return value + 1, err
}

//go:noinline
func outermost(scope context.Context) (int, error) {
	value, err := middle(scope)
	return value + 1, err
}

func cancel3Deep(w *watch, operations int) {
	w.start()
	for i := 0; i < operations; i++ {
		scope, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() {
			_, err := outermost(scope)
			ended <- err
		}()
		runtime.Gosched()
		cancel()
		check(<-ended == context.Canceled, "a cancellation was lost")
	}
	w.stop()
}

func queuePingPong(w *watch, operations int) {
	there, back := make(chan int, 1), make(chan int, 1)
	go func() {
		for value := range there {
			back <- value
		}
	}()
	w.start()
	for i := 0; i < operations; i++ {
		there <- i
		check(<-back == i, "another answer came back")
	}
	w.stop()
	close(there)
}

// As in a server: ten thousand other deadlines stand in the heap, most timeouts never fire.
func background() []*time.Timer {
	var timers []*time.Timer
	for i := 0; i < 10_000; i++ {
		delay := 5*time.Second + time.Duration(rand.Int63n(50_000_000_000))
		timers = append(timers, time.AfterFunc(delay, func() {}))
	}
	return timers
}

func timerInsertCancel(w *watch, operations int) {
	others := background()
	fired := 0
	w.start()
	for i := 0; i < operations; i++ {
		time.AfterFunc(10*time.Second, func() { fired++ }).Stop()
	}
	w.stop()
	check(fired == 0, "a cancelled timer fired")
	for _, timer := range others {
		timer.Stop()
	}
}

// Each runs its function in a goroutine of its own.
func timerInsertFire(w *watch, operations int) {
	var fired sync.WaitGroup
	fired.Add(operations)
	w.start()
	for i := 0; i < operations; i++ {
		time.AfterFunc(time.Duration(rand.Int63n(10_000_000)), fired.Done)
	}
	fired.Wait()
	w.stop()
}

func timeoutYield(w *watch, operations int) {
	w.start()
	for i := 0; i < operations; i++ {
		scope, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		runtime.Gosched()
		check(scope.Err() == nil, "a deadline passed that is seconds away")
		cancel()
	}
	w.stop()
}

func lockFree(w *watch, operations int) {
	var lock sync.Mutex
	held := 0
	w.start()
	for i := 0; i < operations; i++ {
		lock.Lock()
		held++
		lock.Unlock()
	}
	w.stop()
	check(held == operations, "the lock was not held")
}

func lock100(w *watch, operations int) {
	var lock sync.Mutex
	var all sync.WaitGroup
	all.Add(100)
	w.start()
	for contender := 0; contender < 100; contender++ {
		go func() {
			for i := 0; i < operations/100; i++ {
				lock.Lock()
				runtime.Gosched()
				lock.Unlock()
			}
			all.Done()
		}()
	}
	all.Wait()
	w.stop()
}

// A goroutine that runs what is posted to it; both sides have threads of their own.
func loopThread(posts chan func()) {
	runtime.LockOSThread()
	for work := range posts {
		work()
	}
}

func postFromThread(w *watch, operations int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	posts, last := make(chan func(), 65_536), make(chan bool, 1)
	go loopThread(posts)
	ran := 0
	w.start()
	for i := 0; i < operations; i++ {
		posts <- func() { ran++ }
	}
	posts <- func() { last <- true }
	<-last
	w.stop()
	close(posts)
	check(ran == operations, "a post was lost")
}

func wakeFromThread(w *watch, operations int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	posts, arrived := make(chan func(), 1), make(chan bool, 1)
	go loopThread(posts)
	w.start()
	for i := 0; i < operations; i++ {
		posts <- func() { arrived <- true }
		<-arrived
	}
	w.stop()
	close(posts)
}

func wake1M(w *watch, operations int) {
	event := make(chan bool)
	var arrived, woken atomic.Int64
	before := residentBytes()
	for i := 0; i < operations; i++ {
		go func() {
			arrived.Add(1)
			<-event
			woken.Add(1)
		}()
	}
	for arrived.Load() < int64(operations) {
		runtime.Gosched()
	}
	w.bytes = (residentBytes() - before) / float64(operations)
	w.start()
	close(event)
	for woken.Load() < int64(operations) {
		runtime.Gosched()
	}
	w.stop()
}

// All asleep at once; the row is CPU time, since waiting is what they do.
func sleep1M(w *watch, operations int) {
	var arrived, woken atomic.Int64
	before := residentBytes()
	begin := time.Now()
	w.start()
	for i := 0; i < operations; i++ {
		go func(spread int) {
			arrived.Add(1)
			time.Sleep(2*time.Second - time.Since(begin) + time.Duration(spread))
			woken.Add(1)
		}(i * 7_919 % operations)
	}
	for arrived.Load() < int64(operations) {
		runtime.Gosched()
	}
	w.bytes = (residentBytes() - before) / float64(operations)
	check(woken.Load() == 0, "some woke before all slept")
	for woken.Load() < int64(operations) {
		time.Sleep(100 * time.Millisecond)
	}
	w.stop()
}
