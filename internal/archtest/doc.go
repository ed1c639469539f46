// Package archtest holds the architecture to its map, as a test.
//
// The listing of the directories is the architecture diagram: which packages
// there are, which one owns each heavy dependency, and which way imports
// point. A diagram that nothing checks is wrong within a month, so this one
// fails the build, and prints the chain of imports that broke it.
//
// To add a package or a dependency, add its line to map.go with the reason.
package archtest
