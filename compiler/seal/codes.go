package seal

import (
	"slices"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Codes documents the diagnostics of packing and reading (SEA) and of keys,
// signing and verification (SIG).
var Codes = slices.Concat(packCodes, signCodes, attestCodes, identityCodes)

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
	{
		Code: "SEA012", Title: "there is no such bundle", Severity: diag.Error,
		Why: "The layout or repository has no manifest of that name or digest.",
		Fix: "Name an artifact (a cluster, or `fleet`) or a manifest digest.",
	},
}

var signCodes = []diag.Entry{
	{
		Code: "SIG001", Title: "a key cannot be read", Severity: diag.Error,
		Why: "The file or variable is missing, is not readable, or holds something else than one key in PEM form. Private keys are encrypted (`ENCRYPTED SIGSTORE PRIVATE KEY`), as `cosign generate-key-pair` writes them.",
		Fix: "Name the right file, or `env://NAME`; convert an unencrypted key with `cosign import-key-pair`.",
	},
	{
		Code: "SIG002", Title: "wrong password for a private key", Severity: diag.Error,
		Why: "The key could not be decrypted. A damaged file looks the same.",
		Fix: "Set `COSIGN_PASSWORD`.",
	},
	{
		Code: "SIG003", Title: "a key has an unsupported type", Severity: diag.Error,
		Why: "Keys are ECDSA on the curve P-256, or Ed25519: what cosign, Flux and Darkstart all verify.",
		Fix: "Make a key pair with `darkstart keys generate` or `cosign generate-key-pair`.",
	},
	{
		Code: "SIG004", Title: "no valid signature by a trusted release key", Severity: diag.Error,
		Why: "The bundle is unsigned, signed by keys that the trust policy does not name, or was changed after it was signed. A verification without any trusted release key does not exist.",
		Fix: "Sign the release, or add the signer's public key to the trust policy if you trust it.",
	},
	{
		Code: "SIG005", Title: "a release key signed something else than this release", Severity: diag.Error,
		Why: "A release key signs one statement about one manifest and nothing else. Another predicate or subject under that key, found beside the bundle, means that the key was misused.",
		Fix: "Find out who used the key. Rotate it if nobody can say.",
	},
	{
		Code: "SIG006", Title: "a key was used, or trusted, in the wrong role", Severity: diag.Error,
		Why: "Release keys sign releases, attestation keys sign statements about them. If one key could do both, whoever runs a scanner could ship a release.",
		Fix: "Use one key pair for each role.",
	},
	{
		Code: "SIG007", Title: "the bundle is a candidate", Severity: diag.Error,
		Why: "Content without an entry in `releases/` is sealed with serial 0. It is never signed, published or verified, because a rollback to it could not be noticed.",
		Fix: "Run `darkstart release` on the delivery branch and compile again.",
	},
	{
		Code: "SIG008", Title: "the serial is below the floor", Severity: diag.Error,
		Why: "A newer release of this artifact is known. Applying an older one would undo it, and with it every fix since.",
		Fix: "Use the newest release. Going back on purpose is a new release with old content.",
	},
	{
		Code: "SIG009", Title: "the chain of releases is broken", Severity: diag.Error,
		Why: "Each release names the manifest of the one before. This bundle disagrees with what is recorded: two histories exist, or a record was changed.",
		Fix: "Release again on the branch that the clusters follow.",
	},
	{
		Code: "SIG010", Title: "the bundle has expired", Severity: diag.Error,
		Why: "The project limits how long a release is valid (`validFor`), so that an old bundle cannot be served for ever.",
		Fix: "Run `darkstart release --renew`. `--allow-expired` accepts the bundle in a disaster, and says so.",
	},
	{
		Code: "SIG011", Title: "a check could not be made under --strict", Severity: diag.Error,
		Why: "Without a floor for the serial a rollback cannot be seen, and without a time neither the expiry of the bundle nor that of its waivers can.",
		Fix: "Give `--min-serial`, the repository with its release records, or `--now`.",
	},
	{
		Code: "SIG012", Title: "a statement beside the bundle was ignored", Severity: diag.Note,
		Why: "Anybody who can write to a registry can attach statements. Those without a signature by a trusted key prove nothing and do no harm; they are listed.",
		Fix: "Nothing, unless you expected that signature to count: then add its key to the trust policy.",
	},
	{
		Code: "SIG013", Title: "a waiver that the release relied on has expired", Severity: diag.Error,
		Why: "The release was clean because somebody accepted findings until a date. That date has passed, so they count again: `check` says so of the same revision, and `verify` of the bundle.",
		Fix: "Fix the finding, or renew the waiver, and release (`--renew` if nothing else changed). `--allow-expired` accepts the bundle in a disaster, and says so.",
	},
	{
		Code: "SIG014", Title: "the release relied on waivers", Severity: diag.Error,
		Why: "`verify --no-waivers` accepts only what was clean without any. A release of before waivers were recorded cannot say that of itself.",
		Fix: "Fix what the waivers accept and release again, or verify without `--no-waivers`.",
	},
	{
		Code: "SIG015", Title: "the release is older than the trust policy takes", Severity: diag.Error,
		Why: "A release may say that it holds for long. Whoever runs the cluster may take only young ones, so that withholding newer releases is noticed early (`maxAge`).",
		Fix: "Run `darkstart release --renew`. `--allow-expired` accepts the bundle in a disaster, and says so.",
	},
}

