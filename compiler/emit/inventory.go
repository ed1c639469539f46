package emit

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// standing says what the rendered inventory knows about a named object.
type standing string

// Standings. Only contradicted is a finding: what is not known to be wrong may
// be right (D6).
const (
	present      standing = "present"
	runtime      standing = "runtime"
	unjudged     standing = "not checked"
	contradicted standing = "contradicted"
)

// judged is a target with its standing.
type judged struct {
	target
	cluster  string
	standing standing
	why      string
	nearest  string
}

// String is "Deployment/shop in namespace shop of central".
func (j *judged) String() string {
	var b strings.Builder
	switch {
	case j.kind == "":
		b.WriteString("namespace " + j.namespace)
	case j.name == "":
		b.WriteString("kind " + j.kind)
	default:
		b.WriteString(j.kind + "/" + j.name)
	}
	if j.kind != "" && j.namespace != "" {
		b.WriteString(" in namespace " + j.namespace)
	}
	if j.cluster != "" {
		b.WriteString(" of " + j.cluster)
	}
	return b.String()
}

// resource is a kind that a command can name.
type resource struct {
	kind       string
	namespaced bool
	builtin    bool
}

// known is what may be named in one cluster.
type known struct {
	resources  map[string]resource         // by plural, singular, short name and kind, lower case
	objects    map[string]map[string]bool  // "Kind/namespace" to names
	namespaces map[string]bool             // rendered, used, or there from the start
	parents    map[string][]*object.Object // by namespace: what may own others
	creates    []string                    // patterns "Kind/namespace/name"
	secrets    map[string]bool             // "namespace/name", written by what is rendered
}

// builtins is "kind plural short…"; a leading "-" marks what has no namespace.
const builtins = `Pod pods po|Deployment deployments deploy|StatefulSet statefulsets sts|DaemonSet daemonsets ds|ReplicaSet replicasets rs|Job jobs|CronJob cronjobs cj
Service services svc|ConfigMap configmaps cm|Secret secrets|ServiceAccount serviceaccounts sa|PersistentVolumeClaim persistentvolumeclaims pvc|Ingress ingresses ing
NetworkPolicy networkpolicies netpol|Event events ev|Endpoints endpoints ep|EndpointSlice endpointslices|Role roles|RoleBinding rolebindings|Lease leases
PodDisruptionBudget poddisruptionbudgets pdb|HorizontalPodAutoscaler horizontalpodautoscalers hpa|ResourceQuota resourcequotas quota|LimitRange limitranges limits
ReplicationController replicationcontrollers rc|ControllerRevision controllerrevisions|-Namespace namespaces ns|-Node nodes no|-PersistentVolume persistentvolumes pv
-ClusterRole clusterroles|-ClusterRoleBinding clusterrolebindings|-StorageClass storageclasses sc|-PriorityClass priorityclasses pc|-IngressClass ingressclasses
-CustomResourceDefinition customresourcedefinitions crd crds|-APIService apiservices|-ValidatingWebhookConfiguration validatingwebhookconfigurations
-MutatingWebhookConfiguration mutatingwebhookconfigurations|-CertificateSigningRequest certificatesigningrequests csr|-VolumeAttachment volumeattachments
-CSIDriver csidrivers|-CSINode csinodes|-RuntimeClass runtimeclasses`

// machineMade are kinds that the cluster itself fills.
var machineMade = setOf("Node Event Lease PersistentVolume CertificateSigningRequest VolumeAttachment CSINode ControllerRevision Endpoints EndpointSlice")

func newKnown(c *ir.Linked) *known {
	k := &known{
		resources: map[string]resource{}, objects: map[string]map[string]bool{}, parents: map[string][]*object.Object{}, secrets: map[string]bool{},
		namespaces: map[string]bool{"default": true, "kube-system": true, "kube-public": true, "kube-node-lease": true},
	}
	for entry := range strings.FieldsFuncSeq(builtins, func(r rune) bool { return r == '|' || r == '\n' }) {
		words := strings.Fields(entry)
		kind, clusterWide := strings.CutPrefix(words[0], "-")
		k.name(resource{kind, !clusterWide, true}, append(words[1:], kind)...)
	}
	for _, comp := range c.Unit.Spec.Components {
		k.creates = append(k.creates, comp.Creates...)
	}
	slices.Sort(k.creates)
	for _, p := range c.Parts {
		for _, o := range p.Objects {
			k.add(o)
		}
	}
	return k
}

func (k *known) name(r resource, names ...string) {
	for _, n := range names {
		if n = strings.ToLower(n); n != "" && k.resources[n].kind == "" {
			k.resources[n] = r
		}
	}
}

