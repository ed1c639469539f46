package tools

import (
	"path"
	"path/filepath"
	"strings"
)

// Program is a main package of a module at a version.
type Program struct{ Module, Version, Package string }

// The stock programs. A version is raised here and nowhere else.
var (
	Actionlint  = Program{"github.com/rhysd/actionlint", "v1.7.12", "github.com/rhysd/actionlint/cmd/actionlint"}
	Conftest    = Program{"github.com/open-policy-agent/conftest", "v0.71.1", "github.com/open-policy-agent/conftest"}
	Cosign      = Program{"github.com/sigstore/cosign/v3", "v3.1.3", "github.com/sigstore/cosign/v3/cmd/cosign"}
	CUE         = Program{"cuelang.org/go", "v0.17.1", "cuelang.org/go/cmd/cue"}
	Gitleaks    = Program{"github.com/zricethezav/gitleaks/v8", "v8.30.1", "github.com/zricethezav/gitleaks/v8"}
	Helm        = Program{"helm.sh/helm/v4", "v4.3.1", "helm.sh/helm/v4/cmd/helm"}
	Kubeconform = Program{"github.com/yannh/kubeconform", "v0.7.0", "github.com/yannh/kubeconform/cmd/kubeconform"}
	Kustomize   = Program{"sigs.k8s.io/kustomize/kustomize/v5", "v5.8.2", "sigs.k8s.io/kustomize/kustomize/v5"}
	// Registry is distribution, which has no referrers API. Olareg has one.
	Registry = Program{"github.com/distribution/distribution/v3", "v3.1.2", "github.com/distribution/distribution/v3/cmd/registry"}
	Olareg   = Program{"github.com/olareg/olareg", "v0.2.1", "github.com/olareg/olareg/cmd/olareg"}
)

// Programs lists all of them, sorted by name.
func Programs() []Program {
	return []Program{Actionlint, Conftest, Cosign, CUE, Gitleaks, Helm, Kubeconform, Kustomize, Olareg, Registry}
}

// Name is the last element of the package that is not a major version.
func (p Program) Name() string {
	base := path.Base(p.Package)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(p.Package))
	}
	return base
}

// path is where the program is kept below base.
func (p Program) path(base string) string {
	dir := strings.ReplaceAll(strings.TrimPrefix(p.Package, "github.com/"), "/", "_") + "@" + p.Version
	return filepath.Join(base, dir, p.Name())
}
