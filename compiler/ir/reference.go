package ir

import "strings"

// Reference is an image reference taken apart. Repository includes the
// registry: "docker.io/library/nginx".
type Reference struct{ Registry, Repository, Tag, Digest string }

// ParseReference splits [registry/]path[:tag][@digest] as container runtimes
// do: without a registry it is Docker Hub's, whose one-word names are library/.
// It is lenient: what is not a reference has no digest.
func ParseReference(s string) Reference {
	var r Reference
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
