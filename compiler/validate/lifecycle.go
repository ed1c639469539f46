package validate

import (
	"fmt"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// lifecycle says when a kind of a group and version comes and goes, from the
// annotations in Kubernetes' own types.
type lifecycle struct {
	Group       string `json:"group"`
	Version     string `json:"version"`
	Kind        string `json:"kind"`
	Introduced  string `json:"introduced"`
	Deprecated  string `json:"deprecated"`
	Removed     string `json:"removed"`
	Replacement string `json:"replacement"` // "apps/v1 Deployment"
	Note        string `json:"note"`
}

// missing explains why a built-in group does not serve a kind, or returns nil
// when the group is not a built-in one: such a kind needs a definition.
func (v *run) missing(id gvk) *problem {
	if l, ok := v.lifecycle[id]; ok && l.Removed != "" && compareReleases(l.Removed, v.release.minor) <= 0 {
		return v.removed(id, l)
	}
	if p := v.otherVersion(id); p != nil {
		return p
	}
	if !v.release.groups[id.group] {
		return nil
	}
	p := newProblem(codeNoKind, diag.Error, "kubernetes %s has no kind %q in %s", v.release.minor, id.kind, id.apiVersion())
	if near := diag.Nearest(id.kind, v.release.names(id.group, id.version)); near != "" {
		return p.fix("did you mean %q?", near)
	}
	if versions := v.release.names(id.group, ""); len(versions) > 0 && len(v.release.names(id.group, id.version)) == 0 {
		return p.fix("the group serves %s", strings.Join(versions, ", "))
	}
	return p.fix("correct apiVersion and kind: the version serves %s", strings.Join(v.release.names(id.group, id.version), ", "))
}

// removed is the error for an API that the release no longer serves.
func (v *run) removed(id gvk, l lifecycle) *problem {
	p := newProblem(codeRemoved, diag.Error, "%s was removed in Kubernetes %s, and the cluster declares %s", id, l.Removed, v.release.minor)
	p.declared = true
	if l.Deprecated != "" {
		p.notes = append(p.notes, "deprecated since Kubernetes "+l.Deprecated)
	}
	if s := v.successor(id, l); s != "" {
		return p.fix("migrate to %s", s)
	}
	if l.Note != "" {
		return p.fix("%s", l.Note)
	}
	return p.fix("delete the object: Kubernetes has no successor for it")
}

// successor follows replacements until one is served; without one it is the
// best served version of the same kind in the same group.
func (v *run) successor(id gvk, l lifecycle) string {
	for range 8 { // chains are two long; a circle in the data must not hang
		next, ok := parseGVK(l.Replacement)
		if !ok {
			break
		}
		if _, ok := v.release.kinds[next]; ok {
			return next.String()
		}
		if l, ok = v.lifecycle[next]; !ok {
			break
		}
	}
	if versions := v.release.versions(GroupKind{id.group, id.kind}); len(versions) > 0 {
		return gvk{id.group, versions[0], id.kind}.String()
	}
	return ""
}

// parseGVK reads "apps/v1 Deployment".
func parseGVK(s string) (id gvk, ok bool) {
	apiVersion, kind, ok := strings.Cut(s, " ")
	if !ok {
		return id, false
	}
	group, version, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		group, version = "", apiVersion
	}
	return gvk{group, version, kind}, true
}

// otherVersion explains a kind that the release serves in other versions, or
// that another release serves in this one.
func (v *run) otherVersion(id gvk) *problem {
	if versions := v.release.versions(GroupKind{id.group, id.kind}); len(versions) > 0 {
		return newProblem(codeNoVersion, diag.Error, "kubernetes %s does not serve %s", v.release.minor, id).
			fix("write apiVersion: %s", gvk{id.group, versions[0], id.kind}.apiVersion())
	}
	l, ok := v.lifecycle[id]
	if ok && l.Introduced != "" && compareReleases(l.Introduced, v.release.minor) > 0 {
		p := newProblem(codeNoVersion, diag.Error, "%s comes with Kubernetes %s, and the cluster declares %s", id, l.Introduced, v.release.minor)
		p.declared = true
		return p.fix("upgrade the cluster to Kubernetes %s, or leave the object out", l.Introduced)
	}
	return nil
}

// aging warns of an API that is served but deprecated, or that a stock API
// server does not serve, which is the worse of the two.
func (v *run) aging(id gvk) *problem {
	l := v.lifecycle[id]
	deprecated := l.Deprecated != "" && compareReleases(l.Deprecated, v.release.minor) <= 0
	rank, _, _ := splitAPIVersion(id.version)
	var p *problem
	switch {
	case rank < 2:
		p = newProblem(codeOff, diag.Warning, "%s is off by default: Kubernetes serves alpha and beta APIs only when told to", id)
	case deprecated:
		p = newProblem(codeDeprecated, diag.Warning, "%s is deprecated since Kubernetes %s", id, l.Deprecated)
	default:
		return nil
	}
	if deprecated && l.Removed != "" {
		p.notes = append(p.notes, fmt.Sprintf("deprecated since Kubernetes %s, removed in %s", l.Deprecated, l.Removed))
	}
	if s := v.successor(id, l); s != id.String() && s != "" && stable(s) {
		return p.fix("migrate to %s", s)
	}
	if rank < 2 {
		return p.fix("start the API server with --runtime-config=%s=true", id.apiVersion())
	}
	return p.fix("plan its removal")
}

// stable reports whether a kind such as "apps/v1 Deployment" is neither alpha
// nor beta.
func stable(kind string) bool {
	id, _ := parseGVK(kind)
	rank, _, _ := splitAPIVersion(id.version)
	return rank == 2
}
