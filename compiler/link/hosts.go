package link

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// server is a component that serves a host.
type server struct{ cluster, comp string }

// hostTable says who answers to which host name.
type hostTable struct {
	served    map[string][]server // by clusters in order
	externals map[string]string   // host to external
}

func (l *linker) newHosts() hostTable {
	h := hostTable{served: map[string][]server{}, externals: map[string]string{}}
	for _, c := range l.clusters {
		for _, host := range sortedKeys(c.served) {
			h.served[host] = append(h.served[host], server{c.name, c.served[host]})
		}
	}
	if l.units.Fleet == nil {
		return h
	}
	es := l.units.Fleet.Spec.Externals
	for _, name := range sortedKeys(es) {
		for _, host := range append(slices.Clone(es[name].Hosts), urlHost(es[name].URL)) {
			if host = strings.ToLower(host); host != "" && h.externals[host] == "" {
				h.externals[host] = name
			}
		}
	}
	return h
}

// target returns who answers to a host: the fleet's own components before a
// declared external, which then is that component (DESIGN §4). A cluster that
// serves the host itself asks itself; of several others any one answers.
func (h *hostTable) target(host, cluster string) plans.Requirement {
	if s := h.served[host]; len(s) > 0 {
		var ids []string
		for _, v := range s {
			if v.cluster == cluster {
				return ref(v.comp, nil)
			}
			ids = append(ids, v.comp)
		}
		return anyOf(refs(ids)...)
	}
	if e := h.externals[host]; e != "" {
		return ref(e, nil)
	}
	return plans.Requirement{}
}

// knows reports whether somebody answers to a host.
func (h *hostTable) knows(host string) bool {
	return len(h.served[host]) > 0 || h.externals[host] != ""
}

// serveHosts collects the host names that a component's own objects publish.
func (c *cluster) serveHosts(comp *component) {
	serve := func(host string) {
		host = strings.ToLower(host)
		if host != "" && !strings.HasPrefix(host, "*") && c.served[host] == "" {
			c.served[host] = comp.id
		}
	}
	for _, h := range comp.spec.Provides.Hosts {
		c.served[strings.ToLower(h)] = comp.id
	}
	for _, o := range comp.objects {
		for _, h := range strings.Split(object.String(o.Get("metadata", "annotations", "external-dns.alpha.kubernetes.io/hostname")), ",") {
			serve(strings.TrimSpace(h))
		}
		for _, h := range published(o) {
			serve(h)
		}
	}
}

func published(o *object.Object) []string {
	var out []string
	list := func(v []any) {
		for _, h := range v {
			if s, ok := h.(string); ok {
				out = append(out, s)
			}
		}
	}
	switch kindOf(o) {
	case groupKind{"networking.k8s.io", "Ingress"}:
		for _, r := range mapsOf(object.Slice(o.Get("spec", "rules"))) {
			out = append(out, object.String(r, "host"))
		}
	case groupKind{"gateway.networking.k8s.io", "HTTPRoute"}, groupKind{"gateway.networking.k8s.io", "GRPCRoute"}, groupKind{"gateway.networking.k8s.io", "TLSRoute"}:
		list(object.Slice(o.Get("spec", "hostnames")))
	case groupKind{"gateway.networking.k8s.io", "Gateway"}:
		for _, l := range mapsOf(object.Slice(o.Get("spec", "listeners"))) {
			out = append(out, object.String(l, "hostname"))
		}
	case groupKind{"networking.istio.io", "VirtualService"}:
		list(object.Slice(o.Get("spec", "hosts")))
	}
	return out
}

// urlHost returns the host of a URL, "" for anything else.
func urlHost(s string) string {
	_, rest, ok := strings.Cut(s, "://")
	if !ok {
		return ""
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		rest = rest[:i]
	}
	return strings.ToLower(rest)
}

