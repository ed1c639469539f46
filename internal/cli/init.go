package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
				dir = filepath.Join(dir, args[0])
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
	return nil
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
