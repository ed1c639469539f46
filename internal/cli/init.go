package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/internal/cli/scaffold"
)

func newInit(inv *Invocation) *cobra.Command {
	var dir, profile string
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "write a fleet repository that passes check",
		Long: `init writes a fleet repository to start from.

  minimal     one cluster with one component: everything else is implied
  production  two clusters, failure domains, teams, tiers, a database with
              backups, and the procedures that bring it all back

Existing files are never overwritten.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				dir = under(dir, args[0])
			}
			return scaffoldInto(inv, dir, profile)
		},
	}
	cmd.Flags().StringVarP(&dir, "chdir", "C", ".", "write into `DIR`")
	choiceFlag(cmd, &profile, "profile", "", "what to start from", "minimal", "production")
	return cmd
}

// scaffoldInto looks at every file before it writes the first one.
func scaffoldInto(inv *Invocation, dir, profile string) error {
	sub, err := fs.Sub(scaffold.FS, profile)
	if err != nil {
		return err
	}
	var names []string
	err = fs.WalkDir(sub, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, p)
		}
		return err
	})
	if err != nil {
		return err
	}
	prefix := below(dir)
	if prefix != "" { // a forge reads one CODEOWNERS, at the repository's root
		names = slices.DeleteFunc(names, func(n string) bool { return n == codeOwners })
	}
	for _, n := range names {
		if _, err := os.Lstat(filepath.Join(dir, dotted(n))); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s exists already; init never overwrites (choose an empty folder)", filepath.Join(dir, dotted(n)))
		}
	}
	for _, n := range names {
		b, err := fs.ReadFile(sub, n)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, dotted(n))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, b, 0o644); err != nil {
			return err
		}
		fmt.Fprintf(inv.Stdout, "wrote %s\n", target)
	}
	fmt.Fprintf(inv.Stdout, "\nnext:\n%s  darkstart check\n  darkstart plan\n", commitHint(dir))
	return tellOwners(inv, sub, prefix)
}

// codeOwners names who must approve a change, to the forge.
const codeOwners = "CODEOWNERS"

// tellOwners says what only the forge can do, and, in a repository that is
// there already, what its own CODEOWNERS lacks.
func tellOwners(inv *Invocation, profile fs.FS, prefix string) error {
	fmt.Fprint(inv.Stdout, `
CODEOWNERS says who approves waivers, releases and recovery. Put your teams in, and
let the forge require their review: separation of duties is the forge's to enforce.
`)
	if prefix == "" {
		return nil
	}
	b, err := fs.ReadFile(profile, codeOwners)
	if err != nil {
		return err
	}
	fmt.Fprintf(inv.Stdout, "The fleet is a folder of a repository: add to the repository's CODEOWNERS\n\n")
	for l := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(l, "/"); ok {
			fmt.Fprintf(inv.Stdout, "  /%s/%s", prefix, rest)
		}
	}
	return nil
}

// below returns the path of dir below the repository that holds it, "" when
// none does or dir is its root.
func below(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for d := abs; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, ".git")); err == nil {
			rel, err := filepath.Rel(d, abs)
			if err != nil || rel == "." {
				return ""
			}
			return filepath.ToSlash(rel)
		}
		if d == filepath.Dir(d) {
			return ""
		}
	}
}

// commitHint adds the git commands that are still missing.
func commitHint(dir string) string {
	var b strings.Builder
	if dir != "." {
		fmt.Fprintf(&b, "  cd %s\n", dir)
	}
	for d, err := filepath.Abs(dir); err == nil; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, ".git")); err == nil {
			return b.String()
		}
		if d == filepath.Dir(d) {
			break
		}
	}
	b.WriteString("  git init && git add -A && git commit -m 'a fleet'\n")
	return b.String()
}

// dotted turns the embedded name of a dot file into its real one.
func dotted(name string) string {
	if filepath.Base(name) == "gitignore" {
		return filepath.Join(filepath.Dir(name), ".gitignore")
	}
	return name
}
