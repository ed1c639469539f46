package programs

// kube is the release of Kubernetes whose API server is talked to, and staging
// the version under which the modules of its staging folder are published.
const kube, staging = "v1.36.3", "v0.36.3"

// The newest versions whose modules, and all modules that they need, the
// public module proxy gives out, and which build without a patch.
var (
	Etcd              = Program{Name: "etcd", Version: "v3.7.3", Module: "go.etcd.io/etcd/server/v3", Package: "go.etcd.io/etcd/server/v3"}
	APIServer         = kubernetes("kube-apiserver")
	ControllerManager = kubernetes("kube-controller-manager")
	Scheduler         = kubernetes("kube-scheduler")
	Kubectl           = kubernetes("kubectl")
	SourceController  = flux("source-controller", "v1.9.3")
	KustomizeCtrl     = flux("kustomize-controller", "v1.9.5")
	KWOK              = Program{
		Name: "kwok", Version: "v0.8.0", Module: "sigs.k8s.io/kwok", Package: "sigs.k8s.io/kwok/cmd/kwok",
		Assets: []string{"kustomize/stage/node/fast", "kustomize/stage/node/heartbeat", "kustomize/stage/pod/fast"},
	}
	Registry = Program{
		Name: "registry", Version: "v3.1.2", Module: "github.com/distribution/distribution/v3",
		Package: "github.com/distribution/distribution/v3/cmd/registry",
	}
	// Olareg is a registry with the referrers API, which distribution has not.
	Olareg = Program{Name: "olareg", Version: "v0.1.2", Module: "github.com/olareg/olareg", Package: "github.com/olareg/olareg/cmd/olareg"}
	Crane  = Program{
		Name: "crane", Version: "v0.22.1", Module: "github.com/google/go-containerregistry",
		Package: "github.com/google/go-containerregistry/cmd/crane",
	}
	ORAS = Program{Name: "oras", Version: "v1.3.6", Module: "oras.land/oras", Package: "oras.land/oras/cmd/oras"}
	// Flux is the command line; install and bootstrap do not work in it.
	Flux = Program{
		Name: "flux", Version: "v2.9.5", Module: "github.com/fluxcd/flux2/v2", Package: "github.com/fluxcd/flux2/v2/cmd/flux",
		Stub: "cmd/flux/manifests/stub.yaml", Stamp: map[string]string{"main.VERSION": "2.9.5"},
	}
	Cosign = Program{
		Name: "cosign", Version: "v3.1.3", Module: "github.com/sigstore/cosign/v3",
		Package: "github.com/sigstore/cosign/v3/cmd/cosign",
	}
	// ArgoCD is every program of Argo CD in one, told apart by a variable.
	ArgoCD = Program{
		Name: "argocd", Version: "v3.2.11", Module: "github.com/argoproj/argo-cd/v3",
		Package: "github.com/argoproj/argo-cd/v3/cmd", Assets: []string{"manifests/crds"},
	}
	// Kustomize is what Argo CD's repo-server runs.
	Kustomize = Program{
		Name: "kustomize", Version: "v5.8.2", Module: "sigs.k8s.io/kustomize/kustomize/v5",
		Package: "sigs.k8s.io/kustomize/kustomize/v5",
	}
)

// All lists the programs in the order in which building them shares most.
func All() []Program {
	return []Program{
		Etcd, APIServer, Kubectl, ControllerManager, Scheduler, SourceController, KustomizeCtrl,
		KWOK, Registry, Cosign, Flux, Olareg, Crane, ORAS, ArgoCD, Kustomize,
	}
}

func kubernetes(name string) Program {
	const version = "k8s.io/component-base/version"
	return Program{
		Name: name, Version: kube, Module: "k8s.io/kubernetes", Package: "k8s.io/kubernetes/cmd/" + name, Staging: staging,
		// Unstamped, the server says v0.0.0-master and clients judge its skew.
		Stamp: map[string]string{
			version + ".gitVersion": kube, version + ".gitMajor": "1", version + ".gitMinor": "36", version + ".gitTreeState": "clean",
			"k8s.io/client-go/pkg/version.gitVersion": kube,
		},
	}
}

func flux(name, version string) Program {
	module := "github.com/fluxcd/" + name
	return Program{Name: name, Version: version, Module: module, Package: module, Assets: []string{"config/crd/bases"}}
}
