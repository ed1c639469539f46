# METADATA
# title: no plaintext credential in rendered output
# description: |
#   Judges every rendered object in three ways.
#
#   **Secrets by type.** A value of a Secret is a credential unless it is empty,
#   encrypted by SOPS, a placeholder (`${NAME}`, `<path:…>`, `ref+vault://…`),
#   public (a certificate, a public key, the keys of hosts), a switch, one of the fields that only describe a
#   connection (`username`, `host`, `port`, `url`, …), or a configuration file.
#   A value is a configuration file when its key ends as one does (`.yaml`,
#   `.ini`, …) and nothing in it assigns a literal to a name such as `password`
#   or `token`: kube-prometheus keeps such files in Secrets. SealedSecret and
#   ExternalSecret hold references and pass.
#
#   **Literals by name.** An environment variable, a key of a ConfigMap, a flag or a
#   value for a chart whose name ends in password, token, secret or key and whose
#   value is neither a path, number, boolean, placeholder nor the name of a Secret; the
#   same inside of commands and of the configuration files in ConfigMaps; and an
#   address with a password in it.
#
#   **Text by pattern.** Every other string is searched by the detectors of
#   gitleaks. The text that matched is never printed.
# custom:
#   id: SC004
#   severity: error
#   applies: always
#   scope: cluster
#   reads: [objects, scan]
#   since: v0.1.0
#   rationale: >-
#     Rendered output is kept in git, in a registry and in every cluster's cache. A credential in it
#     cannot be revoked by deleting it, and a recovery restores it with everything else.
#   remediation: >-
#     replace it by a reference (ExternalSecret, SealedSecret, a mounted Secret) or encrypt it with SOPS, and revoke what was exposed
#   frameworks:
#     - OWASP Kubernetes Top Ten K08
#     - CIS Kubernetes Benchmark 5.4.1
#     - NIST SP 800-190 4.1.4
package darkstart.rules.sc004

import data.darkstart.lib
import data.darkstart.rules.sc004.text

evaluated := count(input.objects)

deny contains {
	"msg": found.msg,
	"subject": found.subject,
	"help": [found.help, "if it was ever committed or published, revoke it"],
} if {
	some found in typed
}

deny contains {
	"msg": sprintf("%s holds what looks like a credential", [hit.object]),
	"subject": {"object": hit.object, "component": hit.component, "path": hit.path},
	"notes": [sprintf("gitleaks %s: %s", [hit.detector, hit.what])],
	"help": ["replace it by a reference to a Secret", "if it was ever committed or published, revoke it"],
} if {
	some hit in input.scan
	not [hit.object, hit.path] in named
	not contains(hit.path, "/annotations/checksum~1")
}

# What the first two ways found, so that the third does not repeat it.
named := {[found.subject.object, found.subject.path] | some found in typed}

# Secrets by type.

typed contains {
	"msg": sprintf("Secret %s holds %q in plain text", [name(secret), key]),
	"subject": lib.subject(secret, lib.pointer([field, key])),
	"help": "write it as an ExternalSecret or SealedSecret, or encrypt the file with SOPS",
} if {
	some secret in input.kinds.Secret
	secret.group == ""
	some field in ["data", "stringData"]
	some key, raw in secret.content[field]
	value := text.decode(field, raw)
	not text.harmless(value)
	not text.describes(key, value)
	not text.boolean(value)
	not text.joins(object.get(secret.content, "type", ""), key)
	not text.configuration(key, value)
}

# Literals by name.

typed contains literal(workload, sprintf("environment variable %s", [env.name]), pointer, "take it from a Secret: valueFrom: secretKeyRef") if {
	some [workload, path, container] in containers
	some i, env in container.env
	credential(env.name, env.value)
	pointer := sprintf("%s/env/%d/value", [path, i])
}

typed contains literal(workload, sprintf("flag %s", [flag.name]), pointer, "pass a file from a mounted Secret") if {
	some [workload, path, container] in containers
	some field in ["command", "args"]
	some i, argument in container[field]
	flag := text.flag(argument)
	credential(flag.name, flag.value)
	pointer := sprintf("%s/%s/%d", [path, field, i])
}

typed contains literal(workload, sprintf("flag %s", [flag.name]), pointer, "pass a file from a mounted Secret") if {
	some [workload, path, container] in containers
	some field in ["command", "args"]
	some i, _ in container[field]
	flag := text.spaced(container[field], i)
	credential(flag.name, flag.value)
	pointer := sprintf("%s/%s/%d", [path, field, i + 1])
}

typed contains literal(workload, sprintf("%s in a command", [concat(", ", sort(names))]), pointer, "take it from a Secret: valueFrom: secretKeyRef") if {
	some [workload, path, container] in containers
	some field in ["command", "args"]
	some i, argument in container[field]
	not named_flag(argument)
	names := text.given(argument)
	count(names) > 0
	pointer := sprintf("%s/%s/%d", [path, field, i])
}

typed contains literal(map, sprintf("key %s", [key]), lib.pointer(["data", key]), "move it to a Secret that is sealed, encrypted or synchronised") if {
	some map in input.kinds.ConfigMap
	some key, value in map.content.data
	credential(key, value)
}

typed contains literal(map, sprintf("%s in key %s", [concat(", ", sort(names)), key]), lib.pointer(["data", key]), "let the application read it from a Secret") if {
	some map in input.kinds.ConfigMap
	some key, value in map.content.data
	names := text.configured(key, value)
	count(names) > 0
}

# The values that an engine gives to a chart.
typed contains literal(release, sprintf("value %s", [path[count(path) - 1]]), lib.pointer(path), "give it by valuesFrom, or let the chart use an existing Secret") if {
	some kind in ["HelmRelease", "Application", "ApplicationSet"]
	some release in input.kinds[kind]
	walk(release.content, [path, value])
	is_string(path[count(path) - 1])
	path[0] == "spec"
	text.value_name(path[count(path) - 1])
	literal_value(value)
}

typed contains literal(release, sprintf("parameter %s", [parameter.name]), lib.pointer(array.concat(path, ["value"])), "let the chart use an existing Secret") if {
	some kind in ["Application", "ApplicationSet"]
	some release in input.kinds[kind]
	walk(release.content, [path, parameter])
	text.value_name(parameter.name)
	literal_value(parameter.value)
}

named_flag(argument) if text.secret_name(text.flag(argument).name)

# A value is a credential by its name, or as part of an address.
credential(name, value) if {
	text.secret_name(name)
	literal_value(value)
}

credential(name, value) if {
	not text.secret_name(name)
	text.address(value)
}

# The name of a Secret is no secret.
literal_value(value) if {
	text.literal(value)
	not value in secrets
}

secrets := {secret.name | some secret in input.kinds.Secret}

containers contains [workload, at.path, at.container] if {
	some kind, _ in lib.pod_paths
	some workload in input.kinds[kind]
	some at in lib.containers(workload)
}

literal(object, what, pointer, help) := {
	"msg": sprintf("%s of %s %s is a literal credential", [what, object.kind, name(object)]),
	"subject": lib.subject(object, pointer),
	"help": help,
}

name(object) := concat("/", [part | some part in [object.namespace, object.name]; part != ""])
