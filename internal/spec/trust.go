package spec

import "github.com/darkstart-dev/darkstart/plans"

// Trust is trust.cue: whose word counts for what.
type Trust struct {
	Release     map[string]Signatory     `json:"release"`
	Attest      map[string]Signatory     `json:"attest,omitempty"`
	TrustedRoot string                   `json:"trustedRoot,omitempty"` // beside the file, like every path here
	MaxAge      plans.Duration           `json:"maxAge,omitempty"`
	Require     []string                 `json:"require,omitempty"` // nil: what is usual; empty: nothing
	Policies    []string                 `json:"policies,omitempty"`
	Builders    []string                 `json:"builders,omitempty"`
	Streams     map[string]TrustedStream `json:"streams,omitempty"`
}

// Signatory is a key or an identity.
type Signatory struct {
	Key      string           `json:"key,omitempty"`
	Identity *TrustedIdentity `json:"identity,omitempty"`
	Streams  []string         `json:"streams,omitempty"`
}

// TrustedIdentity is a subject and an issuer, each exactly or as a pattern.
type TrustedIdentity struct {
	Subject        string `json:"subject,omitempty"`
	SubjectPattern string `json:"subjectPattern,omitempty"`
	Issuer         string `json:"issuer,omitempty"`
	IssuerPattern  string `json:"issuerPattern,omitempty"`
	TrustedRoot    string `json:"trustedRoot,omitempty"`
}

// TrustedStream is what belongs to a stream, and what is demanded of it.
type TrustedStream struct {
	Artifacts []string       `json:"artifacts,omitempty"` // "*" stands for any run of characters
	MaxAge    plans.Duration `json:"maxAge,omitempty"`
	Require   []string       `json:"require,omitempty"`
	Policies  []string       `json:"policies,omitempty"`
	Builders  []string       `json:"builders,omitempty"`
}
