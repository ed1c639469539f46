// Package doctor says what is missing or odd in an environment and a
// repository, and what to do about it.
//
// It looks at nothing itself. Whoever has a machine to look at (the command
// line) takes a Snapshot; each check is a small function of it. So every
// verdict can be tested by writing down the snapshot that leads to it, and no
// check can come to depend on a network.
package doctor

import (
	"slices"
	"time"
)

// Status of a check.
type Status string

// The statuses, from good to bad. Info is a fact that is neither.
const (
	OK   Status = "ok"
	Info Status = "info"
	Warn Status = "warn"
	Fail Status = "fail"
)

// Result is what one check says.
type Result struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	// Message is one clause: lower case, no full stop.
	Message string `json:"message"`
	// Fix says what to do, most useful first; never empty for a warning or a
	// failure.
	Fix []string `json:"fix,omitempty"`
}

// Snapshot is a machine and a repository at one moment.
type Snapshot struct {
	Now     time.Time
	Version string // of this program

	// Variables are the names of DARKSTART_* variables that are set, Flags those
	// that mean something. Proxies and Quirks are names that are set, too.
	Variables, Flags, Proxies, Quirks []string
	Tools                             []Tool
	Credentials                       string // Docker's configuration: "", "readable", or why not

	// Problem says why there is no repository, with Advice; Repo is then nil.
	Problem string
	Advice  []string
	Repo    *Repo
	// Fleet is nil when no folder of the repository is one.
	Fleet *Fleet
}

// Tool is a program on the PATH; Path is "" when it is not there.
type Tool struct {
	Name, Path, Version string
	// For says who needs it; Needed that something does not work without it.
	For    string
	Needed bool
}

// Repo is a git repository.
type Repo struct {
	Bare, Shallow, Partial bool
	AutoCRLF               string
	Attributes             bool // a .gitattributes file is tracked
	// FoldsCase: the file system does not tell upper from lower case; ignoreCase
	// is what git believes.
	FoldsCase, IgnoreCase bool
	Collisions            []string // tracked names that differ only by case
	Head                  time.Time
	HookConfigured        bool // .pre-commit-config.yaml names darkstart
	HookInstalled         bool
	Owners                string // path of CODEOWNERS, "" for none
	OwnersText            string
	TrackedKeys           []string // private keys in git
	LooseKeys             []string // private keys that others can read
	Scheduled             []string // CI files that run darkstart on a schedule without --now
}

// Fleet is a fleet folder.
type Fleet struct {
	Dir      string // below the repository, "" for the root
	Writable string // "" or why not
	// Unread says why its files cannot be read (submodules, LFS, links that
	// leave), Broken why it does not compile; with what to do.
	Unread, Broken  string
	UnreadFix       []string
	BrokenFix       []string
	SchemaVendored  bool
	SchemaStale     bool
	Language        string // of cue.mod/module.cue
	MaxLanguage     string
	Lock            bool
	LockProblem     string
	Unlocked        []string // images without a digest, in no lock
	DistIgnored     bool
	KeysIgnored     bool
	Policies, Tests int      // Rego files
	Uncommitted     []string // records that differ from HEAD
	RecordProblem   string
	MinCompiler     string // the highest that a record wants
	WaiverComments  bool   // comments count as waivers
}

// check is one entry of the table.
type check struct {
	name string
	run  func(*Snapshot) []Result
}

// table holds every check, in the order of the report.
func table() []check {
	return []check{
		{"git", git},
		{"variables", variables},
		{"proxy", proxy},
		{"tools", tools},
		{"credentials", credentials},
		{"repository", repository},
		{"clock", clock},
		{"clone", clone},
		{"line endings", lineEndings},
		{"file names", fileNames},
		{"fleet", fleet},
		{"module", module},
		{"schema", schema},
		{"lock", lock},
		{"policies", policies},
		{"records", records},
		{"version", version},
		{"ignored files", ignored},
		{"keys", privateKeys},
		{"code owners", owners},
		{"pre-commit", hook},
		{"schedule", schedule},
	}
}

// Examine runs every check; one that does not apply says nothing.
func Examine(s *Snapshot) []Result {
	out := []Result{}
	for _, c := range table() {
		for _, r := range c.run(s) {
			r.Check = c.name
			out = append(out, r)
		}
	}
	return out
}

// Worst returns the worst status of a list, OK for an empty one.
func Worst(rs []Result) Status {
	order := []Status{OK, Info, Warn, Fail}
	worst := 0
	for _, r := range rs {
		worst = max(worst, slices.Index(order, r.Status))
	}
	return order[worst]
}

func one(s Status, message string, fix ...string) []Result {
	return []Result{{Status: s, Message: message, Fix: fix}}
}

// few joins names, and cuts a long list.
func few(names []string) string {
	out := ""
	for i, n := range names {
		if i == 3 && len(names) > 4 {
			return out + ", …"
		}
		if i > 0 {
			out += ", "
		}
		out += n
	}
	return out
}
