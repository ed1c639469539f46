package tgz

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

// golden are the digests of the corpus, tar and gzip. If this changes, every
// digest in every releases/*.json changes: it must not.
const golden = "tar a54681aaa8e589eb gzip 6ecf0fac051c7640"

// corpus is 3 MB of what bundles hold (indented JSON), with stretches that do
// not compress. program.go cuts it into files.
func corpus() []byte {
	var b bytes.Buffer
	r := rand.New(rand.NewPCG(1, 2))
	for i := 0; b.Len() < 3<<20; i++ {
		fmt.Fprintf(&b, "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"ConfigMap\",\n  \"metadata\": {\n    \"name\": \"c%d\"\n  }\n}\n", i)
		if i%100 == 0 {
			for range 500 {
				fmt.Fprintf(&b, "%016x", r.Uint64())
			}
		}
	}
	return b.Bytes()
}

// program does in any toolchain what the test does in its own.
const program = `package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"

	"example.invalid/p/tgz"
)

func main() {
	b, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	t, g := sha256.New(), sha256.New()
	gz, err := tgz.Gzip(g)
	if err != nil {
		panic(err)
	}
	a := tgz.NewArchive(io.MultiWriter(t, gz))
	for i := 0; i*7919 < len(b); i++ {
		data := b[i*7919 : min(len(b), (i+1)*7919)]
		w, err := a.Create(fmt.Sprintf("f%05d", i), int64(len(data)))
		if err != nil {
			panic(err)
		}
		if _, err := w.Write(data); err != nil {
			panic(err)
		}
	}
	if err := a.Close(); err != nil {
		panic(err)
	}
	if err := gz.Close(); err != nil {
		panic(err)
	}
	fmt.Printf("tar %x gzip %x", t.Sum(nil)[:8], g.Sum(nil)[:8])
}
`

func here(t *testing.T) string {
	b := corpus()
	var files []File
	for i := 0; i*7919 < len(b); i++ {
		files = append(files, File{Path: fmt.Sprintf("f%05d", i), Data: b[i*7919 : min(len(b), (i+1)*7919)]})
	}
	tar := archive(t, files)
	gz := compress(t, tar, len(tar))
	s, g := sha256.Sum256(tar), sha256.Sum256(gz)
	return fmt.Sprintf("tar %x gzip %x", s[:8], g[:8])
}

func archive(t *testing.T, files []File) []byte {
	t.Helper()
	var b bytes.Buffer
	a := NewArchive(&b)
	for _, f := range files {
		w, err := a.Create(f.Path, int64(len(f.Data)))
		if err == nil {
			_, err = w.Write(f.Data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// compress writes b in pieces of that many bytes.
func compress(t *testing.T, b []byte, piece int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := Gzip(&out)
	if err != nil {
		t.Fatal(err)
	}
	for p := range slices.Chunk(b, piece) {
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPieces: the archive is written in pieces as its files cut it, and the
// bytes must not show where.
func TestPieces(t *testing.T) {
	b := corpus()
	whole := compress(t, b, len(b))
	for _, piece := range []int{512, 4099, 1 << 16, 1<<16 + 1} {
		if !bytes.Equal(compress(t, b, piece), whole) {
			t.Errorf("pieces of %d bytes give another stream", piece)
		}
	}
}

// TestGolden pins the bytes of the layer (DESIGN §7).
func TestGolden(t *testing.T) {
	if got := here(t); got != golden {
		t.Errorf("the compressor or the archive changed: got %q, want %q", got, golden)
	}
}

// TestToolchains compiles this package with two Go releases and compares their
// bytes, because Go's own gzip once changed between them.
func TestToolchains(t *testing.T) {
	dir := t.TempDir()
	src, err := os.ReadFile("tgz.go")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile("../../../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/klauspost/compress "
	_, version, ok := strings.Cut(string(mod), module)
	version, _, _ = strings.Cut(version, "\n")
	if !ok {
		t.Fatal("go.mod does not pin the compressor")
	}
	if err := os.Mkdir(filepath.Join(dir, "tgz"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]string{
		"go.mod": "module example.invalid/p\n\ngo 1.26.0\n\nrequire " + module + version + "\n",
		"go.sum": string(sum), "main.go": program, "tgz/tgz.go": string(src),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, toolchain := range []string{"go1.26.8", runtime.Version()} {
		t.Run(toolchain, func(t *testing.T) {
			run(t, dir, toolchain, "version") // is it there at all?
			if out := run(t, dir, toolchain, "run", "."); out != golden {
				t.Errorf("got %q, want %q", out, golden)
			}
		})
	}
}

func run(t *testing.T, dir, toolchain string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain, "GOWORK=off", "GOFLAGS=-mod=mod")
	cmd.Stdin = bytes.NewReader(corpus())
	out, err := cmd.Output()
	if err == nil {
		return string(out)
	}
	var exit *exec.ExitError
	errors.As(err, &exit)
	if args[0] == "version" {
		tools.Missing(t, "toolchain %s: %v\n%s", toolchain, err, exit.Stderr)
	}
	t.Fatalf("go %v: %v\n%s", args, err, exit.Stderr)
	return ""
}

// TestLimits: reading stops at what it was told, and says so.
func TestLimits(t *testing.T) {
	tar := archive(t, []File{{"a", make([]byte, 4096)}, {"b", nil}})
	gz := compress(t, tar, len(tar))
	if _, err := Gunzip(gz, int64(len(tar))-1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one byte above the limit: %v", err)
	}
	if b, err := Gunzip(gz, int64(len(tar))); err != nil || !bytes.Equal(b, tar) {
		t.Errorf("at the limit: %v", err)
	}
	if _, err := Untar(tar, 1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one file above the limit: %v", err)
	}
	if f, err := Untar(tar, 2); err != nil || len(f) != 2 {
		t.Errorf("at the limit: %v", err)
	}
}
