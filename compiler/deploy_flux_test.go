package compiler_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// kustomizations returns the specs of the Kustomizations of a cluster by name.
func (d *deployed) kustomizations() map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, o := range d.by["flux.yaml"] {
		if object.String(o, "kind") == "Kustomization" {
			out[object.String(o, "metadata", "name")] = object.Map(o, "spec")
		}
	}
	return out
}

// workload is a Deployment with what the guardrails ask of one.
func workload(name string) string {
	return fmt.Sprintf(`{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": %[1]q, "namespace": "shared"}, "spec": {
		"replicas": 2, "selector": {"matchLabels": {"app": %[1]q}}, "template": {"metadata": {"labels": {"app": %[1]q}}, "spec": {"containers": [
			{"name": "c", "image": "registry.example/c@sha256:7031c1b283388d2c2e09b57badb803c05ebed362dc88d84b480cc47f72a21097"}]}}}}`, name)
}

// TestFluxWaits holds what Flux waits for to DESIGN §7: all of a part, with the
// gate's own words, for as long as the gate allows; and where a gate is on an
// object that only comes to be, a complete list instead, since `wait: true`
// makes Flux ignore it.
func TestFluxWaits(t *testing.T) {
	files := smallFleet(map[string]string{
		"components/web/web.yaml": workload("web"),
		"components/api/api.yaml": workload("api"),
		"components/api/secret.yaml": `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sealed", "namespace": "shared"},
			"data": {"k": "ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]"}, "sops": {"version": "3.9.0", "mac": "ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]"}}`,
	})
	files["clusters/one/cluster.cue"] += `
components: "web": gates: [{object: "Deployment/shared/web", cel: "status.readyReplicas >= 1", timeout: "3m"}]
components: "api": {
	creates: ["Job/shared/migrate"]
	gates: [{object: "Job/shared/migrate", condition: "Complete", timeout: "7m"}]
}
`
	ks := deployCluster(t, compileFleet(t, files), "one", 1, nil).kustomizations()
	web, api := ks["web-run"], ks["api-run"]
	if web == nil || api == nil {
		t.Fatalf("parts: %v", slices.Sorted(maps.Keys(ks)))
	}
	for name, k := range ks {
		if k["prune"] != true || k["retryInterval"] != "1m" || k["timeout"] == nil {
			t.Errorf("%s: %v", name, k)
		}
	}
	exprs := object.Slice(web, "healthCheckExprs")
	if web["wait"] != true || web["timeout"] != "3m" || len(exprs) != 1 || !strings.Contains(object.String(exprs[0], "current"), "status.readyReplicas >= 1") || web["decryption"] != nil {
		t.Errorf("web-run: %v", web)
	}
	var checks []string
	for _, c := range object.Slice(api, "healthChecks") {
		checks = append(checks, object.String(c, "apiVersion")+" "+object.String(c, "kind")+" "+object.String(c, "namespace")+"/"+object.String(c, "name"))
	}
	slices.Sort(checks)
	if want := []string{"apps/v1 Deployment shared/api", "batch/v1 Job shared/migrate"}; api["wait"] != false || api["timeout"] != "7m" || !slices.Equal(checks, want) {
		t.Errorf("api-run waits for %v, want %v: %v", checks, want, api)
	}
	if object.String(api, "decryption", "provider") != "sops" {
		t.Errorf("api-run holds a Secret of SOPS, and its decryption is %v", api["decryption"])
	}
	// What it waits for, its account may look at.
	d := deployCluster(t, compileFleet(t, files), "one", 1, nil)
	for r, want := range map[request]bool{
		{"flux-system:darkstart-api", "get", "batch", "jobs", "shared", "migrate"}:   true,
		{"flux-system:darkstart-api", "patch", "batch", "jobs", "shared", "migrate"}: false,
		{"flux-system:darkstart-api", "list", "", "pods", "shared", ""}:              true,
		{"flux-system:darkstart-api", "list", "", "secrets", "shared", ""}:           false,
	} {
		if d.rbac.allows(r) != want {
			t.Errorf("%+v: allowed is not %v", r, want)
		}
	}
}

// TestRephasingChangesDependsOnOnly: the same Kustomizations by name, path,
// account and policy; nothing is pruned because a component moved.
func TestRephasingChangesDependsOnOnly(t *testing.T) {
	phased := func(web, api string) map[string]map[string]any {
		files := smallFleet(nil)
		files["components/api/namespace.yaml"] = strings.Replace(files["components/web/namespace.yaml"], `"shared"`, `"other"`, 1)
		files["components/api/settings.yaml"] = strings.Replace(configMap("api"), `"shared"`, `"other"`, 1)
		files["components/api/more.yaml"] = strings.Replace(configMap("more"), `"shared"`, `"other"`, 1)
		files["clusters/one/cluster.cue"] += fmt.Sprintf("phases: [{name: \"a\"}, {name: \"b\"}]\ncomponents: {\"web\": phase: %q, \"api\": phase: %q}\n", web, api)
		return deployCluster(t, compileFleet(t, files), "one", 1, nil).kustomizations()
	}
	before, after := phased("a", "b"), phased("b", "a")
	moved := 0
	for _, ks := range []map[string]map[string]any{before, after} {
		for name, k := range ks {
			enc, err := object.Encode(map[string]any{"is": k["dependsOn"]})
			if err != nil {
				t.Fatal(err)
			}
			if other, _ := object.Encode(map[string]any{"is": after[name]["dependsOn"]}); string(other) != string(enc) {
				moved++
			}
		}
	}
	for _, ks := range []map[string]map[string]any{before, after} {
		for _, k := range ks {
			delete(k, "dependsOn")
		}
	}
	if moved == 0 || fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("%d Kustomizations depend on others now; without that they are\n%v\nand were\n%v", moved, after, before)
	}
}

// TestPullSecret: the secret that the project names is what Flux pulls with.
func TestPullSecret(t *testing.T) {
	for _, name := range []string{"", "registry-pull"} {
		files := smallFleet(nil)
		if name != "" {
			files["darkstart.cue"] += "releases: secrets: \"flux-system\": \"registry-pull\"\n"
		}
		repo := deployCluster(t, compileFleet(t, files), "one", 1, nil).by["flux.yaml"][0]
		if got := object.String(repo, "spec", "secretRef", "name"); got != name {
			t.Errorf("pulls with %q, want %q", got, name)
		}
	}
}