var attestCodes = []diag.Entry{
	{
		Code: "SIG030", Title: "a predicate that attestation keys do not sign", Severity: diag.Error,
		Why: "An attestation key signs SLSA provenance, a passed verification summary and bills of materials. A key that signs anything vouches for nothing.",
		Fix: "Sign other statements with another key, for example by `cosign attest`.",
	},
	{
		Code: "SIG031", Title: "an attestation speaks against the bundle", Severity: diag.Error,
		Why: "A trusted attestation key stated that the guardrails refuse the bundle, or a provenance names another artifact, serial or revision than the bundle's own record. A failed verdict is never made by `release`.",
		Fix: "Do not use the bundle. Find out who used the key, and release again from a clean check.",
	},
	{
		Code: "SIG032", Title: "a required attestation is missing", Severity: diag.Error,
		Why: "The trust policy asks for a statement that no trusted attestation key made about this bundle, or not with the policy or the builder that it names.",
		Fix: "Attest the release (`darkstart release --attest-key KEY`), or trust the key that did.",
	},
	{
		Code: "SIG033", Title: "an attestation is not what its type says", Severity: diag.Error,
		Why: "A trusted key signed a statement whose predicate does not fit the published definition of its type, or which two parsers would read in two ways: a name that stands twice, or in two spellings.",
		Fix: "Find out what made the statement, take it away from the registry and attest the release again.",
	},
	{
		Code: "SIG034", Title: "nothing can be attested", Severity: diag.Error,
		Why: "A verification summary says that the guardrails let the fleet pass. With findings that nobody accepted, or with nothing judged, there is no such thing to say, and a failed verdict is never stated.",
		Fix: "Fix what `darkstart check` finds, and release again.",
	},
	{
		Code: "SIG040", Title: "the bundle is another artifact's", Severity: diag.Error,
		Why: "Every bundle says inside which cluster it is for. A name, in a layout or given with `--artifact`, led to the bundle of another one: the store was mixed up, or somebody wants a cluster to run its neighbour's release.",
		Fix: "Fetch by the digest that `publish` printed for this artifact, and find out who moved the name.",
	},
	{
		Code: "SIG041", Title: "the artifact is of another stream", Severity: diag.Error,
		Why: "A bundle names its stream itself. So whoever signs for one stream could sign for the clusters of any, if nothing else said where an artifact belongs: the trust policy (`streams: NAME: artifacts`), else the release records, else what `--state` remembers.",
		Fix: "If the artifact was moved on purpose, move it in the trust policy too, or give the records that say so.",
	},
}
