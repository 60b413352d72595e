package worker

import (
	"sync"
	"testing"
	"testing/synctest"
)

// A job that blocks must not hold up another: each has a goroutine of its own.
func TestJobsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		done := make(chan int, 3)
		p := New(1, func(n int) {
			if n == 0 {
				<-release
			}
			done <- n
		})
		p.Open()
		p.Go(0)
		p.Go(1)
		p.Go(2)
		if a, b := <-done, <-done; a+b != 3 {
			t.Errorf("done: %d and %d, want 1 and 2 in any order", a, b)
		}
		close(release)
		<-done
		p.Release() // the bubble ends only when no worker is left
	})
}

// After Release no worker waits, whether it was waiting or still at work, and the pool
// still does jobs.
func TestRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wg sync.WaitGroup
		p := New(8, func(struct{}) { wg.Done() })
		for range 2 {
			p.Open()
			wg.Add(100)
			for range 100 {
				p.Go(struct{}{})
			}
			p.Release()
			wg.Wait()
			synctest.Wait()
			if n := len(p.waiting); n != 0 {
				t.Fatalf("%d workers wait after Release", n)
			}
		}
	})
}

func TestAtMostMaxWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p := New(2, func(struct{}) { <-release })
		p.Open()
		for range 10 {
			p.Go(struct{}{})
		}
		close(release)
		synctest.Wait()
		if n := len(p.waiting); n != 2 {
			t.Errorf("%d workers wait, want 2", n)
		}
		p.Release()
	})
}

func deep(n int) int {
	var frame [64]int
	if n == 0 {
		return frame[0]
	}
	frame[n%64] = n
	return deep(n-1) + frame[(n+1)%64]
}

// What a stack that must grow costs, and what is left of it.
func BenchmarkGo(b *testing.B) {
	var wg sync.WaitGroup
	job := func(int) { deep(8); wg.Done() }
	b.Run("worker", func(b *testing.B) {
		p := New(4, job)
		p.Open()
		defer p.Release()
		for b.Loop() {
			wg.Add(1)
			p.Go(0)
			wg.Wait()
		}
	})
	b.Run("goroutine", func(b *testing.B) {
		for b.Loop() {
			wg.Add(1)
			go job(0)
			wg.Wait()
		}
	})
}
