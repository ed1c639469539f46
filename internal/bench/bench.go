package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// bench is everything that runs need: programs, a place to work, and where
// what was measured goes.
type bench struct {
	*options
	root, tmp       string
	self, darkstart string
	generator       string // this and the next two are commands below this one
	floor, meter    string
	key             string
	programs        *stock // nil: Darkstart alone
	commit          string
	log             io.Writer
	records         records
}

// release is the Kubernetes release that all clusters declare.
const release = "1.36"

func prepare(ctx context.Context, o *options, root, tmp string, log io.Writer) (*bench, error) {
	b := &bench{options: o, root: root, tmp: tmp, log: log, key: filepath.Join(tmp, "release.key")}
	var err error
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.commit, err = output(ctx, root, "git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"); err != nil {
		return nil, err
	}
	for pkg, to := range map[string]*string{
		"cmd/darkstart": &b.darkstart, "internal/bench/fleet": &b.generator, "internal/bench/floor": &b.floor, "internal/bench/meter": &b.meter,
	} {
		*to = filepath.Join(tmp, filepath.Base(pkg))
		if _, err := output(ctx, b.root, "go", "build", "-trimpath", "-o", *to, "./"+pkg); err != nil {
			return nil, err
		}
	}
	keys := command{dir: tmp, env: []string{passphrase}, args: []string{b.darkstart, "keys", "generate", "--out", tmp}}
	if _, err := measure(ctx, b.meter, keys); err != nil {
		return nil, err
	}
	if o.wants(mCold) && o.stock != 0 {
		b.programs, err = prepareStock(ctx, b, tmp)
	}
	return b, err
}

// record keeps what was measured.
func (b *bench) record(r record) {
	r.Commit, r.Machine, r.Note = b.commit, machine(), b.note
	if r.Stock > 0 {
		r.Programs = versions()
	}
	b.records = b.records.with(&r)
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.log, format+"\n", args...) }

// child runs a program that prints JSON.
func (b *bench) child(ctx context.Context, into any, args ...string) error {
	out, err := output(ctx, b.root, args[0], args[1:]...)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(out), into)
}

// cached makes a fresh folder for the cache, and returns the environment that
// names it.
func (b *bench) cached() (dir string, env []string, err error) {
	dir, err = os.MkdirTemp(b.tmp, "cache-")
	return dir, []string{passphrase, "XDG_CACHE_HOME=" + dir}, err
}

// micro runs the Go benchmarks that no fleet of this size reaches.
func (b *bench) micro(ctx context.Context) error {
	b.say("Go benchmarks")
	out, err := output(ctx, b.root, "go", "test", "-run", "^$", "-bench", ".", "-benchtime", "1s", "./plans/solver", "./compiler/link", "./compiler/guard", "./compiler/seal", "./compiler/publish")
	if err != nil {
		return err
	}
	r := record{Measure: mMicro}
	for l := range strings.SplitSeq(out, "\n") {
		if strings.HasPrefix(l, "Benchmark") {
			r.Lines = append(r.Lines, l)
		}
	}
	b.record(r)
	return nil
}
