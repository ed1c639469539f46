package attest

import (
	"testing"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

func drills() []Drill {
	return []Drill{
		{Name: "2026-11-02-dns", File: "evidence/2026-11-02-dns.json", Digest: digest.Of([]byte("dns"))},
		{Name: "2026-11-03-vault", File: "evidence/2026-11-03-vault.json", Digest: digest.Of([]byte("vault")), Stale: true},
	}
}

// TestDrills guards what is stated of drills, byte for byte, and what is read of
// the results of tests.
func TestDrills(t *testing.T) {
	want := `{"configuration":[{"digest":{"sha256":"` + digest.Of([]byte("dns")).Hex() + `"},"name":"evidence/2026-11-02-dns.json"},` +
		`{"digest":{"sha256":"` + digest.Of([]byte("vault")).Hex() + `"},"name":"evidence/2026-11-03-vault.json"}],` +
		`"passedTests":["2026-11-02-dns"],"result":"WARNED","warnedTests":["2026-11-03-vault"]}`
	if p, err := NewTestResult(drills()); err != nil || string(p.JSON) != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, p.JSON, want)
	}
	if p, err := NewTestResult(drills()[:1]); err != nil {
		t.Error(err)
	} else if c, err := Read(TestResult, p.JSON); err != nil || c.Result != Passed || c.Listed != 1 {
		t.Errorf("%+v %v", c, err)
	}
	if p, err := NewTestResult(nil); err == nil {
		t.Errorf("nothing passed, and %s is stated", p.JSON)
	}
	for name, text := range map[string]string{
		"no result":        `{"configuration":[{"name":"a"}]}`,
		"another result":   `{"configuration":[{"name":"a"}],"result":"OK"}`,
		"no configuration": `{"result":"PASSED"}`,
		"an empty one":     `{"configuration":[{}],"result":"PASSED"}`,
		"failed and not":   `{"configuration":[{"name":"a"}],"result":"WARNED","failedTests":["a"]}`,
		"twice":            `{"configuration":[{"name":"a"}],"result":"PASSED","result":"FAILED"}`,
	} {
		if c, err := Read(TestResult, []byte(text)); err == nil {
			t.Errorf("%s: read as %+v", name, c)
		}
	}
	if c, err := Read(TestResult, []byte(`{"configuration":[{"name":"a"}],"result":"FAILED","failedTests":["a"]}`)); err != nil || c.Result != Failed {
		t.Errorf("a failed one is not read: %+v %v", c, err)
	}
}
