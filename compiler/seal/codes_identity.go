package seal

import "github.com/darkstart-dev/darkstart/internal/diag"

// identityCodes are about who signs: where keys are kept, and whom a
// certificate names.
var identityCodes = []diag.Entry{
	{
		Code: "SIG050", Title: "a trusted root cannot be used", Severity: diag.Error,
		Why: "Signatures without a key of their own are checked against a Sigstore deployment: its certificate authority, its logs, its timestamp authority. The file is damaged, is something else, or leaves signatures without a time.",
		Fix: "Make one with `cosign trusted-root create`, or take the `trusted_root.json` of the deployment that signs.",
	},
	{
		Code: "SIG051", Title: "an identity cannot be trusted", Severity: diag.Error,
		Why: "An identity is a subject together with the issuer that vouches for it, under a trusted root. One without the other is an identity that a stranger can have. A pattern must match the whole of either.",
		Fix: "Give issuer and subject, each exactly or as a pattern, and the trusted root.",
	},
	{
		Code: "SIG052", Title: "keyless signing is not fully described", Severity: diag.Error,
		Why: "A signature without a key needs somebody to vouch for the signer, something that tells the time of it, and a trusted root to verify all that before it is handed out. Nothing of the public deployment is built in, because using it publishes the signer's name.",
		Fix: "Give `--fulcio-url`, `--identity-token`, `--trusted-root` and at least one of `--timestamp-url` and `--rekor-url`.",
	},
	{
		Code: "SIG053", Title: "nothing can reach a key", Severity: diag.Error,
		Why: "A key named `NAME://KEY` is kept by a service. It is reached through sigstore's plugin protocol: the program `sigstore-kms-NAME` on `PATH`. Public keys are files, so that a verification asks nobody.",
		Fix: "Install the program of that service; to verify, export the public key once with `darkstart keys export`.",
	},
	{
		Code: "SIG054", Title: "the service that keeps a key did not answer", Severity: diag.Error,
		Why: "The program of the service failed, answered something else than the protocol says, or refused.",
		Fix: "Check its credentials and the name of the key.",
	},
	{
		Code: "SIG055", Title: "others can read a private key", Severity: diag.Warning,
		Why: "The file is encrypted, so whoever reads it still needs the password, and can try passwords at leisure.",
		Fix: "`chmod 600 FILE`; if others had accounts on the machine, rotate the key.",
	},
	{
		Code: "SIG056", Title: "nobody trusts the signer", Severity: diag.Error,
		Why: "The trust policy does not name this key or identity, so every verification under it would ignore the signature.",
		Fix: "Add the signer to the trust policy, or sign with one that is in it.",
	},
	{
		Code: "SIG057", Title: "a trust policy contradicts itself or the fleet", Severity: diag.Error,
		Why: "The policy demands what nothing can meet, or leaves open what it must say: a stream that nobody signs, an artifact of two streams, a key of one stream without a list of what belongs to it, a statement that nobody may make.",
		Fix: "Correct `trust.cue` where the message points. Its streams are those of `darkstart.cue`.",
	},
}
