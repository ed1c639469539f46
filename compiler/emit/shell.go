package emit

import (
	"slices"
	"strings"
)

// This file reads the commands of steps. It knows as much of a shell as is
// needed to find `kubectl VERB KIND/NAME -n NAMESPACE` and to say in which
// cluster it runs, and it gives up where it is not sure: a command that is not
// understood is shown as it was written, and nothing is claimed about it.

// invocation is one program call in a command line.
type invocation struct {
	program string
	args    []string
	// at is the end of the program's name in the line, for inserting flags.
	at int
	// plugin is the end of the first argument.
	first int
}

// token is a word of a shell line.
type token struct {
	words    string
	end      int // offset behind it in the line
	operator bool
	opaque   bool // holds an expansion: its value is not known here
}

// tokens splits a line at blanks and operators, and takes quotes away.
func tokens(line string) []token {
	var out []token
	var b strings.Builder
	var quote byte
	started, opaque := false, false
	flush := func(end int) {
		if started {
			out = append(out, token{b.String(), end, false, opaque})
		}
		b.Reset()
		started, opaque = false, false
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == '\'':
			b.WriteByte(c)
		case c == '\\' && i+1 < len(line):
			i++
			if line[i] != '\n' {
				b.WriteByte(line[i])
				started = true
			}
		case quote != 0:
			opaque = opaque || c == '$' || c == '`'
			b.WriteByte(c)
		case c == '\'' || c == '"':
			quote, started = c, true
		case c == ' ' || c == '\t':
			flush(i)
		case strings.IndexByte("|&;\n()<>", c) >= 0:
			flush(i)
			out = append(out, token{string(c), i + 1, true, false})
		case c == '#' && !started:
			for i+1 < len(line) && line[i+1] != '\n' {
				i++
			}
		default:
			opaque = opaque || c == '$' || c == '`' || c == '*' || c == '{'
			started = true
			b.WriteByte(c)
		}
	}
	flush(len(line))
	return out
}

// calls returns the program calls of a line, in order. Redirections end the
// arguments: what follows them is a file.
func calls(line string) []invocation {
	var out []invocation
	var cur *invocation
	redirected := false
	for _, t := range tokens(line) {
		switch {
		case t.operator && (t.words == "<" || t.words == ">"):
			redirected = true
		case t.operator:
			cur, redirected = nil, false
		case cur == nil && (strings.Contains(t.words, "=") || t.words == "sudo" || t.words == "time" || t.words == "watch"):
		case cur == nil:
			out = append(out, invocation{program: t.words, at: t.end})
			cur = &out[len(out)-1]
		case redirected:
			redirected = false
		default:
			if len(cur.args) == 0 {
				cur.first = t.end
			}
			if t.opaque {
				t.words = unsure
			}
			cur.args = append(cur.args, t.words)
		}
	}
	return out
}

// unsure stands for an argument whose value only the shell will know.
const unsure = "\x00"

// contextFlag is how each program is told which cluster is meant.
var contextFlag = map[string]string{"kubectl": "--context", "flux": "--context", "helm": "--kube-context", "cilium": "--context", "velero": "--kubecontext"}

// inContext adds the cluster to every call that talks to one and does not say
// which. kubectl refuses flags before a plugin's name, so there they follow it.
func inContext(line, cluster string) string {
	if cluster == "" {
		return line
	}
	cs := calls(line)
	for i := len(cs) - 1; i >= 0; i-- {
		c := cs[i]
		flag := contextFlag[c.program]
		if flag == "" || c.context() != "" {
			continue
		}
		at := c.at
		if c.program == "kubectl" && len(c.args) > 0 && !kubectlVerbs[c.args[0]] && !strings.HasPrefix(c.args[0], "-") {
			at = c.first
		}
		line = line[:at] + " " + flag + " " + cluster + line[at:]
	}
	return line
}

// context returns the cluster that a call names itself, "" for none.
func (c *invocation) context() string {
	for i, a := range c.args {
		for _, flag := range []string{"--context", "--kube-context", "--kubecontext", "--kubeconfig"} {
			if a == flag && i+1 < len(c.args) {
				return c.args[i+1]
			}
			if v, ok := strings.CutPrefix(a, flag+"="); ok {
				return v
			}
		}
		if a == "--" {
			return ""
		}
	}
	return ""
}

// isCommand reports whether a sentence of the spec is really a command.
func isCommand(s string) bool {
	program, _, _ := strings.Cut(s, " ")
	return contextFlag[program] != "" || slices.Contains([]string{"argocd", "darkstart", "etcdctl", "git", "terraform", "tofu", "aws", "gcloud", "az"}, program) ||
		strings.HasPrefix(program, "./")
}

