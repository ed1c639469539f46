package shard

import (
	"fmt"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// failure words why a registry did not do what it was asked for.
func failure(f *oci.Failure, format string, args ...any) *diag.Diagnostic {
	code := "SHD003"
	if f.Kind == oci.KindRefused || f.Kind == oci.KindMissing {
		code = "SHD002"
	}
	d := diag.Errorf(code, "%s: %s", fmt.Sprintf(format, args...), f.Reason)
	if f.Err != nil && f.Err.Error() != f.Reason {
		d.Note("%v", f.Err)
	}
	return d.Fix("%s", f.Advice)
}

// Codes documents the diagnostics of this package.
var Codes = []diag.Entry{
	{
		Code: "SHD001", Title: "there is no such shard", Severity: diag.Error,
		Why: "`--shard 3/16` is the fourth of sixteen parts of a fleet. With `--shards 16` alone the index is that of the Kubernetes Job, `JOB_COMPLETION_INDEX`. A shard takes every cluster of its own and exchanges what the cache keeps, so it goes with neither `--cluster` nor `--no-cache`.",
		Fix: "Count from 0, and give every machine the same count.",
	},
	{
		Code: "SHD002", Title: "the registry refuses the shards", Severity: diag.Error,
		Why: "It wants a login, the login has not the right to read or to write there, or the repository has to be created first. Nothing is computed instead: that would be a whole fleet on one machine.",
		Fix: "Log in with `docker login`; credentials come from Docker's config.json and its helpers. `darkstart compile` works without any shard.",
	},
	{
		Code: "SHD003", Title: "the registry of the shards fails", Severity: diag.Error,
		Why: "It could not be reached, broke the connection, answered with an error, or gave other bytes than it was given, also after several tries.",
		Fix: "Run the same command again: what the registry has is not sent again. `darkstart compile` works without any shard.",
	},
	{
		Code: "SHD004", Title: "a shard is not there", Severity: diag.Warning,
		Why: "Nothing has the tag that a shard of these files, this program, this time and this count has: it was lost, is not done yet, or had another input. `assemble` computes what it would have had, with the same result; `--strict` ends there instead.",
		Fix: "Run the shard again, or leave it. If all are missing, compare the revision, the image and `--now` of both sides.",
	},
	{
		Code: "SHD005", Title: "a shard cannot be used", Severity: diag.Warning,
		Why: "What the tag names is damaged, was made from other files, by another program or for another time, or is not among the digests of `--require`. `assemble` computes what it would have had, with the same result; `--strict` ends there instead.",
		Fix: "Find out who pushed it: only shards should write to that repository. Running the shard again replaces it.",
	},
	{
		Code: "SHD006", Title: "no job can be written for these shards", Severity: diag.Error,
		Why: "Shards are of use to each other only when all of them run one program on one commit. So the image is pinned by its digest and, where pods clone the fleet themselves, the revision is a whole commit id. GitHub starts at most 256 jobs of a matrix, GitLab at most 200 in parallel.",
		Fix: "Give what the message asks for; `darkstart fleet job --help` has an example for each target.",
	},
}
