package git

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/go-git/go-git/v5/plumbing/format/config"
)

// settings is the part of git's configuration that decides what a tree is.
type settings struct {
	bare       bool
	partial    bool // a promisor remote has what is missing here
	worktree   string
	autocrlf   string // "true", "input" or "false"
	eol        string
	fileMode   bool
	symlinks   bool
	ignoreCase bool
	trustCtime bool
	checkStat  string
	excludes   string // core.excludesFile
	attributes string // core.attributesFile
	hooks      string // core.hooksPath
}

// supported extensions change nothing that is read here. Others (another
// object format, reftable) change how to read and are refused.
var supported = map[string]bool{
	"noop": true, "noop-v1": true, "partialclone": true,
	"preciousobjects": true, "worktreeconfig": true, "relativeworktrees": true,
}

// readSettings merges the configuration files, later ones win: system, user,
// repository, worktree. [include] is not followed: go-git has no reader for it
// and no fleet's bytes should hang on a file outside the repository.
func readSettings(p places, getenv func(string) string) (settings, error) {
	s := settings{autocrlf: "false", fileMode: true, symlinks: true, trustCtime: true}
	home := getenv("HOME")
	if dir := userFolder(home, getenv); dir != "" {
		s.excludes, s.attributes = filepath.Join(dir, "ignore"), filepath.Join(dir, "attributes")
	}
	for _, f := range userFiles(home, getenv) {
		if c, err := readConfig(f); err == nil && c != nil {
			s.apply(c, home)
		}
	}
	s.bare, s.worktree = false, "" // only a repository says where it is
	local := filepath.Join(p.common, "config")
	c, err := readConfig(local)
	if err != nil {
		return s, diag.Errorf("SRC014", "%s cannot be read: %v", local, err).
			Fix("see what git says: git config --list").Err()
	}
	if c == nil {
		return s, nil
	}
	if err := checkFormat(c); err != nil {
		return s, err
	}
	s.apply(c, home)
	s.partial = partial(c)
	if c.Section("extensions").Option("worktreeConfig") == "true" {
		if w, err := readConfig(filepath.Join(p.gitDir, "config.worktree")); err == nil && w != nil {
			s.apply(w, home)
		}
	}
	return s, nil
}

// userFiles lists the files outside the repository, least specific first.
func userFiles(home string, getenv func(string) string) []string {
	var fs []string
	if sys := getenv("GIT_CONFIG_SYSTEM"); sys != "" {
		fs = append(fs, sys)
	} else if home != "" && getenv("GIT_CONFIG_NOSYSTEM") == "" {
		fs = append(fs, "/etc/gitconfig")
	}
	if g := getenv("GIT_CONFIG_GLOBAL"); g != "" {
		return append(fs, g)
	}
	if dir := userFolder(home, getenv); dir != "" {
		fs = append(fs, filepath.Join(dir, "config"))
	}
	if home != "" {
		fs = append(fs, filepath.Join(home, ".gitconfig"))
	}
	return fs
}

// userFolder is $XDG_CONFIG_HOME/git, which also holds the user's ignore rules.
func userFolder(home string, getenv func(string) string) string {
	if x := getenv("XDG_CONFIG_HOME"); x != "" {
		return filepath.Join(x, "git")
	}
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".config", "git")
}

// readConfig returns nil without an error when the file does not exist.
func readConfig(name string) (*config.Config, error) {
	b, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c := config.New()
	if err := config.NewDecoder(bytes.NewReader(b)).Decode(c); err != nil {
		return nil, err
	}
	return c, nil
}

func checkFormat(c *config.Config) error {
	refuse := func(what string) error {
		return diag.Errorf("SRC014", "the repository uses %s, which cannot be read", what).
			Note("SHA-1 objects, loose and packed, with files or packed references are read").
			Fix("compile from a clone made with default options: git clone URL").Err()
	}
	if v := c.Section("core").Option("repositoryformatversion"); v != "" && v != "0" && v != "1" {
		return refuse("repository format " + v)
	}
	for _, o := range c.Section("extensions").Options {
		k, v := strings.ToLower(o.Key), strings.ToLower(o.Value)
		switch {
		case supported[k], k == "objectformat" && v == "sha1", k == "refstorage" && v == "files":
		default:
			return refuse("the extension " + k + " = " + v)
		}
	}
	return nil
}

// partial reports whether the clone was made with --filter.
func partial(c *config.Config) bool {
	for _, r := range c.Section("remote").Subsections {
		if truth(r.Option("promisor")) && r.HasOption("promisor") {
			return true
		}
	}
	return c.Section("extensions").Option("partialClone") != ""
}

func (s *settings) apply(c *config.Config, home string) {
	core := c.Section("core")
	flag := func(key string, to *bool) {
		if core.HasOption(key) {
			*to = truth(core.Option(key))
		}
	}
	text := func(key string, to *string) {
		if core.HasOption(key) {
			*to = core.Option(key)
		}
	}
	flag("bare", &s.bare)
	flag("filemode", &s.fileMode)
	flag("symlinks", &s.symlinks)
	flag("ignorecase", &s.ignoreCase)
	flag("trustctime", &s.trustCtime)
	text("worktree", &s.worktree)
	text("eol", &s.eol)
	text("checkstat", &s.checkStat)
	text("excludesfile", &s.excludes)
	text("attributesfile", &s.attributes)
	text("hookspath", &s.hooks)
	if core.HasOption("autocrlf") {
		s.autocrlf = "false"
		if v := strings.ToLower(core.Option("autocrlf")); v == "input" {
			s.autocrlf = v
		} else if truth(v) {
			s.autocrlf = "true"
		}
	}
	s.excludes, s.attributes, s.hooks = expandHome(s.excludes, home), expandHome(s.attributes, home), expandHome(s.hooks, home)
}

// truth reads a boolean as git does; a key without a value is true.
func truth(v string) bool {
	switch strings.ToLower(v) {
	case "", "true", "yes", "on", "1":
		return true
	}
	return false
}

func expandHome(p, home string) string {
	if rest, ok := strings.CutPrefix(p, "~/"); ok && home != "" {
		return filepath.Join(home, rest)
	}
	return p
}
