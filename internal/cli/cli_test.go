package cli_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/darkstart-dev/darkstart/internal/cli"
)

// TestMain makes this binary the command as well: scripts run a process of its
// own for every line, with its own environment, directory and signals.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"darkstart": func() { os.Exit(cli.Main()) }})
}

// TestScript runs testdata/script; each script is headed by what it guards.
//
// Besides testscript's own commands there are:
//
//	fleet NAME DIR     a git repository of a fleet: minimal, pair, or example
//	repo DIR           make DIR a git repository with one commit
//	commit DIR         commit everything, one minute after the commit before
//	edit FILE OLD NEW  replace the one place where OLD stands; \n is a newline
//	status N CMD…      run CMD and demand exit status N
//	json FILE [K=V…]   demand one JSON value, and values at dotted paths
//	result FILE        demand a result as docs/result.schema.json describes it
//	document NAME FILE demand a document as docs/NAME.schema.json describes it
//	bundles LAYOUT     print every bundle of a layout with a digest of its bytes
//	tamper LAYOUT CMD… flip a byte of every file in turn: CMD must refuse
//	deploy FLEET       judge deploy/ against the layout beside it
//	registry [KIND]    start a registry: in memory, old (without the referrers API), olareg,
//	                   distribution [USER:PASSWORD]; $REGISTRY is its host
//	sigstore           start a Sigstore deployment: $FULCIO, $REKOR, $TSA, trusted_root.json
//	token FILE SUBJECT write an identity token
//	image REF TEXT     push an image that holds TEXT to it
//	stock NAME ARG…    run a stock program; [stock:NAME] says whether it is there
//	damage DIR         flip a bit in every file below DIR; damage DIR layers: of a cache, in layers
//	poison DIR [A B]   put false results into a cache: B for A
//	kept DIR           demand that an unpacked bundle's state is never pruned
func TestScript(t *testing.T) {
	kept := t.TempDir()
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		ContinueOnError:    true,
		Setup: func(e *testscript.Env) error {
			// One cache serves all scripts, as one serves all fleets of a user.
			e.Vars = append(append(e.Vars, scriptEnv(e.WorkDir)...), "XDG_CACHE_HOME="+kept)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fleet": cmdFleet, "repo": cmdRepo, "commit": cmdCommit, "edit": cmdEdit,
			"status": cmdStatus, "json": cmdJSON, "result": cmdResult, "document": cmdDocument, "bundles": cmdBundles,
			"tamper": cmdTamper, "deploy": cmdDeploy, "kept": cmdKept, "registry": cmdRegistry, "push": cmdPush, "export": cmdExport, "image": cmdImage,
			"stock": cmdStock, "sigstore": cmdSigstore, "token": cmdToken,
			"damage": cmdDamage, "poison": cmdPoison,
		},
		Condition: hasStock,
	})
}

// scriptEnv hides the developer's git configuration, and dates every commit.
func scriptEnv(dir string) []string {
	return []string{
		"HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@fleet.example", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@fleet.example",
		"COSIGN_PASSWORD=script", "TZ=UTC",
	}
}

func cmdResult(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: result FILE")
	}
	cmdDocument(ts, false, append([]string{"result"}, args...))
}

func cmdDocument(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: document NAME FILE")
	}
	schema, err := jsonschema.NewCompiler().Compile(sourceDir("../../docs/" + args[0] + ".schema.json"))
	ts.Check(err)
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(ts.ReadFile(args[1])))
	ts.Check(err)
	ts.Check(schema.Validate(v))
}

var epoch = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// Where the fleets of scripts are.
var fleets = map[string]string{
	"minimal": "scaffold/minimal", "production": "scaffold/production", "pair": "testdata/pair", "example": "../../testdata/fleets/example",
}

func cmdFleet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || fleets[args[0]] == "" {
		ts.Fatalf("usage: fleet minimal|production|pair|example DIR")
	}
	ts.Check(copyFleet(filepath.FromSlash(sourceDir(fleets[args[0]])), ts.MkAbs(args[1])))
	makeRepo(ts, ts.MkAbs(args[1]))
}

// sourceDir is where this package stands: scripts run elsewhere.
func sourceDir(rel string) string { return filepath.Join(packageDir, filepath.FromSlash(rel)) }

var packageDir = func() string {
	d, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return d
}()

func copyFleet(from, to string) error {
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		if d.Name() == "gitignore" {
			target = filepath.Join(filepath.Dir(target), ".gitignore")
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		return os.WriteFile(target, b, 0o644)
	})
}

