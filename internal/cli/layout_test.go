package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdTamper flips one byte of every file of a layout in turn and demands that
// the command refuses (3), cannot read it (2), or says word for word what it
// said of the whole layout: then the byte was none of what it relies on.
func cmdTamper(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: tamper LAYOUT CMD…")
	}
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "blobs", "sha256", "*"))
	ts.Check(err)
	if len(files) < 10 {
		ts.Fatalf("%s holds %d blobs: that is no signed layout of several bundles", args[0], len(files))
	}
	ts.Check(ts.Exec(args[1], args[2:]...))
	whole, refused := ts.ReadFile("stdout"), 0
	files = append(files, filepath.Join(ts.MkAbs(args[0]), "index.json"), filepath.Join(ts.MkAbs(args[0]), "oci-layout"))
	for _, f := range files {
		was, err := os.ReadFile(f)
		ts.Check(err)
		b := bytes.Clone(was)
		b[len(b)/2] ^= 1
		ts.Check(os.WriteFile(f, b, 0o644))
		switch got := exitStatus(ts.Exec(args[1], args[2:]...)); {
		case got == "2" || got == "3":
			refused++
		case got != "0" || ts.ReadFile("stdout") != whole:
			ts.Fatalf("%s with byte %d flipped: exit status %s, and another report", filepath.Base(f), len(b)/2, got)
		}
		ts.Check(os.WriteFile(f, was, 0o644))
	}
	if refused < len(files)/2 {
		ts.Fatalf("only %d of %d flips were refused", refused, len(files))
	}
}

func exitStatus(err error) string {
	if err == nil {
		return "0"
	}
	return strings.TrimPrefix(err.Error(), "exit status ")
}

// kubernetesObject is as much of an object of deploy/ as is judged here.
type kubernetesObject struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Ref            struct{ Digest string }
		DependsOn      []struct{ Name string }
		DeletionPolicy string
		Path           string
		Prune          *bool
		Wait           bool
		Verify         *struct{ Provider string }
		LayerSelector  struct{ Operation string }
	} `json:"spec"`
}

// cmdDeploy judges deploy/*/flux.yaml of a fleet against the layout beside it
// and the bundles in it.
func cmdDeploy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: deploy FLEET")
	}
	dir := ts.MkAbs(args[0])
	lines, err := bundles(filepath.Join(dir, "dist", "oci"))
	ts.Check(err)
	judged := 0
	for _, l := range lines {
		name, rest, _ := strings.Cut(l, " ")
		digest, _, _ := strings.Cut(rest, " ")
		if name == "fleet" {
			continue
		}
		objs, err := readObjects(filepath.Join(dir, "deploy", name, "flux.yaml"))
		ts.Check(err)
		if err := judgeFlux(objs, name, digest); err != nil {
			ts.Fatalf("deploy/%s/flux.yaml: %v", name, err)
		}
		judged++
	}
	if judged == 0 {
		ts.Fatalf("no cluster is deployed")
	}
}

func readObjects(file string) ([]kubernetesObject, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var out []kubernetesObject
	for _, doc := range strings.Split(string(b), "---\n") {
		var o kubernetesObject
		d := json.NewDecoder(strings.NewReader(doc))
		if err := d.Decode(&o); err != nil {
			return nil, err
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: more than one value in a document", file)
		}
		out = append(out, o)
	}
	return out, nil
}

// judgeFlux holds the objects to DESIGN §7: one pinned source, and a chain in
// which every part comes after parts that exist and stand before it.
func judgeFlux(objs []kubernetesObject, cluster, digest string) error {
	repo := objs[0]
	switch {
	case repo.Kind != "OCIRepository" || repo.Metadata.Name != cluster:
		return fmt.Errorf("the first object is %s %q", repo.Kind, repo.Metadata.Name)
	case repo.Spec.Ref.Digest != digest:
		return fmt.Errorf("pins %s, and the manifest in dist is %s", repo.Spec.Ref.Digest, digest)
	case repo.Spec.Verify == nil || repo.Spec.LayerSelector.Operation != "copy":
		return errors.New("signature is not verified, or the layer is not copied as it is")
	}
	seen, roots := map[string]bool{}, 0
	for _, o := range objs[1:] {
		if o.Kind != "Kustomization" || o.Spec.Prune == nil {
			return fmt.Errorf("%s %q is no Kustomization that says whether it prunes", o.Kind, o.Metadata.Name)
		}
		want := "MirrorPrune"
		if strings.HasSuffix(o.Spec.Path, "/defs") || o.Spec.Path == "./parts/_guard" {
			want = "Orphan"
		}
		if o.Spec.DeletionPolicy != want {
			return fmt.Errorf("%q has deletionPolicy %q, want %s", o.Metadata.Name, o.Spec.DeletionPolicy, want)
		}
		if len(o.Spec.DependsOn) == 0 {
			roots++
		}
		for _, d := range o.Spec.DependsOn {
			if !seen[d.Name] {
				return fmt.Errorf("%q depends on %q, which does not stand before it", o.Metadata.Name, d.Name)
			}
		}
		seen[o.Metadata.Name] = true
	}
	if roots != 1 || !seen["darkstart-guard"] || len(seen) < 2 {
		return fmt.Errorf("%d of %d parts depend on nothing; all but the guard must come after it", roots, len(seen))
	}
	return nil
}

// cmdKept demands of an unpacked bundle that what holds state survives its
// removal from git, whichever engine applies it.
func cmdKept(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: kept DIR")
	}
	kept := 0
	err := filepath.WalkDir(ts.MkAbs(args[0]), func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".yaml" || d.Name() == "kustomization.yaml" {
			return err
		}
		var o struct {
			Kind     string
			Metadata struct{ Annotations map[string]string }
		}
		if err := readJSON(p, &o); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		switch o.Kind {
		case "CustomResourceDefinition", "Namespace", "PersistentVolumeClaim", "PersistentVolume", "StatefulSet":
			a := o.Metadata.Annotations
			if a["kustomize.toolkit.fluxcd.io/prune"] != "disabled" || !strings.Contains(a["argocd.argoproj.io/sync-options"], "Prune=false") ||
				!strings.Contains(a["argocd.argoproj.io/compare-options"], "IgnoreExtraneous") {
				return fmt.Errorf("%s: a %s may be pruned: %v", p, o.Kind, a)
			}
			kept++
		}
		return nil
	})
	ts.Check(err)
	if kept == 0 {
		ts.Fatalf("%s holds nothing that must be kept", args[0])
	}
}
