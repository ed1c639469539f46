// Package yamlpos reads hostile YAML into plain Go values without losing the
// line and column of any of them.
//
// Two readers need the same text in two ways. The renderer wants values with
// the meaning that kubectl gives them: YAML 1.1, so that yes is a boolean and
// 0777 is an octal number. The report wants to underline the very scalar that
// a finding names by a JSON pointer. Both come from one syntax tree here, so
// they cannot disagree about which document or which list item is meant.
//
// Input is what anybody can put in a pull request. Size, documents, depth,
// values and the growth through aliases are bounded before a value is built;
// every refusal is a Problem with a Kind that its caller maps to a code.
package yamlpos
