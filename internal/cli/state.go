package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// stateVersion names the format of the file of --state.
const stateVersion = "darkstart.dev/verify-state/v1"

// state is what a machine remembers of the newest bundles it ever accepted:
// the floor below which it accepts none (DESIGN §7). It is kept only where
// --state asks for it; a check that wrote somewhere unasked would give two
// answers to one question.
type state struct {
	Artifacts map[string]seal.State `json:"artifacts"`
	Version   string                `json:"version"`

	file    string
	changed bool
}

// readState reads the file of --state. One that does not exist yet is empty;
// one that cannot be read is an error: forgetting the floor is what an
// attacker would want.
func readState(file string) (*state, error) {
	s := &state{Artifacts: map[string]seal.State{}, Version: stateVersion, file: file}
	if file == "" {
		return s, nil
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("--state %s: %w", file, err)
	}
	if s.Version != stateVersion || s.Artifacts == nil {
		return nil, fmt.Errorf("--state %s: version %q is not %q", file, s.Version, stateVersion)
	}
	return s, nil
}

func (s *state) last(artifact string) *seal.State {
	if x, ok := s.Artifacts[artifact]; ok {
		return &x
	}
	return nil
}

// remember raises the floor to a bundle that was accepted, and the time to the
// latest at which anything was. A time that goes back is not remembered.
func (s *state) remember(r *seal.Report, now time.Time) {
	if r == nil || r.Bundle == nil {
		return
	}
	old := s.Artifacts[r.Artifact]
	next := old
	if old.Serial < r.Serial || old.Stream == "" && old.Serial == r.Serial {
		next = r.State()
	}
	if next.Verified = old.Verified; !now.IsZero() {
		next.Verified = max(old.Verified, now.UTC().Format(time.RFC3339))
	}
	if next != old {
		s.Artifacts[r.Artifact], s.changed = next, true
	}
}

func (s *state) save() error {
	if s.file == "" || !s.changed {
		return nil
	}
	b, err := object.Encode(s)
	if err != nil {
		return err
	}
	return writeFile(s.file, b)
}
