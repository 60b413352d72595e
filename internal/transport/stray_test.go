package transport

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"
)

// TestStray: who polls a session that is not there, and does not heed it, waits.
func TestStray(t *testing.T) {
	bubble(t, func(c *Config) { c.Origins = []string{"*"} }, func(t *testing.T, st *site, dial func() *wire) {
		w := dial()
		poll := func(path string, want time.Duration, body string) {
			t.Helper()
			took(t, want, func() {
				if r := w.get("/socket.io/1/" + path); r.status != 200 || r.body != body {
					t.Fatalf("%s: %+v", path, r)
				}
			})
		}
		for range strayBurst {
			poll("xhr-polling/a", 0, "7:::1+0")
		}
		poll("xhr-polling/b", 0, "7:::1+0")
		for range 3 {
			poll("xhr-polling/a", strayPause, "7:::1+0")
		}
		poll("jsonp-polling/a?i=1", strayPause, `io.j[1]("7:::1+0");`)
		time.Sleep(strayPause + 1) // of the bubble
		for range strayBurst {
			poll("xhr-polling/a", 0, "7:::1+0")
		}

		// Who is gone is not waited for.
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		r := httptest.NewRequest("GET", "/socket.io/1/xhr-polling/a", nil).WithContext(gone)
		took(t, 0, func() { st.ServeHTTP(httptest.NewRecorder(), r) })
	})
}

// TestStraysAtOnce: those who ask side by side wait no longer than one alone.
func TestStraysAtOnce(t *testing.T) {
	strays := newStrays()
	for i := range 3 * strayBurst {
		var want time.Duration
		if i >= strayBurst {
			want = strayPause
		}
		if got := strays.pause(time.Minute, "a"); got != want {
			t.Errorf("%d: %v, want %v", i, got, want)
		}
	}
}
