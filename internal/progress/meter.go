package progress

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Stage is one kind of work. All text is ASCII.
type Stage struct {
	Name  string
	Doing string // a gerund: "rendering manifests"
	Of    string // what its units are: "clusters"
	// Weight is what a unit costs, against those of the other stages. It was
	// measured, and need not be right for this fleet: see meter.
	Weight float64
}

// meter estimates what is left of some work.
//
// The work is all units of all stages by their weights, and its speed is that of
// the last seconds: what the cache made quick, or the weights have wrong, is
// forgotten as it passes. A stage of which nobody has told how many units it has
// is taken to have as many as the largest.
type meter struct {
	stages []Stage
	begun  time.Time

	current string           // the stage that was heard of last
	counts  map[string]count // by stage
	samples []sample         // of the last seconds, oldest first
	left    time.Duration    // as it was shown
	at      time.Time        // when left was
}

type count struct{ done, total int }

// sample is how much was done at some time, from 0 to 1.
type sample struct {
	at   time.Time
	done float64
}

// window is how far back the speed is measured.
const window = 10 * time.Second

// enough is how much has to be known before anything is said about the rest.
const enough = 2 * time.Second

func (m *meter) event(stage string, done, total int) {
	if m.counts == nil {
		m.counts = map[string]count{}
	}
	if c := m.counts[stage]; total > 0 {
		m.counts[stage] = count{max(c.done, done), total} // events overtake each other
	} else if c.total == 0 {
		m.counts[stage] = count{}
	}
	m.current = stage
}

// share is how much of all work is done, from 0 to 1; 0 while nobody knows how
// many units there are.
func (m *meter) share() float64 {
	units, latest := 0, -1
	for i, s := range m.stages {
		c, begun := m.counts[s.Name]
		if units = max(units, c.total); begun {
			latest = i
		}
	}
	var done, all float64
	for i, s := range m.stages {
		c := m.counts[s.Name]
		all += s.Weight * float64(cmp.Or(c.total, units))
		switch {
		case c.total > 0:
			done += s.Weight * float64(c.done)
		case i < latest: // one that tells of no units, and is over
			done += s.Weight * float64(units)
		}
	}
	if all == 0 {
		return 0
	}
	return done / all
}

func (m *meter) sample(now time.Time) {
	if len(m.samples) == 0 {
		m.samples = append(m.samples, sample{m.begun, 0})
	}
	if m.counts[m.current].total == 0 { // it tells nothing, so what was known holds
		waited := now.Sub(m.samples[len(m.samples)-1].at)
		for i := range m.samples {
			m.samples[i].at = m.samples[i].at.Add(waited)
		}
		return
	}
	m.samples = append(m.samples, sample{now, m.share()})
	old := slices.IndexFunc(m.samples, func(s sample) bool { return now.Sub(s.at) <= window })
	m.samples = m.samples[max(0, old-1):]
}

// remaining estimates from the last samples; false while nothing is known.
func (m *meter) remaining() (time.Duration, bool) {
	if len(m.samples) < 2 {
		return 0, false
	}
	from, to := m.samples[0], m.samples[len(m.samples)-1]
	took := to.at.Sub(from.at)
	if to.done <= from.done || took < enough {
		return 0, false
	}
	return time.Duration(float64(took) * (1 - to.done) / (to.done - from.done)), true
}

// estimate is remaining, calmed: time that passes is taken off what was said
// before, and a new estimate moves that by a part. False: say nothing.
func (m *meter) estimate(now time.Time) (time.Duration, bool) {
	raw, ok := m.remaining()
	if !ok {
		return 0, false
	}
	passed := now.Sub(m.at)
	if m.at.IsZero() || passed > window {
		m.left, m.at = raw, now
		return raw, true
	}
	part := min(1, float64(passed)/float64(3*time.Second))
	expected := m.left - passed
	m.left, m.at = expected+time.Duration(part*float64(raw-expected)), now
	return m.left, m.left > 0
}

// text says what is being done, "" before anything is.
func (m *meter) text(now time.Time) string {
	i := slices.IndexFunc(m.stages, func(s Stage) bool { return s.Name == m.current })
	if i < 0 {
		return ""
	}
	s, c := m.stages[i], m.counts[m.current]
	text := s.Doing
	if c.total > 0 {
		text += fmt.Sprintf(", %d of %d %s", c.done, c.total, s.Of)
	}
	if left, ok := m.estimate(now); ok {
		text += ", about " + rounded(left) + " left"
	}
	return text
}

// rounded says a time as exactly as an estimate can be meant.
func rounded(d time.Duration) string {
	to := func(step time.Duration) time.Duration { return max(d.Round(step), step) }
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%d s", to(time.Second)/time.Second)
	case d < time.Minute:
		return fmt.Sprintf("%d s", to(5*time.Second)/time.Second)
	case d < 5*time.Minute:
		return fmt.Sprintf("%g min", to(30*time.Second).Minutes())
	}
	return fmt.Sprintf("%d min", to(time.Minute)/time.Minute)
}