// hostsIn adds run edges for the host names in a setting of a container: hosts
// of the fleet, short service names, and URLs of hosts nobody declared (D15:
// implied, counted).
func (c *cluster) hostsIn(run *part, o *object.Object, setting string) {
	for word := range words(setting) {
		c.hostEdge(run, o, word, true)
	}
	if host := urlHost(setting); foreign(host) && c.l.hosts.target(host, c.name).Op == "" && c.service(host, o.Namespace) == nil {
		c.impliedHosts = append(c.impliedHosts, host)
		run.need(setRun, host, origin(o), fmt.Sprintf("%s calls %s", title(o), host))
	}
}

// hostsInText adds run edges for the host names in a file: those of the fleet,
// and Services by their full name.
func (c *cluster) hostsInText(run *part, o *object.Object, text string) {
	for _, word := range c.l.hostsOf(text) {
		c.hostEdge(run, o, word, false)
	}
}

// hostsOf returns the words of a text that hostEdge makes edges of, each once.
// Clusters share long texts, such as dashboards, and one of them reads it.
func (l *linker) hostsOf(text string) []string {
	if hosts, ok := l.texts.Load(text); ok {
		return hosts.([]string)
	}
	var hosts []string
	seen := map[string]bool{}
	for word := range words(text) {
		if !seen[word] && (inCluster(word) || strings.Contains(word, ".") && l.hosts.knows(word)) {
			hosts = append(hosts, word)
		}
		seen[word] = true
	}
	l.texts.Store(text, hosts)
	return hosts
}

// words yields what of a text reads like a host name, in lower case.
func words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !hostRune(r) }) {
			if word = strings.Trim(word, ".-"); len(word) >= 3 && !yield(strings.ToLower(word)) {
				return
			}
		}
	}
}

func hostRune(r rune) bool {
	return r == '.' || r == '-' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// inCluster reports the name of a Service with its namespace.
func inCluster(host string) bool {
	return strings.HasSuffix(host, ".svc") || strings.Contains(host, ".svc.")
}

// foreign reports a name that can only be resolved outside the cluster.
func foreign(host string) bool {
	if !strings.Contains(host, ".") || inCluster(host) || strings.HasSuffix(host, ".local") {
		return false
	}
	if strings.IndexFunc(host, func(r rune) bool { return !hostRune(r) }) >= 0 {
		return false
	}
	_, err := netip.ParseAddr(host)
	return err != nil
}

func (c *cluster) hostEdge(run *part, o *object.Object, host string, setting bool) {
	if strings.Contains(host, ".") {
		if to := c.l.hosts.target(host, c.name); to.Op != "" {
			run.add(setRun, to, "", origin(o), fmt.Sprintf("%s calls %s", title(o), host))
			return
		}
	}
	inCluster := inCluster(host)
	if !inCluster && !setting {
		return
	}
	if host == "kubernetes.default.svc" || strings.HasPrefix(host, "kubernetes.default.svc.") {
		run.need(setRun, c.node("@api"), origin(o), fmt.Sprintf("%s calls the API server", title(o)))
		return
	}
	if comp := c.service(host, o.Namespace); comp != nil {
		run.need(setRun, comp.id, origin(o), fmt.Sprintf("%s calls %s", title(o), host))
		return
	}
	if inCluster && setting {
		c.unknown(run, fmt.Sprintf("service %s, called by %s, is in no component of %s", host, title(o), c.name), origin(o),
			"add the Service to a component, or declare creates")
	}
}

// service finds the component behind "name", "name.namespace" or
// "name.namespace.svc…".
func (c *cluster) service(host, namespace string) *component {
	seg := strings.Split(host, ".")
	switch {
	case len(seg) > 4 && seg[2] == "svc": // name.namespace.svc.cluster.local, whatever the cluster's domain
	case len(seg) == 4 && seg[3] == "svc": // pod.name.namespace.svc
		seg = seg[1:]
	case len(seg) > 5 && seg[3] == "svc":
		seg = seg[1:]
	}
	if len(seg) >= 3 && seg[2] != "svc" || len(seg) == 0 {
		return nil
	}
	if len(seg) >= 2 {
		namespace = seg[1]
	}
	if e, ok := c.ix.objects[object.Key{Kind: "Service", Namespace: namespace, Name: seg[0]}]; ok {
		return e.part.comp
	}
	if len(seg) >= 2 {
		return c.ix.created("Service", namespace, seg[0])
	}
	return nil
}
