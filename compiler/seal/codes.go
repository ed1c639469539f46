package seal

import "github.com/darkstart-dev/darkstart/internal/diag"

// Codes documents the diagnostics of packing and reading (SEA) and of keys,
// signing and verification (SIG).
var Codes = packCodes

var packCodes = []diag.Entry{
	{
		Code: "SEA001", Title: "a file name cannot stand in a bundle", Severity: diag.Error,
		Why: "Names are relative, at most 100 bytes, made of `A-Z a-z 0-9 . _ / -`, without empty, `.` or `..` elements. " +
			"Other names are split, escaped or refused differently by each tool that reads an archive.",
		Fix: "Rename the component, part or object that the file is named after.",
	},
	{
		Code: "SEA002", Title: "two file names are one on some file systems", Severity: diag.Error,
		Why: "On a file system that ignores case one of the files would overwrite the other, and a name that is both a file and a folder cannot be unpacked at all.",
		Fix: "Rename one of them.",
	},
	{
		Code: "SEA003", Title: "a file name has a meaning for Flux or Argo CD", Severity: diag.Error,
		Why: "Flux drops files on its default ignore list without a word, and both engines obey certain file names (`.sourceignore`, `.argocd-source.yaml`, `Chart.yaml`, `*.jsonnet`). The cluster would get something else than the bundle says.",
		Fix: "Rename the component, part or object that the file is named after.",
	},
	{
		Code: "SEA004", Title: "a content file uses a name of the release record", Severity: diag.Error,
		Why: "`meta/bundle.json` and `parts/_guard` are written when a bundle is sealed and are not part of its content digest.",
		Fix: "Rename the component `_guard`.",
	},
	{
		Code: "SEA005", Title: "a bundle passes a size limit", Severity: diag.Error,
		Why: "Whoever reads a bundle reads a stranger's archive until the signature is checked, so its size, its number of files and its compression ratio are bounded.",
		Fix: "Split the largest component, or keep generated data out of manifests.",
	},
	{
		Code: "SEA006", Title: "a layer is not a readable archive", Severity: diag.Error,
		Why: "The layer is damaged, or it is not a gzip-compressed tar archive of regular files.",
		Fix: "Fetch the bundle again by digest.",
	},
	{
		Code: "SEA007", Title: "a layer is not in canonical form", Severity: diag.Error,
		Why: "A bundle's bytes follow from its files. This layer's do not, so it was repacked: names twice, another order, links, extended headers, a second compressed member or bytes behind the end make two readers see two different contents.",
		Fix: "Do not use the bundle. Fetch it again by digest and find out who repacked it.",
	},
	{
		Code: "SEA008", Title: "a release record is missing or contradicts itself", Severity: diag.Error,
		Why: "`meta/bundle.json` says which release a bundle is. Without a sound one neither age nor order of releases can be judged.",
		Fix: "Let `darkstart release` write the record; fetch the bundle again if it was damaged.",
	},
	{
		Code: "SEA009", Title: "not the manifest of a bundle", Severity: diag.Error,
		Why: "A bundle is an OCI image manifest with its own artifact type, the empty config, exactly one layer and no subject. An index, an image or a signature is something else.",
		Fix: "Name the digest that `darkstart compile` or `darkstart publish` printed.",
	},
	{
		Code: "SEA010", Title: "bytes do not have the digest under which they are stored", Severity: diag.Error,
		Why: "The store is damaged or was tampered with.",
		Fix: "Fetch the bundle again, from another copy if there is one.",
	},
	{
		Code: "SEA011", Title: "a manifest does not follow from its layer", Severity: diag.Error,
		Why: "Every field and annotation of a bundle's manifest is derived from the layer and its record. This manifest says something else.",
		Fix: "Do not use the bundle.",
	},
}
