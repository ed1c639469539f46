package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

// TestReport guards the arithmetic of the page: medians, ratios of pairs, and
// figures divided by the number of clusters.
func TestReport(t *testing.T) {
	s := &size{Clusters: 2, Objects: 7, Stages: []stageCost{{"render", 3}, {"seal", 1}}}
	for _, cpu := range []time.Duration{4, 2, 12} {
		s.Pairs = append(s.Pairs, pair{
			Ours:  usage{cpu * time.Second, time.Second, 1 << 20},
			Stock: usage{8 * time.Second, 4 * time.Second, 3 << 20},
		})
	}
	text := (&report{Machine: "4 cores", Runs: 3, Sizes: []*size{s}}).markdown()
	for _, want := range []string{
		"## 2 clusters of 7 objects",
		"| CPU seconds | 2.00 | 4.00 | 2.00 |",
		"| wall seconds | 0.50 | 2.00 | 4.00 |",
		"MiB, whole fleet | 1 | 3 | 3.00 |",
		"| render | 1.500 | 75 % |",
		"| together | 2.000 | |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, bad := range [][]string{{"-clusters", "0"}, {"-clusters", "x"}, {"-runs", "0"}} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
}

// TestPolicies guards that the rules of the comparison judge: a comparison
// with rules that never fire would be worth nothing.
func TestPolicies(t *testing.T) {
	conftest := tools.Path(t, tools.Conftest)
	file := filepath.Join(t.TempDir(), "bad.yaml")
	bad := `{apiVersion: v1, kind: Namespace, metadata: {name: n}}
---
{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {k: dg==}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {template: {spec: {containers: [{name: c, image: "x:1", env: [{name: PASSWORD, value: v}]}]}}}}
`
	if err := os.WriteFile(file, []byte(bad), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command(conftest, "test", "--policy", "policy", file).CombinedOutput()
	for _, want := range []string{"Pod Security level", "holds k in plain text", "not pinned by digest", "PASSWORD is set", "4 failures"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
