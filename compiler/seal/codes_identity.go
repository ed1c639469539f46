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
}
