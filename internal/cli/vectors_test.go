package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/cli"
	"github.com/darkstart-dev/darkstart/internal/testkit/registry"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
	"github.com/darkstart-dev/darkstart/internal/testkit/vectors"
)

const vectorDir = "../../testdata/vectors/bundles"

// answer is what a command says of a vector.
type answer struct {
	ExitCode    int
	Diagnostics []struct{ Code, Severity string }
	Reports     []struct{ Manifest string }
	Statements  []json.RawMessage
}

// codes of the errors, sorted, as vectors hold them.
func (a *answer) codes() string {
	var out []string
	for _, d := range a.Diagnostics {
		if d.Severity == "error" {
			out = append(out, d.Code)
		}
	}
	if len(out) == 0 {
		return vectors.OK
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// ask runs a whole command in this process.
func ask(t *testing.T, args ...string) *answer {
	t.Helper()
	var stdout, stderr bytes.Buffer
	home := t.TempDir()
	status := cli.Run(t.Context(), cli.Invocation{
		Args: append(args, "-o", "json"), Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		Getenv: func(name string) string { return map[string]string{"HOME": home}[name] },
	})
	a := &answer{}
	if err := json.Unmarshal(stdout.Bytes(), a); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, &stdout, &stderr)
	}
	a.ExitCode = status
	return a
}

// TestVectors guards that the commands say of every vector what its file says,
// wherever they read it from: a layout, a tar of one, and registries with and
// without the referrers API.
func TestVectors(t *testing.T) {
	t.Parallel()
	vs, err := vectors.Read(os.DirFS(vectorDir))
	if err != nil {
		t.Fatal(err)
	}
	hosts := map[string]string{"referrers API": registry.Memory(t, true), "fallback tag": registry.Memory(t, false)}
	stock := stockRegistries(t)
	for i, v := range vs {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "oci")
			if _, err := v.Layout(t.Context(), dir); err != nil {
				t.Fatal(err)
			}
			f, err := os.Create(dir + ".tar")
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(vectors.Tar(dir, f), f.Close()); err != nil {
				t.Fatal(err)
			}
			judge(t, v, "layout", dir)
			judge(t, v, "tar", dir+".tar")
			if i%8 == 0 || os.Getenv("DARKSTART_EXHAUSTIVE") != "" {
				judgeStock(t, v, stock)
			}
			for kind, host := range hosts {
				repository := host + "/vectors/" + v.Name
				if err := v.Push(t.Context(), repository); err != nil {
					t.Fatalf("%s: %v", kind, err)
				}
				judge(t, v, kind, "oci://"+repository+"@"+string(v.Digest()))
			}
		})
	}
}

// stockRegistries starts the stock registries that are built here.
func stockRegistries(t *testing.T) map[string]*registry.Process {
	t.Helper()
	out := map[string]*registry.Process{}
	if _, err := tools.Find(t.Context(), tools.Registry); err == nil || os.Getenv("CI") == "true" {
		out["distribution"] = registry.Distribution(t, registry.Login{})
	}
	if _, err := tools.Find(t.Context(), tools.Olareg); err == nil || os.Getenv("CI") == "true" {
		out["olareg"] = registry.Olareg(t)
	}
	return out
}

// judgeStock fetches a vector from stock registries. What one does not even take
// nobody can fetch from it.
func judgeStock(t *testing.T, v *vectors.Vector, stock map[string]*registry.Process) {
	t.Helper()
	for kind, r := range stock {
		repository := r.Host + "/vectors/" + v.Name
		err := v.Push(t.Context(), repository)
		var refused *vectors.Refused
		switch {
		case errors.As(err, &refused) && v.Load != vectors.OK:
			t.Logf("%s does not take it: %v", kind, err)
		case err != nil:
			t.Errorf("%s: %v", kind, err)
		default:
			judge(t, v, kind, "oci://"+repository+"@"+string(v.Digest()))
		}
	}
}

// judge holds verify and inspect to what the vector says.
func judge(t *testing.T, v *vectors.Vector, kind, at string) {
	t.Helper()
	want := func(command, want string, a *answer) {
		status := 3
		if want == vectors.OK {
			status = 0
		}
		if got := a.codes(); got != want || a.ExitCode != status {
			t.Errorf("%s, %s: want %s and exit %d, got %s and exit %d (%s)", kind, command, want, status, got, a.ExitCode, v.Why)
		}
	}
	verify := []string{"verify", at, "--artifact", vectors.Artifact, "--now", vectors.Now, "--min-serial", "2"}
	if v.State != nil {
		state := filepath.Join(t.TempDir(), "state.json")
		if err := os.WriteFile(state, v.State, 0o600); err != nil {
			t.Fatal(err)
		}
		verify = append(verify, "--state", state)
	}
	want("verify --trust", v.Expect, ask(t, append(slices.Clip(verify), "--trust", vectorDir+"/trust.cue")...))
	if v.State != nil { // a bundle that was accepted is remembered
		if err := os.WriteFile(verify[len(verify)-1], v.State, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	demand := ask(t, append(slices.Clip(verify), "--key", vectorDir+"/keys/release.pub", "--attest-key", vectorDir+"/keys/attest.pub")...)
	want("verify --attest-key", v.Demand, demand)
	if len(demand.Reports) == 1 && demand.Reports[0].Manifest != string(v.Digest()) {
		t.Errorf("%s: verify reports %s, not %s", kind, demand.Reports[0].Manifest, v.Digest())
	}
	inspect := []string{"inspect", at}
	if !strings.HasPrefix(at, "oci://") {
		inspect = []string{"inspect", at, "--artifact", vectors.Artifact}
	}
	seen := ask(t, inspect...)
	want("inspect", v.Load, seen)
	if v.Load == vectors.OK && len(seen.Statements) != len(v.Statements) {
		t.Errorf("%s: inspect lists %d statements of %d", kind, len(seen.Statements), len(v.Statements))
	}
}
