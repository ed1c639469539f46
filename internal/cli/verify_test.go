package cli_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/darkstart-dev/darkstart/internal/oci"
)

// cmdPush copies an artifact of a layout with its statements to a registry, and
// sets $PIN to its digest.
func cmdPush(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: push LAYOUT ARTIFACT REPOSITORY TAG")
	}
	l, err := oci.OpenLayout(ts.MkAbs(args[0]))
	ts.Check(err)
	d, err := l.Resolve(context.Background(), args[1])
	ts.Check(err)
	to, err := oci.OpenRepository(args[2], nil)
	ts.Check(err)
	ts.Check(oci.Copy(context.Background(), l, d, to, args[3]))
	ts.Setenv("PIN", string(d.Digest))
}

// cmdExport writes the objects of an unpacked bundle as `kubectl get -o json`
// would show them: with what a server adds. Kinds that are named are left out.
func cmdExport(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: export FOLDER FILE [KIND...]")
	}
	items := []any{}
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]+"/parts"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "kustomization.yaml" {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var o map[string]any
		if err := json.Unmarshal(b, &o); err != nil {
			return err
		}
		meta := o["metadata"].(map[string]any)
		meta["uid"], meta["resourceVersion"], meta["managedFields"] = "u", "1", []any{map[string]any{"manager": "kustomize-controller"}}
		if o["status"] = map[string]any{"observed": true}; !slices.Contains(args[2:], o["kind"].(string)) {
			items = append(items, o)
		}
		return nil
	}))
	b, err := json.MarshalIndent(map[string]any{"apiVersion": "v1", "kind": "List", "items": items}, "", "  ")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o644))
	if len(items) == 0 {
		ts.Fatalf("%s: nothing to export", strings.Join(args, " "))
	}
}
