package profile

import (
	"encoding/json"
	"io"
	"slices"
	"sync"
	"time"
)

// Spans collects what a run did when. Work on the whole fleet is one row, and
// units that are worked on at the same time have a row each, so that a row is
// never two things at once.
type Spans struct {
	now   func() time.Time
	begun time.Time

	mu    sync.Mutex
	all   []span
	notes map[string]string
	busy  []bool // rows of units, by whether something runs on it
}

type span struct {
	stage, unit string
	row         int
	from, to    time.Duration // since begun
}

// NewSpans starts the clock.
func NewSpans(now func() time.Time) *Spans {
	return &Spans{now: now, begun: now(), notes: map[string]string{}}
}

// Note keeps what is known of the whole run. Of two notes with one name the
// later stays.
func (s *Spans) Note(name, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes[name] = text
}

// Begin opens a span for a stage that works on a unit, "" being the fleet. It
// may be called from several goroutines. The returned function closes the span.
func (s *Spans) Begin(stage, unit string) (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := span{stage: stage, unit: unit, from: s.now().Sub(s.begun)}
	if unit != "" {
		at.row = 1 + s.free()
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		at.to = s.now().Sub(s.begun)
		if at.row > 0 {
			s.busy[at.row-1] = false
		}
		s.all = append(s.all, at)
	}
}

// free takes the first row of units that is free.
func (s *Spans) free() int {
	i := slices.Index(s.busy, false)
	if i < 0 {
		i = len(s.busy)
		s.busy = append(s.busy, false)
	}
	s.busy[i] = true
	return i
}

// event is one of "Trace Event Format" (Google, 2016): X is a complete span, M
// names a row. Times are in microseconds.
type event struct {
	Name     string            `json:"name"`
	Category string            `json:"cat,omitempty"`
	Phase    string            `json:"ph"`
	Time     float64           `json:"ts"`
	Duration float64           `json:"dur,omitempty"`
	Process  int               `json:"pid"`
	Row      int               `json:"tid"`
	Args     map[string]string `json:"args,omitempty"`
}

// Write writes the closed spans, in the order in which they began.
func (s *Spans) Write(w io.Writer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := []event{row(0, "fleet")}
	for i := range s.busy {
		events = append(events, row(i+1, "units"))
	}
	// A span that encloses others begins no later and ends no earlier.
	slices.SortStableFunc(s.all, func(a, b span) int {
		if a.from != b.from {
			return int(a.from - b.from)
		}
		return int(b.to - a.to)
	})
	for _, x := range s.all {
		e := event{Name: x.stage, Category: x.stage, Phase: "X", Time: micro(x.from), Duration: micro(x.to - x.from), Process: 1, Row: x.row}
		if x.unit != "" {
			e.Name, e.Args = x.stage+" "+x.unit, map[string]string{"unit": x.unit}
		}
		events = append(events, e)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(map[string]any{"displayTimeUnit": "ms", "otherData": s.notes, "traceEvents": events})
}

func row(i int, name string) event {
	return event{Name: "thread_name", Phase: "M", Process: 1, Row: i, Args: map[string]string{"name": name}}
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
