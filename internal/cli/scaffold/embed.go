// Package scaffold holds the repositories that `darkstart init` writes. They
// are data: what a newcomer starts from must read well as it is.
package scaffold

import "embed"

// FS has one directory a profile. Names without a leading dot stand for the
// dot files of the same name (gitignore for .gitignore), because embed leaves
// dot files out.
//
//go:embed all:minimal all:production
var FS embed.FS
