package discovery_test

import (
	"slices"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/render/discovery"
)

// TestReleases guards that the tables say what differs between releases, and
// that a patch version finds its release.
func TestReleases(t *testing.T) {
	if got := discovery.Releases(); !slices.Equal(got, []string{"1.33", "1.34", "1.35", "1.36", "1.37"}) {
		t.Fatalf("releases %v", got)
	}
	for release, want := range map[string]bool{"1.33": false, "v1.34.1": true, "1.37": true} {
		apis, ok := discovery.APIVersions(release)
		if !ok || slices.Contains(apis, "resource.k8s.io/v1") != want || !slices.Contains(apis, "apps/v1/Deployment") {
			t.Errorf("%s: %v %v", release, ok, apis)
		}
	}
	if _, ok := discovery.APIVersions("1.19"); ok {
		t.Error("1.19 is known")
	}
}

func TestScope(t *testing.T) {
	if !discovery.ClusterScoped("", "Namespace") || discovery.ClusterScoped("apps", "Deployment") || discovery.ClusterScoped("example.com", "Thing") {
		t.Error("scopes are wrong")
	}
	if !discovery.BuiltIn("", "Pod") || discovery.BuiltIn("example.com", "Pod") {
		t.Error("built-in kinds are wrong")
	}
}