// kubectlVerbs are kubectl's own commands; everything else is a plugin.
var kubectlVerbs = setOf(`annotate api-resources api-versions apply attach auth autoscale certificate cluster-info completion config cordon cp create debug
delete describe diff drain edit events exec explain expose get kustomize label logs options patch plugin port-forward proxy replace rollout run scale set taint
top uncordon version wait`)

func setOf(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

// target is an object that a command names, as far as it says.
type target struct {
	context   string
	namespace string // "" when none is given
	all       bool   // in all namespaces
	kind      string // as written: "deploy", "Cluster.postgresql.cnpg.io"; "" when only the namespace is named
	name      string // "" for all of the kind
}

// valued are kubectl's flags that take the next word when there is no "=".
var valued = setOf(`-n --namespace --context --kubeconfig -l --selector -o --output -f --filename -c --container -p --patch -k --kustomize --replicas --current-replicas
--for --timeout --type --field-selector --image --as --as-group --cluster --user --token --request-timeout --server -s --since --tail --grace-period --subresource
--sort-by -L --label-columns --to-revision --revision --max --min --cpu-percent --port --target-port --address --template --patch-file --resource-version --cascade
--field-manager --dry-run --chunk-size --raw --target --profile --env -e --name --protocol --limits --requests --overrides --pod-selector --propagation-policy`)

// switches are kubectl's flags that take nothing.
var switches = setOf(`-w --watch -i -t -it -ti --stdin --tty --force --wait --now --all --previous --all-containers --follow --server-side --force-conflicts
--ignore-daemonsets --delete-emptydir-data --overwrite --show-labels --no-headers --ignore-not-found --recursive -R --list --local --quiet -q --record --timestamps`)

// targets returns the objects that the kubectl calls of a line name.
func targets(line string) []target {
	var out []target
	for _, c := range calls(line) {
		if c.program == "kubectl" {
			out = append(out, c.targets()...)
		}
	}
	return out
}

func (c *invocation) targets() []target {
	base := target{context: c.context()}
	words, ok := c.positional(&base)
	if len(words) == 0 || !ok {
		return nil // half understood is not understood
	}
	if base.namespace == unsure || base.context == unsure {
		return nil
	}
	if !kubectlVerbs[words[0]] { // a plugin: only what every plugin understands
		return namespaceOnly(base)
	}
	verb, rest := words[0], words[1:]
	switch verb {
	case "get", "describe", "delete", "edit", "scale", "annotate", "label", "patch", "wait", "expose", "autoscale", "events":
	case "rollout", "set":
		rest = rest[min(1, len(rest)):]
	case "exec", "logs", "attach", "port-forward", "debug":
		rest = rest[:min(1, len(rest))]
		if len(rest) == 1 && !strings.Contains(rest[0], "/") {
			rest = []string{"pod/" + rest[0]}
		}
	case "drain", "cordon", "uncordon":
		rest = append([]string{"node"}, rest...)
	default:
		return namespaceOnly(base)
	}
	return named(base, verb, rest)
}

func namespaceOnly(base target) []target {
	if base.namespace == "" {
		return nil
	}
	return []target{base}
}

// positional returns the words that are no flags, and notes the namespace. It
// is false when a flag is not known and might take the next word.
func (c *invocation) positional(base *target) (words []string, ok bool) {
	for i := 0; i < len(c.args); i++ {
		a := c.args[i]
		flag, value, joined := strings.Cut(a, "=")
		switch {
		case a == "--":
			return words, true
		case a == "-A" || a == "--all-namespaces":
			base.all = true
		case !strings.HasPrefix(a, "-") || a == "-":
			words = append(words, a)
			continue
		case joined || switches[flag] || flag == "-f" && slices.Contains(words, "logs"):
		case valued[flag]:
			if i++; i < len(c.args) {
				value = c.args[i]
			}
		default:
			return words, false
		}
		if flag == "-n" || flag == "--namespace" {
			base.namespace = value
		}
	}
	return words, true
}

// named turns "KIND NAME…", "KIND/NAME…" and "KIND,KIND" into targets.
func named(base target, verb string, words []string) []target {
	if len(words) == 0 || words[0] == unsure {
		return namespaceOnly(base)
	}
	var out []target
	add := func(kind, name string) {
		t := base
		t.kind, t.name = kind, name
		out = append(out, t)
	}
	if strings.Contains(words[0], "/") {
		for _, w := range words {
			if kind, name, ok := strings.Cut(w, "/"); ok && w != unsure && !strings.Contains(w, "=") {
				add(kind, name)
			}
		}
		return out
	}
	for kind := range strings.SplitSeq(words[0], ",") {
		names := 0
		for _, w := range words[1:] {
			if w == unsure || strings.ContainsAny(w, "=/") || strings.HasSuffix(w, "-") || verb == "expose" && names > 0 {
				continue
			}
			add(kind, w)
			names++
		}
		if names == 0 {
			add(kind, "")
		}
	}
	return out
}
