package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

func git(s *Snapshot) []Result {
	t := s.tool("git")
	if t.Path == "" {
		return one(Warn, "git is not on the PATH: darkstart reads repositories without it, hooks and commits need it", "install git")
	}
	return one(OK, fmt.Sprintf("%s (%s)", orUnknown(t.Version), t.Path))
}

func (s *Snapshot) tool(name string) Tool {
	i := slices.IndexFunc(s.Tools, func(t Tool) bool { return t.Name == name })
	if i < 0 {
		return Tool{Name: name}
	}
	return s.Tools[i]
}

func orUnknown(version string) string {
	if version == "" {
		return "version unknown"
	}
	return version
}

// variables finds DARKSTART_* that no flag reads: a misspelt one is otherwise
// ignored in silence.
func variables(s *Snapshot) []Result {
	var out []Result
	for _, v := range s.Variables {
		if slices.Contains(s.Flags, v) {
			continue
		}
		fix := "unset it; a variable is DARKSTART_ and the name of a flag, such as DARKSTART_NOW"
		if near := diag.Nearest(v, s.Flags); near != "" {
			fix = "did you mean " + near + "?"
		}
		out = append(out, one(Warn, v+" is set, and no flag has that name: it does nothing", fix)...)
	}
	if len(s.Variables) > 0 && len(out) == 0 {
		out = one(Info, "set: "+few(s.Variables))
	}
	if len(s.Quirks) > 0 {
		out = append(out, one(Info, "set, and honoured: "+few(s.Quirks))...)
	}
	return out
}

func proxy(s *Snapshot) []Result {
	if len(s.Proxies) == 0 {
		return nil
	}
	return one(Info, "set: "+few(s.Proxies)+"; lock, publish and verify oci:// go through it, nothing else uses a network")
}

func tools(s *Snapshot) []Result {
	var have, lack []string
	for _, t := range s.Tools {
		switch {
		case t.Name == "git":
		case t.Path != "":
			have = append(have, strings.TrimSpace(t.Name+" "+t.Version))
		default:
			lack = append(lack, fmt.Sprintf("%s (%s)", t.Name, t.For))
		}
	}
	var out []Result
	if len(have) > 0 {
		out = one(Info, "found: "+strings.Join(have, ", "))
	}
	if len(lack) > 0 {
		out = append(out, one(Info, "not found, and not needed to compile: "+strings.Join(lack, ", "))...)
	}
	return out
}

func credentials(s *Snapshot) []Result {
	switch s.Credentials {
	case "":
		return one(Info, "no Docker credentials: registries are asked anonymously")
	case "readable":
		return one(OK, "Docker's credentials can be read")
	}
	return one(Warn, "Docker's credentials cannot be read: "+s.Credentials, "mend the file, or log in again: docker login REGISTRY")
}
