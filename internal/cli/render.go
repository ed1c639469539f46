package cli

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

func newRender(inv *Invocation) *cobra.Command {
	var p pipeline
	var component string
	var format string
	cmd := &cobra.Command{
		Use:   "render",
		Short: "print the objects of clusters as they will be applied",
		Long: `render prints every object of the chosen clusters: a YAML stream of JSON documents
(-o text), or one JSON list (-o json). Findings go to stderr.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, res, rep, err := p.run(cmd.Context(), inv, "render", compiler.ToObjects)
			if err != nil {
				return err
			}
			if p.out.unfinished {
				return p.out.instead(inv, s, rep, format)
			}
			if err := printObjects(inv.Stdout, res.Rendered, component, format); err != nil {
				return err
			}
			if len(rep.Diagnostics) > 0 || rep.ExitCode != ExitClean {
				return p.out.finish(beside(inv), s, rep)
			}
			return nil
		},
	}
	p.in.register(cmd.Flags())
	failOnFlag(cmd, &p.out.failOn)
	cmd.Flags().StringVar(&component, "component", "", "only this component")
	outputFlag(cmd, &format, "text", "json")
	return cmd
}

func printObjects(w io.Writer, rendered []*ir.Rendered, component, format string) error {
	var b bytes.Buffer
	var list []any
	for _, r := range rendered {
		for _, c := range r.Components {
			if component != "" && c.Name != component {
				continue
			}
			for _, o := range c.Objects {
				list = append(list, o.Content())
				if format == "json" {
					continue
				}
				enc, err := o.Encode()
				if err != nil {
					return err
				}
				fmt.Fprintf(&b, "---\n# %s/%s %s\n%s", r.Cluster, c.Name, o.Origin.Pos, enc)
			}
		}
	}
	if component != "" && list == nil {
		return fmt.Errorf("no component is named %q in the chosen clusters", component)
	}
	if format == "json" {
		enc, err := object.Encode(map[string]any{"apiVersion": "v1", "kind": "List", "items": list})
		if err != nil {
			return err
		}
		b.Write(enc)
	}
	_, err := w.Write(b.Bytes())
	return err
}
