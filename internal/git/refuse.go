package git

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Each function words one refusal, so that a path is refused in the same words
// wherever it was read from.

func noFolder(dir string, others []string) *diag.Diagnostic {
	d := diag.Errorf("SRC003", "the fleet folder %q does not exist", dir)
	if near := diag.Nearest(dir, others); near != "" {
		d.Fix("did you mean %q?", near)
	}
	if len(others) > 0 {
		for i, o := range others {
			others[i] = strconv.Quote(o)
		}
		d.Note("folders with a darkstart.cue: %s", strings.Join(others[:min(5, len(others))], ", "))
	}
	return d.Fix("name the folder that holds darkstart.cue, from the repository's root").
		Fix("if it exists on disk, it is not in this revision yet: git add and commit it, or check the working tree")
}

func at(path string) diag.Position { return diag.Position{File: path} }

func submodule(path string) *diag.Diagnostic {
	return diag.Errorf("SRC007", "%s is a git submodule", path).
		At(at(path), "only the id of a commit in another repository is here").
		Note("what a fleet compiles to must follow from this repository alone").
		Fix("vendor the files: git submodule deinit %[1]s && git rm %[1]s, then copy and add them", path).
		Fix("or move the submodule out of the fleet folder")
}

func lfsPointer(path string) *diag.Diagnostic {
	return diag.Errorf("SRC008", "%s is stored with Git LFS", path).
		At(at(path), "git holds a pointer here, not the content").
		Fix("store it in git itself: git lfs untrack %[1]s && git add --renormalize %[1]s", path)
}

// isPointer recognises a Git LFS pointer file (git-lfs, docs/spec.md).
func isPointer(b []byte) bool {
	return len(b) < 1024 && bytes.HasPrefix(b, []byte("version https://git-lfs.github.com/spec/")) &&
		bytes.Contains(b, []byte("\noid sha256:"))
}

func tooLarge(path string, size, limit int64) *diag.Diagnostic {
	return diag.Errorf("SRC012", "%s is too large: %s, at most %s", path, megabytes(size), megabytes(limit)).
		At(at(path), "not read").
		Fix("move it out of the fleet folder, or keep it out of git with .gitignore")
}

func megabytes(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

func badPath(path string) *diag.Diagnostic {
	shown := strings.Trim(strconv.QuoteToASCII(path), `"`)
	return diag.Errorf("SRC016", "%s has a name that cannot be compiled", shown).
		At(at(shown), "").
		Note("names must be UTF-8, and paths and targets of links at most %d bytes", maxPath).
		Fix("rename it")
}

func linkOutside(path, target string) *diag.Diagnostic {
	return diag.Errorf("SRC009", "the link %s leaves the fleet folder", path).
		At(at(path), "links to %s", target).
		Note("what a fleet compiles to must follow from its own folder alone").
		Fix("replace the link by the file it points at, or move that into the fleet folder and link relatively")
}

func linkCycle(path, target string) *diag.Diagnostic {
	return diag.Errorf("SRC010", "the link %s never ends", path).
		At(at(path), "links to %s", target).
		Fix("remove the link, or point it at a file or a folder that does not contain it")
}

func linkDangling(path, target string) *diag.Diagnostic {
	return diag.Errorf("SRC011", "the link %s points at nothing", path).
		At(at(path), "links to %s", target).
		Note("the target must be in the same revision; ignored files and dist/ are not").
		Fix("add the target to git, or remove the link")
}

func unsupportedAttribute(path, what string) *diag.Diagnostic {
	return diag.Errorf("SRC015", "%s has the attribute %s, so what git would store is unknown", path, what).
		At(at(path), "changed or untracked, and not in git yet").
		Note("git runs a program or recodes the file; a compile runs nothing that a repository names").
		Fix("add it and compile the index: git add %s, then --staged", path).
		Fix("or remove the attribute from .gitattributes")
}

func changed(path string) *diag.Diagnostic {
	return diag.Errorf("SRC019", "%s changed while the fleet was compiled", path).
		At(at(path), "").
		Fix("run again, or compile the index (--staged) or a commit, which cannot change")
}

func cutOff(what string) *diag.Diagnostic {
	return diag.Errorf("SRC005", "%s is not in this shallow clone", what).
		Note("the clone was made with --depth, so its history ends early").
		Fix("fetch the rest: git fetch --unshallow").
		Fix("in CI, clone with full history (for example fetch-depth: 0)")
}

func leftOut(id, path string) *diag.Diagnostic {
	d := diag.Errorf("SRC005", "the git object %s was left out of this partial clone", id[:12])
	if path != "" {
		d.At(at(path), "its content")
	}
	return d.Note("the clone was made with --filter; git would fetch the object now, a compile uses no network").
		Fix("let git fetch what the revision needs: git archive REV >/dev/null").
		Fix("in CI, clone without a filter")
}
