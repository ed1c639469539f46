package git

import "path/filepath"

// Facts are settings and states of a repository that change what a user sees
// of it, and not what a tree is.
type Facts struct {
	Shallow    bool   // the history was cut off
	Partial    bool   // objects were left out (--filter)
	IgnoreCase bool   // core.ignoreCase
	AutoCRLF   string // "true", "input" or "false"
	Hooks      string // absolute path of the folder of hooks
}

// Facts returns them as the configuration has them.
func (r *Repo) Facts() Facts {
	hooks := r.cfg.hooks
	switch {
	case hooks == "":
		hooks = filepath.Join(r.common, "hooks")
	case !filepath.IsAbs(hooks):
		hooks = filepath.Join(r.worktree, hooks)
	}
	return Facts{Shallow: r.Shallow(), Partial: r.cfg.partial, IgnoreCase: r.cfg.ignoreCase, AutoCRLF: r.cfg.autocrlf, Hooks: hooks}
}

// Ignored reports whether git would leave an untracked file out. The name is
// relative to the root, slash-separated.
func (r *Repo) Ignored(name string) bool { return r.ignores().ignored(name, false) }

// Tracked returns the names in the index, sorted; none when it cannot be read.
func (r *Repo) Tracked() ([]string, error) {
	idx, d, err := r.readIndex()
	if err != nil || d != nil {
		return nil, err
	}
	out := make([]string, len(idx.entries))
	for i, e := range idx.entries {
		out[i] = e.Name
	}
	return out, nil
}
