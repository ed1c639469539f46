package cli_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/darkstart-dev/darkstart/internal/testkit/sigstore"
)

const issuer = "https://token.forge.example"

// scriptTB lets helpers of tests run under a script.
type scriptTB struct {
	testing.TB
	ts *testscript.TestScript
}

func (s scriptTB) Helper()                      {}
func (s scriptTB) Context() context.Context     { return context.Background() }
func (s scriptTB) Fatal(args ...any)            { s.ts.Fatalf("%v", args) }
func (s scriptTB) Fatalf(f string, args ...any) { s.ts.Fatalf(f, args...) }
func (s scriptTB) Skipf(f string, args ...any)  { s.ts.Fatalf(f, args...) } // scripts ask [stock:NAME]
func (s scriptTB) Logf(f string, args ...any)   { s.ts.Logf(f, args...) }
func (s scriptTB) Cleanup(f func())             { s.ts.Defer(f) }
func (s scriptTB) TempDir() (dir string) {
	dir, err := os.MkdirTemp(s.ts.MkAbs("."), "tmp-")
	s.ts.Check(err)
	return dir
}

// cmdSigstore starts a Sigstore deployment. With "late" its certificates have
// expired when they are issued; with "refuses" it believes no token.
func cmdSigstore(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: sigstore [late|refuses]")
	}
	d := sigstore.New(scriptTB{ts: ts})
	ts.Check(os.WriteFile(ts.MkAbs("trusted_root.json"), d.TrustedRoot(), 0o644))
	if len(args) == 1 && args[0] == "late" {
		d.IssuedAt = func() time.Time { return time.Now().Add(-time.Hour) }
	}
	if len(args) == 1 && args[0] == "refuses" {
		d.Refuses = 401
	}
	for name, value := range map[string]string{"FULCIO": d.Fulcio, "REKOR": d.Rekor, "TSA": d.TSA, "ISSUER": issuer} {
		ts.Setenv(name, value)
	}
}

func cmdToken(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: token FILE SUBJECT")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(sigstore.IDToken(args[1], issuer)+"\n"), 0o600))
}
