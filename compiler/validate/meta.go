package validate

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// nameRules are the kinds whose names do not follow the common rule, a DNS
// subdomain. Source: the ValidateName functions of the API server's kinds.
func nameRules(kind GroupKind, minor string) validation.ValidateNameFunc {
	switch kind {
	case GroupKind{"", "Namespace"}:
		return validation.ValidateNamespaceName
	case GroupKind{"", "ServiceAccount"}:
		return validation.ValidateServiceAccountName
	case GroupKind{"", "Service"}:
		if compareReleases(minor, "1.36") >= 0 { // RelaxedServiceNameValidation
			return validation.NameIsDNSLabel
		}
		return validation.NameIsDNS1035Label
	case GroupKind{"apps", "StatefulSet"}:
		return validation.NameIsDNSLabel
	case GroupKind{"batch", "CronJob"}:
		return cronJobName
	case GroupKind{"rbac.authorization.k8s.io", "Role"}, GroupKind{"rbac.authorization.k8s.io", "ClusterRole"},
		GroupKind{"rbac.authorization.k8s.io", "RoleBinding"}, GroupKind{"rbac.authorization.k8s.io", "ClusterRoleBinding"},
		GroupKind{"apiregistration.k8s.io", "APIService"}, GroupKind{"certificates.k8s.io", "ClusterTrustBundle"},
		GroupKind{"networking.k8s.io", "IPAddress"}, GroupKind{"internal.apiserver.k8s.io", "StorageVersion"}:
		// Names with colons; the API server checks the kind's own form on top.
		return pathSegment
	case GroupKind{"certificates.k8s.io", "CertificateSigningRequest"}:
		return anyName
	}
	return validation.NameIsDNSSubdomain
}

// pathSegment takes what can stand in a URL, such as names with colons.
func pathSegment(name string, prefix bool) []string {
	if prefix {
		return content.IsPathSegmentPrefix(name)
	}
	return content.IsPathSegmentName(name)
}

// anyName is the rule of kinds that take every name.
func anyName(string, bool) []string { return nil }

// cronJobName leaves room for the time that names the jobs.
func cronJobName(name string, prefix bool) []string {
	const limit = 63 - 11
	if len(name) > limit {
		return []string{fmt.Sprintf("must be no more than %d characters", limit)}
	}
	return validation.NameIsDNSSubdomain(name, prefix)
}

// judgeMeta applies the API server's rules for metadata: the name, labels,
// annotations, finalizers and owners. Types are judged by the schema; a value
// of the wrong type is left out here. The namespace is judged elsewhere.
func judgeMeta(kind GroupKind, minor string, object map[string]any) field.ErrorList {
	u := &unstructured.Unstructured{Object: object}
	at := field.NewPath("metadata")
	meta := &metav1.ObjectMeta{
		Name: u.GetName(), GenerateName: u.GetGenerateName(), Namespace: u.GetNamespace(),
		Labels: u.GetLabels(), Annotations: u.GetAnnotations(),
		Finalizers: u.GetFinalizers(),
	}
	var errs field.ErrorList
	for _, e := range validation.ValidateObjectMeta(meta, meta.Namespace != "", nameRules(kind, minor), at) {
		if e.Type == field.ErrorTypeRequired && meta.Name == "" && meta.GenerateName != "" {
			continue // rule BS008 judges generateName
		}
		errs = append(errs, e)
	}
	return errs
}
