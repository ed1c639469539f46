package publish

import (
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

func conflict(i *Item, there digest.Digest) *diag.Diagnostic {
	return diag.Errorf("PUB002", "serial %d of %q is published already, as another bundle", i.Serial, i.Artifact).
		About(diag.Subject{Cluster: i.Artifact}).
		Note("%s:%s is %s", i.To.Name(), i.Tag(), there).
		Note("this release is %s", i.digest()).
		Fix("find out which records made the other one: two branches may have released at once, and only one can have been pushed").
		Fix("take the records of the delivery branch, and release again: the content gets the next serial")
}

// failure words why a registry did not take a bundle.
func failure(i *Item, f *oci.Failure) *diag.Diagnostic {
	code := map[oci.Kind]string{oci.KindRefused: "PUB003", oci.KindMissing: "PUB003", oci.KindLies: "PUB005"}[f.Kind]
	if code == "" {
		code = "PUB004"
	}
	d := diag.Errorf(code, "%q cannot be published to %s: %s", i.Artifact, i.To.Name(), f.Reason).
		About(diag.Subject{Cluster: i.Artifact})
	if f.Err != nil && f.Err.Error() != f.Reason {
		d.Note("%v", f.Err)
	}
	return d.Note("nothing of this run can be taken for a whole release: what is signed is there whole, and nothing is tagged or pinned before that").Fix("%s", f.Advice)
}

// Codes documents the diagnostics of this package.
var Codes = []diag.Entry{
	{
		Code: "PUB002", Title: "a serial is published as another bundle", Severity: diag.Error,
		Why: "A serial names one bundle for ever: clusters refuse an older one by it. The registry holds this serial with another digest, so two records gave it away.",
		Fix: "Find out which branch the other one came from. The delivery branch decides; release again on it, and the content gets the next serial.",
	},
	{
		Code: "PUB003", Title: "the registry refuses", Severity: diag.Error,
		Why: "It wants a login, the login may not write, the repository has to be created first, it takes no writes at all, or nothing as large as a bundle.",
		Fix: "Log in with `docker login`, as one who may push there; credentials come from Docker's config.json and its helpers.",
	},
	{
		Code: "PUB004", Title: "the registry fails", Severity: diag.Error,
		Why: "It could not be reached, broke the connection, or answered with an error, also after several tries. What it took so far is not signed, or is there whole.",
		Fix: "Run the same command again: it sends only what is missing. Without a network, `publish --oci-layout` or `--tar` here and `publish --from` there.",
	},
	{
		Code: "PUB005", Title: "the registry does not keep what it is given", Severity: diag.Error,
		Why: "What was sent is read back before it is signed. The registry gave other bytes, another digest, or nothing.",
		Fix: "Report it to whoever runs the registry, and publish to another one. Nothing there can be trusted until it is mended.",
	},
}
