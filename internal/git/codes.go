package git

import "github.com/darkstart-dev/darkstart/internal/diag"

// Codes documents every diagnostic of this package.
var Codes = []diag.Entry{
	{
		Code: "SRC001", Title: "not a git repository", Severity: diag.Error,
		Why: "What a fleet compiles to follows from a git tree alone, so the input must be in a repository. A worktree whose main repository moved counts as outside.",
		Fix: "Run inside a repository, or name a folder of one with `-C`. `git init && git add -A` makes one; `git worktree repair` mends a worktree.",
	},
	{
		Code: "SRC002", Title: "unknown or ambiguous revision", Severity: diag.Error,
		Why: "The name is no branch, tag, remote branch or commit of this clone, or it is the start of several commit ids.",
		Fix: "Take the proposed name, fetch the branch, or write more digits.",
	},
	{
		Code: "SRC003", Title: "the fleet folder does not exist", Severity: diag.Error,
		Why: "A fleet may be any folder of a repository. The folder is looked up in the revision that is compiled, not on the disk.",
		Fix: "Check the spelling; if the folder is new, add and commit it, or compile the working tree.",
	},
	{
		Code: "SRC004", Title: "the repository has no commit yet", Severity: diag.Error,
		Why: "A commit was asked for, and there is none.",
		Fix: "Commit the fleet, or compile the index (`--staged`) or the working tree.",
	},
	{
		Code: "SRC005", Title: "a shallow or partial clone does not have it", Severity: diag.Error,
		Why: "A clone with `--depth` lacks old commits, one with `--filter` lacks objects until git fetches them. A compile uses no network, and what cannot be judged must not pass unjudged.",
		Fix: "`git fetch --unshallow`; in CI, clone with full history (for example `fetch-depth: 0`) and without a filter.",
	},
	{
		Code: "SRC006", Title: "a git object is missing or damaged", Severity: diag.Error,
		Why: "Every object is checked against its id when it is read. This one is absent, cannot be decompressed, or is something else than its id says.",
		Fix: "`git fsck` lists the damage; `git fetch --refetch` or a fresh clone mends it.",
	},
	{
		Code: "SRC007", Title: "a submodule in the fleet folder", Severity: diag.Error,
		Why: "A submodule is the id of a commit of another repository: its files are not in this tree, and which bytes they are depends on a network.",
		Fix: "Vendor the files, or move the submodule out of the fleet folder.",
	},
	{
		Code: "SRC008", Title: "an input is stored with Git LFS", Severity: diag.Error,
		Why: "Git holds a pointer; the content is on a server.",
		Fix: "Store inputs in git itself. Files that the compiler does not read may stay in LFS.",
	},
	{
		Code: "SRC009", Title: "a link leaves the fleet folder", Severity: diag.Error,
		Why: "An absolute link, or one with too many `..`, reads what is not in the revision: other bytes on another machine, or a secret of the machine that compiles.",
		Fix: "Replace the link by the file, or link relatively inside the fleet folder.",
	},
	{
		Code: "SRC010", Title: "a link never ends", Severity: diag.Error,
		Why: "Links point at each other, or a folder contains a link to itself, so it would hold infinitely many files. The number of files that links stand for is limited as well.",
		Fix: "Remove the link or point it elsewhere.",
	},
	{
		Code: "SRC011", Title: "a link points at nothing", Severity: diag.Error,
		Why: "The target is not in the same revision; an ignored file and `dist/` are not.",
		Fix: "Add the target, or remove the link.",
	},
	{
		Code: "SRC012", Title: "a file is too large", Severity: diag.Error,
		Why: "Manifests and charts are small. A file over the limit (64 MiB) is in the fleet folder by mistake, and reading it would cost the memory of everything else.",
		Fix: "Move it out of the fleet folder, or ignore it.",
	},
	{
		Code: "SRC013", Title: "a file with unresolved merge conflicts", Severity: diag.Error,
		Why: "The index holds several versions of the file, so there is no single tree to check.",
		Fix: "Resolve the conflict and `git add` the file.",
	},
	{
		Code: "SRC014", Title: "the repository's format cannot be read", Severity: diag.Error,
		Why: "SHA-256 objects, reftable, split and sparse indexes and damaged configuration change how to read a repository.",
		Fix: "Compile from a clone made with default options.",
	},
	{
		Code: "SRC015", Title: "an attribute that only git can apply", Severity: diag.Error,
		Why: "`filter` runs a program and `working-tree-encoding` recodes the file before git stores it. The compiler runs nothing that a repository names, so it cannot tell what `git add` would store.",
		Fix: "`git add` the file and compile the index, or remove the attribute.",
	},
	{
		Code: "SRC016", Title: "a name that cannot be compiled", Severity: diag.Error,
		Why: "Names that are not UTF-8 or not clean paths mean different files on different machines.",
		Fix: "Rename the file.",
	},
	{
		Code: "SRC017", Title: "a revision expression that is not supported", Severity: diag.Error,
		Why: "Names with `~N` and `^N` are resolved. Reflog times, searches and ranges depend on the clone or are no commit, and must not be read as something else.",
		Fix: "Let git resolve it: `$(git rev-parse --verify 'REV^{commit}')`.",
	},
	{
		Code: "SRC018", Title: "a bare repository has no index or working tree", Severity: diag.Error,
		Why: "Only commits can be read from it.",
		Fix: "Name a commit.",
	},
	{
		Code: "SRC019", Title: "a file changed while it was compiled", Severity: diag.Error,
		Why: "Every stage must see the same bytes. The working tree was listed with one content and holds another now.",
		Fix: "Run again, or compile the index or a commit.",
	},
}
