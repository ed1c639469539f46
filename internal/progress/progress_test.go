package progress

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
)

func stages() []Stage {
	return []Stage{
		{Name: "read", Doing: "reading", Of: "files", Weight: 1},
		{Name: "think", Doing: "thinking", Weight: 1},
		{Name: "write", Doing: "writing", Of: "pages", Weight: 8},
	}
}

var start = time.Unix(1000, 0)

func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

func line(out *bytes.Buffer, width int) *Line {
	c := Config{Out: out, Now: func() time.Time { return start }, Prefix: "x: ", Stages: stages()}
	if width > 0 {
		c.Width = func() int { return width }
	}
	return New(c)
}

// TestLog: a log gets a line after a second and one every few seconds after
// that, and nothing is said about what is over by then.
func TestLog(t *testing.T) {
	var out bytes.Buffer
	l := line(&out, 0)
	l.tick(at(0.5))
	l.Event("read", 0, 0)
	l.tick(at(0.9))
	if out.Len() > 0 {
		t.Fatalf("%q within a second", out.String())
	}
	for s := 1; s <= 12; s++ {
		l.Event("read", s, 12)
		l.tick(at(float64(s)))
	}
	l.Event("think", 0, 0)
	l.tick(at(16))
	l.clear()
	want := "x: reading, 1 of 12 files\n" +
		"x: reading, 6 of 12 files, about 1.5 min left\n" +
		"x: reading, 11 of 12 files, about 1.5 min left\n" +
		"x: thinking, about 2 min left\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestTerminal: a terminal has one line, no wider than it is, of which nothing
// is left.
func TestTerminal(t *testing.T) {
	var out bytes.Buffer
	l := line(&out, 24)
	l.Event("read", 10, 20)
	l.tick(at(1))
	l.Event("think", 0, 0)
	l.tick(at(1.2))
	l.clear()
	l.clear()
	want := "\rx: reading, 10 of 20 fi" + "\rx: thinking            " + "\r           \r"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestStartStop: it may be started again for what comes later, and what nobody
// wants to see may be nil.
func TestStartStop(t *testing.T) {
	var none *Line
	none.Start()
	none.Event("read", 1, 2)
	none.Stop()

	var out bytes.Buffer
	now, mu := start, sync.Mutex{}
	l := New(Config{Out: &out, Stages: stages(), Width: func() int { return 80 }, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}})
	for _, stage := range []string{"read", "write"} {
		l.Start()
		l.Start()
		l.Event(stage, 0, 0)
		time.Sleep(2 * redraw)
		l.Stop()
		l.Stop()
		if s := out.String(); !strings.HasPrefix(s, "\r"+stage[:1]) || !strings.HasSuffix(s, " \r") {
			t.Errorf("%s: %q", stage, s)
		}
		out.Reset()
	}
}

// TestHonest: whatever the weights and the cache made of the first seconds, the
// estimate is soon right, and it never jumps.
func TestHonest(t *testing.T) {
	const units = 100
	for name, each := range map[string][3]float64{ // seconds of a unit of read, of all thinking, of a unit of write
		"as measured":       {0.1, 10, 0.8},
		"read was cached":   {0.0001, 10, 0.8},
		"writing is quick":  {0.1, 10, 0.4},
		"weights are wrong": {0.4, 1, 0.4},
	} {
		m := meter{stages: stages(), begun: start}
		type shown struct{ at, left float64 }
		var all []shown
		now, next := 0.0, 0.2
		run := func(took float64) {
			for now += took; next <= now; next += 0.2 {
				m.sample(at(next))
				if d, ok := m.estimate(at(next)); ok {
					all = append(all, shown{next, d.Seconds()})
				}
			}
		}
		for i := range units {
			run(each[0])
			m.event("read", i+1, units)
		}
		m.event("think", 0, 0)
		run(each[1])
		m.event("write", 0, 0)
		settled := now + window.Seconds() + 6
		for i := range units {
			run(each[2])
			m.event("write", i+1, units)
		}
		if len(all) < 100 || all[len(all)-1].at < settled+5 {
			t.Fatalf("%s: only %d estimates in %.0f s", name, len(all), now)
		}
		for i, s := range all {
			if i > 0 {
				before := all[i-1]
				if jump := math.Abs(s.left - (before.left - (s.at - before.at))); jump > 0.2*max(before.left, s.left)+0.5 {
					t.Errorf("%s: after %.1f s it jumps from %.1f s left to %.1f s", name, s.at, before.left, s.left)
				}
			}
			if left := now - s.at; s.at > settled && left > 5 && math.Abs(s.left-left) > 0.2*left+2 {
				t.Errorf("%s: after %.1f s it says %.1f s left, and it was %.1f s", name, s.at, s.left, left)
			}
		}
	}
}

func TestRounded(t *testing.T) {
	for seconds, want := range map[float64]string{
		0.2: "1 s", 1.4: "1 s", 9.4: "9 s", 12: "10 s", 58: "60 s", 63: "1 min", 80: "1.5 min", 290: "5 min", 301: "5 min", 3599: "60 min",
	} {
		if got := rounded(time.Duration(seconds * float64(time.Second))); got != want {
			t.Errorf("%v s is %q, want %q", seconds, got, want)
		}
	}
}

// TestOvertaken: events of units that end at once come in any order.
func TestOvertaken(t *testing.T) {
	m := meter{stages: stages(), begun: start}
	for _, done := range []int{2, 3, 1} {
		m.event("read", done, 3)
	}
	m.event("read", 0, 0)
	if c := m.counts["read"]; c != (count{3, 3}) {
		t.Error(c)
	}
	if got, want := fmt.Sprintf("%.2f", m.share()), "0.10"; got != want {
		t.Errorf("%s of the work is done, want %s", got, want)
	}
}
