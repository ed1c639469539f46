# METADATA
# title: what a string is
# description: Tells credentials from what only looks like one. Nothing here returns the text it was given.
package darkstart.rules.sc004.text

# METADATA
# scope: document
# description: the value of a Secret's field; data is base64, unless something else stands there
decode(field, value) := value if {
	field == "stringData"
	is_string(value)
}

decode("data", value) := base64.decode(value) if base64.is_valid(value)

decode("data", value) := value if {
	is_string(value)
	not base64.is_valid(value)
}

# METADATA
# scope: document
# description: nothing to protect, whatever the name
harmless(value) if trim_space(value) == ""

harmless(value) if placeholder(value)

harmless(value) if encrypted(value)

harmless(value) if public(value)

harmless(value) if regex.match(`^\s*\{\s*("auths"\s*:\s*\{\s*\}\s*)?\}\s*$`, value)

encrypted(value) if startswith(value, "ENC[AES256_GCM,")

# A value that something fills in later, and nothing else beside it.
placeholder(value) if regex.match(`^\s*(\$\{[^}]*\}|\$\([^)]*\)|\$__[a-z]+\{[^}]*\}|\{\{[^}]*\}\}|<[^<>]+>)\s*$`, value)

# References of vals, bank-vaults and the Argo CD vault plugin.
placeholder(value) if regex.match(`^(ref\+[a-z]+://|vault:[^\s]+#)`, value)

# Keys of hosts and the public halves of SSH keys, a line each.
public(value) if {
	lines := [line | some line in split(value, "\n"); not regex.match(`^\s*(#.*)?$`, line)]
	count(lines) > 0
	every line in lines {
		regex.match(`^(\S+ )?(ssh-(ed25519|rsa|dss)|ecdsa-sha2-nistp[0-9]+|sk-[a-z0-9-]+@openssh\.com) AAAA[A-Za-z0-9+/=]+( .*)?$`, trim_space(line))
	}
}

# PEM that everybody may read: every block is a certificate, a list or a public key.
public(value) if {
	startswith(trim_space(value), "-----BEGIN ")
	blocks := regex.find_all_string_submatch_n(`-----BEGIN ([A-Z0-9 ]+)-----`, value, -1)
	every block in blocks {
		block[1] in {"CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CRL", "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE REQUEST", "PGP PUBLIC KEY BLOCK", "DH PARAMETERS", "EC PARAMETERS"}
	}
}

# METADATA
# description: a field of a Secret that says where and as whom, and brings no password along
describes(key, value) if {
	lower(key) in {
		"address", "bucket", "database", "dbname", "description", "email", "endpoint", "githubappid",
		"githubappinstallationid", "host", "hostname", "issuer", "name", "namespace", "port", "project", "provider",
		"region", "server", "sslmode", "tenant", "type", "url", "user", "username",
	}
	not userinfo(value)
}

# METADATA
# description: what of a token that nodes join with is no secret
joins("bootstrap.kubernetes.io/token", key) if key != "token-secret"

# METADATA
# description: a switch
boolean(value) if lower(trim_space(value)) in {"true", "false", "yes", "no", "on", "off", "enabled", "disabled"}

# METADATA
# description: an address that brings a password along
address(value) if {
	is_string(value)
	contains(value, "://")
	some found in regex.find_all_string_submatch_n(`[a-z][a-z0-9+.-]*://[^/\s:@]*:([^/\s:@]+)@`, value, -1)
	literal(found[1])
	not startswith(found[1], "<")
}

userinfo(value) if regex.match(`[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s:@]+@`, value)

# METADATA
# description: a configuration file without a credential in it
configuration(key, value) if {
	regex.match(`(?i)\.(ya?ml|json|ini|conf|cfg|config|toml|properties|xml|te?mpl|tpl|rules?|lua|sh|env)$`, key)
	not userinfo(value)
	not contains(value, "PRIVATE KEY-----")
	not assigns(value)
}

assigns(value) if {
	mentions(value, ["passw", "passphrase", "secret", "token", "credential", "key"])
	some found in regex.find_all_string_submatch_n(assignment, value, -1)
	literal(found[3])
}

# name: value, name = value and "name": "value", where the name is one of a credential.
assignment := `(?im)(password|passwd|passphrase|secret|token|credentials?|(api|access|private|service|routing|auth|signing|encryption|account|shared)[_-]?key)["']?\s*[:=]+\s*["']?([^\s"',;#]+)`

# METADATA
# description: the names in a command line that are given a literal, NAME=value
given(value) := {found[1] |
	is_string(value)
	mentions(value, stems)
	some found in regex.find_all_string_submatch_n(concat("", [`(?i)([a-z0-9_-]*(?:`, words, `))=["']?([^\s"'`, "`", `;&|)<>]+)`]), value, -1)
	literal(found[2])
}

# METADATA
# description: the names in a configuration file that are given a literal, a line each
configured(key, value) := {found[1] |
	regex.match(`(?i)\.(ya?ml|json|ini|conf|cfg|config|toml|properties|env)$`, key)
	mentions(value, stems)
	some found in regex.find_all_string_submatch_n(concat("", [`(?im)^[\s"'-]*([a-z0-9_.-]*(?:`, words, `))["']?\s*[:=]\s*["']?([^\s"',;#]+)`]), value, -1)
	literal(found[2])
}

# Not secret: in a configuration that is the name of a Secret more often than not.
words := `password|passwd|passphrase|token|api[_-]?key`

stems := ["passw", "passphrase", "token", "apikey", "api_key", "api-key"]

# An expression takes its time over a long text, such as a dashboard: whether a
# text has any part of its words is known at once.
mentions(value, parts) if {
	text := lower(value)
	some part in parts
	contains(text, part)
}

# METADATA
# description: a name among the values of a chart that is one of a credential
value_name(name) if regex.match(sprintf(`(?i)(%s)$`, [words]), name)

# METADATA
# description: a name that ends as those of credentials do, and not as _FILE, _NAME, _TTL or _URL
secret_name(name) if {
	strings.any_suffix_match(lower(name), ends)
	regex.match(`(?i)(^|[_.-]|[a-z])(password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key(_?id)?|secret[_-]?key|private[_-]?key|credentials?)$`, name)
}

# How every name ends that the expression knows: most names do not, which is known
# before it has tried all their places.
ends := ["password", "passwd", "passphrase", "secret", "token", "key", "key_id", "keyid", "credential", "credentials"]

# METADATA
# description: a text that is the credential itself, and not a switch, a number, a path or a placeholder
literal(value) if {
	is_string(value)
	not harmless(value)
	not regex.match(`(?i)^(true|false|yes|no|on|off|null|none|nil|~|-?[0-9]+(\.[0-9]+)?(ms|s|m|h|d)?|[\[{(|>&*].*|\.{0,2}/.*|file:.*)$`, value)
	not regex.match(`\$[({A-Za-z_]`, value)
	not regex.match(`\{\{`, value)
}

# METADATA
# description: the flag at a place of a command line, whose value is the next word
spaced(words_of, i) := {"name": parts[0][1], "value": words_of[i + 1]} if {
	parts := regex.find_all_string_submatch_n(`^--([A-Za-z0-9][A-Za-z0-9._-]*)$`, words_of[i], 1)
	not startswith(words_of[i + 1], "-")
}

# METADATA
# description: a flag that carries its value, --name=value
flag(argument) := {"name": parts[0][1], "value": parts[0][2]} if {
	parts := regex.find_all_string_submatch_n(`^--?([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)$`, argument, 1)
}
