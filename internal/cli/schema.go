package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler/evaluate"
	"github.com/darkstart-dev/darkstart/schemas"
)

func newSchema(inv *Invocation) *cobra.Command {
	cmd := &cobra.Command{Use: "schema", Short: "the schema of fleets: vendor it, read its reference", Args: cobra.NoArgs}
	cmd.AddCommand(newSchemaVendor(inv), newSchemaDocs(inv))
	return cmd
}

func newSchemaVendor(inv *Invocation) *cobra.Command {
	var dir string
	var check bool
	cmd := &cobra.Command{
		Use:   "vendor",
		Short: "write the schema into the repository, for stock cue and editors",
		Long: `vendor writes the embedded schema module into the fleet, so that stock "cue vet"
and the CUE language server find it without a network. Darkstart itself always
uses the embedded one.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			files, err := evaluate.Vendor(schemas.FS)
			if err != nil {
				return err
			}
			if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(marker))); err != nil {
				return fmt.Errorf("%s is not a fleet (it has no %s); `darkstart init` makes one", dir, marker)
			}
			return vendor(inv, dir, files, check)
		},
	}
	cmd.Flags().StringVarP(&dir, "chdir", "C", ".", "the fleet in `DIR`")
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; exit 4 when the vendored schema is out of date")
	return cmd
}

func vendor(inv *Invocation, dir string, files map[string][]byte, check bool) error {
	stale := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		target := filepath.Join(dir, filepath.FromSlash(name))
		old, err := os.ReadFile(target)
		if err == nil && string(old) == string(files[name]) {
			continue
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		stale++
		if check {
			fmt.Fprintf(inv.Stdout, "out of date: %s\n", target)
			continue
		}
		if err := writeFile(target, files[name]); err != nil {
			return err
		}
		fmt.Fprintf(inv.Stdout, "wrote %s\n", target)
	}
	if check && stale > 0 {
		return &exit{ExitOutOfDate, errors.New("the vendored schema differs from the compiler's; run `darkstart schema vendor`")}
	}
	if stale == 0 {
		fmt.Fprintln(inv.Stdout, "the vendored schema is up to date")
	}
	return nil
}

func newSchemaDocs(inv *Invocation) *cobra.Command {
	return &cobra.Command{
		Use:   "docs",
		Short: "print the reference of the schema as Markdown",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			page, err := evaluate.Reference(schemas.FS)
			if err != nil {
				return err
			}
			_, err = inv.Stdout.Write(page)
			return err
		},
	}
}
