package guard

import "strings"

// reference is an image reference taken apart. It is lenient: what is not a
// reference has no digest, and that is what the rules say about it.
type reference struct {
	Registry, Repository, Tag, Digest string
}

// parseReference splits [registry/]path[:tag][@digest] as container runtimes
// do: without a registry it is Docker Hub's, whose one-word names are library/.
func parseReference(s string) reference {
	var r reference
	s, r.Digest, _ = strings.Cut(s, "@")
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, '/') {
		s, r.Tag = s[:i], s[i+1:]
	}
	host, rest, ok := strings.Cut(s, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		host, rest = "docker.io", s
		if !strings.Contains(rest, "/") {
			rest = "library/" + rest
		}
	}
	if host == "index.docker.io" {
		host = "docker.io"
	}
	r.Registry, r.Repository = host, host+"/"+rest
	return r
}

// plain returns the reference as Rego reads it.
func (r reference) plain() map[string]any {
	return map[string]any{"registry": r.Registry, "repository": r.Repository, "tag": r.Tag, "digest": r.Digest}
}
