package corpus

import (
	"fmt"
	"strings"
)

// bases are the manifests, each with a kustomization of its own.
func bases(components []component) map[string][]byte {
	files := map[string][]byte{}
	for _, c := range components {
		files[manifestPath(c)] = c.manifest
		files["components/"+c.name+"/kustomization.yaml"] = kustomization("resources:\n  - manifest.yaml\n")
	}
	return files
}

func manifestPath(c component) string { return "components/" + c.name + "/manifest.yaml" }

func kustomization(body string) []byte {
	return []byte("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n" + body)
}

func overlays(files map[string][]byte, components []component, clusters int) {
	for i := range clusters {
		for _, c := range components {
			files[OverlayDir(ClusterName(i), c.name)+"/kustomization.yaml"] = overlay(c, changeOf(i))
		}
	}
}

// overlay is a change as a user of kustomize writes it.
func overlay(c component, ch change) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "resources:\n  - ../../../components/%s\nlabels:\n  - pairs: {fleet.example/cluster: %s, fleet.example/component: %s}\n", c.name, ch.cluster, c.name)
	if c.homeless {
		fmt.Fprintf(&b, "namespace: %s\n", c.namespace(ch.cluster))
	}
	if len(c.images) > 0 {
		b.WriteString("images:\n")
	}
	for _, i := range c.images {
		fmt.Fprintf(&b, "  - {name: %s, newName: %s, newTag: %q, digest: %q}\n", i.name, ch.registry+i.name, i.tag, i.digest())
	}
	if len(c.deployments) > 0 {
		fmt.Fprintf(&b, `replicas:
  - {name: %s, count: %d}
patches:
  - target: {kind: Deployment}
    patch: |-
      - op: add
        path: /spec/revisionHistoryLimit
        value: %d
`, c.deployments[0], ch.replicas, ch.history)
	}
	return kustomization(b.String())
}

// baseCUE is what all clusters share. A cluster's own folder fills in the names
// with a leading "_".
func baseCUE(components []component, o Options) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "package clusters\n\nkubernetes: %q\n", o.Kubernetes)
	b.WriteString("\n_cluster:  string\n_registry: string // a mirror, or nothing\n_replicas: int\n_history:  int\n")
	if o.Intent {
		b.WriteString(intentOfClusters)
	}
	b.WriteString("\ncomponents: {\n")
	for _, c := range components {
		if o.Parameters {
			parameters(&b, c)
		} else {
			fmt.Fprintf(&b, "\t%q: source: kustomize: \"%s\"\n", c.name, OverlayDir(`\(_cluster)`, c.name))
		}
		if o.Intent {
			fmt.Fprintf(&b, "\t%q: owner: \"platform\"\n", c.name)
		}
	}
	b.WriteString("}\n")
	return []byte(b.String())
}

// parameters is a change as a user of the spec writes it.
func parameters(b *strings.Builder, c component) {
	fmt.Fprintf(b, "\t%q: {\n\t\tsource: yaml: %q\n\t\tset: labels: {\"fleet.example/cluster\": _cluster, \"fleet.example/component\": %q}\n", c.name, manifestPath(c), c.name)
	if c.homeless {
		fmt.Fprintf(b, "\t\tset: namespace: \"%s\"\n", c.namespace(`\(_cluster)`))
	}
	if len(c.deployments) > 0 {
		fmt.Fprintf(b, "\t\tset: replicas: %q: _replicas\n", c.deployments[0])
		b.WriteString("\t\tset: patches: [{target: kind: \"Deployment\", patch: [{op: \"add\", path: \"/spec/revisionHistoryLimit\", value: _history}]}]\n")
	}
	for _, i := range c.images {
		fmt.Fprintf(b, "\t\timages: %q: \"%s\"\n", i.name, i.ref(`\(_registry)`))
	}
	b.WriteString("\t}\n")
}

// clusterCUE is what a cluster says about itself.
func clusterCUE(i, clusters int) []byte {
	ch := changeOf(i)
	return fmt.Appendf(nil, "package clusters\n\n_cluster:  %q\n_registry: %q\n_replicas: %d\n_history:  %d\n_region:   %q\n", ch.cluster, ch.registry, ch.replicas, ch.history, regionOf(i, clusters))
}