func (k *known) add(o *object.Object) {
	key := o.Kind + "/" + o.Namespace
	if k.objects[key] == nil {
		k.objects[key] = map[string]bool{}
	}
	k.objects[key][o.Name] = true
	if o.Namespace != "" {
		k.namespaces[o.Namespace] = true
	}
	k.parents[o.Namespace] = append(k.parents[o.Namespace], o)
	switch o.Kind {
	case "Namespace":
		k.namespaces[o.Name] = true
	case "CustomResourceDefinition":
		names := object.Map(o.Get("spec", "names"))
		kind, group := object.String(names, "kind"), object.String(o.Get("spec", "group"))
		all := []string{kind, object.String(names, "plural"), object.String(names, "singular")}
		for _, s := range object.Slice(names, "shortNames") {
			if s, ok := s.(string); ok {
				all = append(all, s)
			}
		}
		k.name(resource{kind, object.String(o.Get("spec", "scope")) != "Cluster", false}, append(all, all[1]+"."+group)...)
	case "Certificate":
		k.secrets[o.Namespace+"/"+object.String(o.Get("spec", "secretName"))] = true
	case "ExternalSecret", "SealedSecret":
		k.secrets[o.Namespace+"/"+o.Name] = true
		k.secrets[o.Namespace+"/"+object.String(o.Get("spec", "target", "name"))] = true
	}
	k.name(resource{o.Kind, o.Namespace != "", false}, o.Kind)
}

// judge says what is known about a target.
func (k *known) judge(t target) (s standing, why, nearest string) {
	if t.namespace != "" && !k.namespaces[t.namespace] && !k.created("Namespace", "", t.namespace) {
		return contradicted, fmt.Sprintf("there is no namespace %q", t.namespace), diag.Nearest(t.namespace, slices.Sorted(maps.Keys(k.namespaces)))
	}
	if t.kind == "" {
		return present, "", ""
	}
	r, ok := k.resource(t.kind)
	switch {
	case !ok && k.created(t.kind, t.namespace, t.name):
		return runtime, "declared in creates", ""
	case !ok:
		return unjudged, "its kind is not defined by what is rendered", ""
	case t.name == "":
		return present, "", ""
	case !r.namespaced:
		t.namespace = ""
	case t.namespace == "":
		return unjudged, "the command names no namespace", ""
	}
	if k.objects[r.kind+"/"+t.namespace][t.name] {
		return present, "", ""
	}
	if why := k.atRuntime(r, t); why != "" {
		return runtime, why, ""
	}
	have := slices.Sorted(maps.Keys(k.objects[r.kind+"/"+t.namespace]))
	return contradicted, fmt.Sprintf("nothing renders or creates %s/%s there", r.kind, t.name), diag.Nearest(t.name, have)
}

// resource resolves a kind as written: "deploy", "deployments.apps", "Deployment.v1.apps".
func (k *known) resource(written string) (resource, bool) {
	w := strings.ToLower(written)
	if r, ok := k.resources[w]; ok {
		return r, true
	}
	first, group, _ := strings.Cut(w, ".")
	r, ok := k.resources[first]
	return r, ok && (group == "" || r.builtin)
}

// atRuntime says why an object that is not rendered exists all the same, "" if
// there is no reason that it should.
func (k *known) atRuntime(r resource, t target) string {
	switch {
	case machineMade[r.kind]:
		return "made by the cluster"
	case k.created(r.kind, t.namespace, t.name):
		return "declared in creates"
	case r.kind == "Secret" && k.secrets[t.namespace+"/"+t.name]:
		return "written by what is rendered"
	case t.name == "default" && r.kind == "ServiceAccount", t.name == "kube-root-ca.crt" && r.kind == "ConfigMap",
		t.name == "kubernetes" && r.kind == "Service" && t.namespace == "default",
		strings.HasPrefix(t.name, "system") && !r.namespaced,
		(r.kind == "ClusterRole" || r.kind == "ClusterRoleBinding") && slices.Contains([]string{"cluster-admin", "admin", "edit", "view"}, t.name):
		return "there from the start"
	case r.kind == "Namespace" && k.namespaces[t.name]:
		return "there from the start"
	}
	for _, o := range k.parents[t.namespace] {
		if owns(o, r.kind, t.name) {
			return "owned by " + o.Kind + "/" + o.Name
		}
	}
	return ""
}

// owns reports whether a rendered object makes others of this kind and name.
// Controllers name what they make after its owner; an operator may make
// anything after its custom resource.
func owns(o *object.Object, kind, name string) bool {
	if o.Kind == "StatefulSet" && kind == "PersistentVolumeClaim" {
		for _, v := range object.Slice(o.Get("spec", "volumeClaimTemplates")) {
			if strings.HasPrefix(name, object.String(v, "metadata", "name")+"-"+o.Name+"-") {
				return true
			}
		}
		return false
	}
	if !strings.HasPrefix(name, o.Name+"-") {
		return name == o.Name && custom(o) && kind != o.Kind
	}
	switch o.Kind {
	case "Deployment":
		return kind == "Pod" || kind == "ReplicaSet"
	case "StatefulSet", "DaemonSet", "ReplicaSet", "Job":
		return kind == "Pod"
	case "CronJob":
		return kind == "Pod" || kind == "Job"
	}
	return custom(o)
}

// custom reports whether the object is of a kind that Kubernetes does not bring.
func custom(o *object.Object) bool {
	g := o.Group()
	return strings.Contains(g, ".") && !strings.HasSuffix(g, ".k8s.io")
}

// created reports whether a component declares that it makes such objects.
func (k *known) created(kind, namespace, name string) bool {
	want := kind + "/" + name
	if namespace != "" {
		want = kind + "/" + namespace + "/" + name
	}
	return slices.ContainsFunc(k.creates, func(pattern string) bool {
		ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(want))
		return err == nil && ok
	})
}