func cmdRepo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: repo DIR")
	}
	makeRepo(ts, ts.MkAbs(args[0]))
}

func makeRepo(ts *testscript.TestScript, dir string) {
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(ts.Exec("git", "-C", dir, "init", "-q", "-b", "main"))
	commitAll(ts, dir)
}

func cmdCommit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: commit DIR")
	}
	commitAll(ts, ts.MkAbs(args[0]))
}

func commitAll(ts *testscript.TestScript, dir string) {
	ts.Check(ts.Exec("git", "-C", dir, "add", "-A"))
	n := 0
	if err := ts.Exec("git", "-C", dir, "rev-list", "--count", "HEAD"); err == nil {
		fmt.Sscan(ts.ReadFile("stdout"), &n)
	}
	at := epoch.Add(time.Duration(n) * time.Minute).Format(time.RFC3339)
	ts.Setenv("GIT_AUTHOR_DATE", at)
	ts.Setenv("GIT_COMMITTER_DATE", at)
	ts.Check(ts.Exec("git", "-C", dir, "commit", "-q", "--allow-empty", "-m", "commit"))
}

func cmdEdit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	name, text := ts.MkAbs(args[0]), ts.ReadFile(args[0])
	if strings.Count(text, args[1]) != 1 {
		ts.Fatalf("%q stands %d times in %s", args[1], strings.Count(text, args[1]), args[0])
	}
	ts.Check(os.WriteFile(name, []byte(strings.Replace(text, args[1], strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(args[2]), 1)), 0o644))
}

func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N CMD…")
	}
	if got := exitStatus(ts.Exec(args[1], args[2:]...)); got != args[0] {
		ts.Fatalf("exit status %s, want %s", got, args[0])
	}
}

func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: json FILE [path=value…]")
	}
	var doc any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc); err != nil {
		ts.Fatalf("%s is not one JSON value: %v", args[0], err)
	}
	for _, a := range args[1:] {
		path, want, _ := strings.Cut(a, "=")
		if got := fmt.Sprint(dig(doc, strings.Split(path, "."))); got != want {
			ts.Fatalf("%s is %s, want %s", path, got, want)
		}
	}
}

// dig follows a dotted path; the "len" of a list is its length.
func dig(v any, path []string) any {
	for _, p := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[p]
		case []any:
			i := 0
			if p == "len" {
				return len(x)
			}
			if _, err := fmt.Sscan(p, &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// cmdBundles reads a layout with nothing of Darkstart: what it prints is what
// lies there, signatures left out.
func cmdBundles(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: bundles LAYOUT")
	}
	lines, err := bundles(ts.MkAbs(args[0]))
	ts.Check(err)
	if _, err := fmt.Fprint(ts.Stdout(), strings.Join(lines, "")); err != nil {
		ts.Fatalf("%v", err)
	}
}

type ociDescriptor struct {
	Digest       string            `json:"digest"`
	ArtifactType string            `json:"artifactType"`
	Annotations  map[string]string `json:"annotations"`
}

// bundles demands that every blob of every bundle is there and has its digest.
func bundles(layout string) ([]string, error) {
	var index struct {
		Manifests []ociDescriptor `json:"manifests"`
	}
	if err := readJSON(filepath.Join(layout, "index.json"), &index); err != nil {
		return nil, err
	}
	var lines []string
	for _, d := range index.Manifests {
		tag := d.Annotations["org.opencontainers.image.ref.name"]
		if tag == "" || !strings.Contains(d.ArtifactType, "darkstart") {
			continue
		}
		var m struct {
			Config ociDescriptor   `json:"config"`
			Layers []ociDescriptor `json:"layers"`
		}
		if err := readJSON(blob(layout, d.Digest), &m); err != nil {
			return nil, err
		}
		for _, b := range append(m.Layers, m.Config, d) {
			data, err := os.ReadFile(blob(layout, b.Digest))
			if err != nil {
				return nil, err
			}
			if got := fmt.Sprintf("sha256:%x", sha256.Sum256(data)); got != b.Digest {
				return nil, fmt.Errorf("%s: blob %s has digest %s", tag, b.Digest, got)
			}
		}
		lines = append(lines, fmt.Sprintf("%s %s %s\n", tag, d.Digest, m.Layers[0].Digest))
	}
	sort.Strings(lines)
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s holds no bundle", layout)
	}
	return lines, nil
}

func blob(layout, digest string) string {
	return filepath.Join(layout, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
}

func readJSON(name string, v any) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
