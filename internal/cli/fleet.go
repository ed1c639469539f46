package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler/shard/job"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/git"
)

func newFleet(inv *Invocation) *cobra.Command {
	cmd := &cobra.Command{Use: "fleet", Short: "compile a fleet on many machines", Args: cobra.NoArgs}
	cmd.AddCommand(newFleetJob(inv))
	return cmd
}

func newFleetJob(inv *Invocation) *cobra.Command {
	var j job.Job
	var target, dir string
	cmd := &cobra.Command{
		Use:   "job",
		Short: "write what runs the shards of a fleet, and their assembly",
		Long: `job writes YAML to be read, kept in git and applied: an Indexed Job of Kubernetes and
the Job that assembles, a workflow of GitHub Actions with a matrix, or parallel jobs
of GitLab CI. They run compile --shard and assemble with the image --image, which has
darkstart, git and a shell, and is pinned by its digest.

In Kubernetes a container clones --repository at --revision (default: HEAD of the
repository at -C), or the pods mount a checkout from the volume --claim. Logins are
Secrets that the comments of the YAML name.`,
		Example: `  darkstart fleet job -o kubernetes --shards 16 --to oci://registry.example/shards \
    --image registry.example/darkstart@sha256:… --repository https://git.example/fleet.git
  darkstart fleet job -o github --shards 16 --to oci://registry.example/shards --image registry.example/darkstart@sha256:…`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if target == "kubernetes" && j.Repository != "" && j.Revision == "" {
				var err error
				if j.Revision, err = headCommit(cmd.Context(), inv, dir); err != nil {
					return err
				}
			}
			b, ds, err := j.Write(target)
			if err != nil {
				return err
			}
			if len(ds) > 0 {
				o := &output{failOn: "error"}
				rep := o.report("fleet job")
				rep.Diagnostics, rep.ExitCode = ds, ExitFailed
				return o.finish(beside(inv), nil, rep)
			}
			_, err = inv.Stdout.Write(b)
			return err
		},
	}
	outputFlag(cmd, &target, "kubernetes", "github", "gitlab")
	f := cmd.Flags()
	f.StringVarP(&dir, "chdir", "C", ".", "run as if started in `DIR`")
	f.IntVar(&j.Shards, "shards", 16, "how many shards, `COUNT`")
	f.StringVar(&j.Registry, "to", "", "the repository of the shards, `oci://HOST/PATH`")
	f.StringVar(&j.Image, "image", "", "the `IMAGE` that runs, HOST/PATH@sha256:…")
	f.StringVar(&j.Dir, "fleet", "", "the fleet's `DIR` below the root of its repository")
	f.StringVar(&j.Repository, "repository", "", "what pods of Kubernetes clone, a `URL` that git takes")
	f.StringVar(&j.Revision, "revision", "", "the `COMMIT` that they check out")
	f.StringVar(&j.Claim, "claim", "", "the PersistentVolumeClaim `NAME` that has a checkout instead")
	return cmd
}

// headCommit returns the commit at HEAD of the repository at dir.
func headCommit(ctx context.Context, inv *Invocation, dir string) (string, error) {
	repo, err := git.Open(ctx, dir, git.WithEnvironment(inv.Getenv))
	if d, ok := diag.From(err); ok {
		return "", d.Err()
	}
	if err != nil {
		return "", err
	}
	commit, d, err := repo.Resolve(ctx, "HEAD")
	if d != nil {
		err = d.Err()
	}
	return commit, err
}
